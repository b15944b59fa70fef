package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// A process that began before the key was lost has the former key, and goes on sealing with the
// key. So the advice for a lost key ends that process first.
func TestTheAdviceForALostKeyEndsWhoHasTheFormerKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	serving := openedAt(t, dir)
	p := Program{Client: definition.Client{ID: "client"}}
	require.NoError(t, serving.SetProgram(t.Context(), "first", p))
	h, err := home.Find(dir, "")
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, "key")))
	_, err = h.Key(t.Context())
	require.ErrorContains(t, err, "If the key is lost, end connectorauth serve, remove accounts, clients, tokens and key from "+dir)

	for _, name := range []string{"accounts", "clients", "tokens"} {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, name)))
	}
	next := openedAt(t, dir)
	require.NoError(t, serving.SetProgram(t.Context(), "second", p))
	_, err = next.Program(t.Context(), "second")
	assert.ErrorAs(t, err, new(*storeerror.Sealed))
}
