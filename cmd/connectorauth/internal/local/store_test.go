package local

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

func TestNobodyWaitsForALockForEver(t *testing.T) {
	dir := t.TempDir()
	file, err := tokenstore.NewFile(filepath.Join(dir, "tokens"))
	require.NoError(t, err)
	first, second := store{file}, store{file}
	synctest.Test(t, func(t *testing.T) {
		lease, err := first.Lock(t.Context(), "a")
		require.NoError(t, err)
		_, err = second.Lock(t.Context(), "a")
		var locked *storeerror.Locked
		require.ErrorAs(t, err, &locked)
		assert.Equal(t, os.Getpid(), locked.Holder.PID)
		require.NoError(t, t.Context().Err(), "the caller would wait longer")
		lease.Unlock()
		lease, err = second.Lock(t.Context(), "a")
		require.NoError(t, err)
		lease.Unlock()
	})
}

func TestTheEndOfTheContextIsTheEndOfTheWait(t *testing.T) {
	file, err := tokenstore.NewFile(filepath.Join(t.TempDir(), "tokens"))
	require.NoError(t, err)
	s := store{file}
	lease, err := s.Lock(t.Context(), "a")
	require.NoError(t, err)
	defer lease.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Lock(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
}

func TestNear(t *testing.T) {
	names := []string{"github", "gitlab", "stripe", "mcp", "google-drive"}
	for name, want := range map[string][]string{
		"githb": {"github", "gitlab"}, "GITLAB": {"gitlab", "github"}, "strpie": {"stripe"}, "goo": {"google-drive"}, "zzzzzz": nil, "x": nil,
	} {
		assert.Equal(t, want, Near(name, names), name)
	}
}
