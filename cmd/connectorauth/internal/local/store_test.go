package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
)

func TestALockedStoreNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	file, err := tokenstore.NewFile(filepath.Join(dir, "tokens"))
	require.NoError(t, err)
	holders := filepath.Join(dir, "holders")
	first, second := &store{file, holders, "connectorauth serve"}, &store{file, holders, "connectorauth call"}
	synctest.Test(t, func(t *testing.T) {
		lease, err := first.Lock(t.Context(), "a")
		require.NoError(t, err)
		_, err = second.Lock(t.Context(), "a")
		var locked *LockedError
		require.True(t, errors.As(err, &locked), "%v", err)
		assert.Equal(t, os.Getpid(), locked.Holder.PID)
		assert.Contains(t, err.Error(), "(connectorauth serve)")

		lease.Unlock()
		lease, err = second.Lock(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, "connectorauth call", first.holder("a").Command)
		lease.Unlock()
		entries, err := os.ReadDir(holders)
		require.NoError(t, err)
		assert.Empty(t, entries)
	})
}

func TestTheEndOfTheContextIsNoLock(t *testing.T) {
	file, err := tokenstore.NewFile(filepath.Join(t.TempDir(), "tokens"))
	require.NoError(t, err)
	s := &store{file, t.TempDir(), "connectorauth call"}
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
