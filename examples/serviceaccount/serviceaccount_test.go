package main

import (
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestOneTokenServesThreeRequests(t *testing.T) {
	var out strings.Builder
	require.NoError(t, demo(&out))
	assert.Equal(t, 1, strings.Count(out.String(), "token: renewed\n"), out.String())
	assert.Equal(t, 3, strings.Count(out.String(), "buckets: 200 OK\n"), out.String())
}

func TestKeyThatGoogleDoesNotKnowIsNamed(t *testing.T) {
	google := newGoogle()
	t.Cleanup(google.Close)
	file := filepath.Join(t.TempDir(), "key.json")
	require.NoError(t, os.WriteFile(file, google.keyFile(), 0o600))
	replaced, err := rsa.GenerateKey(rand.Reader, 2048) // as when an administrator has deleted the key
	require.NoError(t, err)
	google.key = replaced
	var out strings.Builder
	err = run(&out, file, google.URL)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "invalid_grant", refused.Code)
	assert.NotContains(t, out.String(), "buckets")
}
