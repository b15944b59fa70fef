package main

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestForgottenTokenIsObtainedAnew(t *testing.T) {
	github, private := newGitHub()
	defer github.Close()
	var out strings.Builder
	require.NoError(t, run(&out, private, github.URL))
	assert.Equal(t, 2, strings.Count(out.String(), "installation token: renewed\n"), out.String())
	assert.Equal(t, 3, strings.Count(out.String(), "/repos 200 OK\n"), out.String())
}

func TestRemovedAppNeedsTheAccountOwner(t *testing.T) {
	github, private := newGitHub()
	defer github.Close()
	github.removed = true
	var out strings.Builder
	require.ErrorIs(t, run(&out, private, github.URL), connectorauth.ErrReauthRequired)
}

func TestKeyOfAnotherAppIsRefused(t *testing.T) {
	github, _ := newGitHub()
	defer github.Close()
	other, private := newGitHub()
	other.Close()
	var out strings.Builder
	require.ErrorContains(t, run(&out, private, github.URL), "the installation token has status 401")
}
