package index_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/indextest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/index"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

func TestIndexKeepsTheContract(t *testing.T) {
	dirs := map[string]string{}
	indextest.Test(t, func(t *testing.T) accounts.Index {
		dir, known := dirs[t.Name()]
		if !known {
			dir = filepath.Join(t.TempDir(), "accounts")
			dirs[t.Name()] = dir
		}
		x, err := index.Open(dir, "connectorauth v1")
		require.NoError(t, err)
		return x
	})
}

func TestIndexOfANewerProgramIsLeftAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "accounts")
	file, err := tokenstore.NewFile(dir)
	require.NoError(t, err)
	newer := []byte(`{"version":2,"program":"connectorauth v9.1.0","accounts":{"not":"a list"}}`)
	require.NoError(t, file.Save(t.Context(), "accounts", newer))
	x, err := index.Open(dir, "connectorauth v1")
	require.NoError(t, err)
	_, err = x.List(t.Context(), accounts.Filter{}, "", 10)
	var told *storeerror.Newer
	require.True(t, errors.As(err, &told), "%v", err)
	assert.Contains(t, err.Error(), "use connectorauth v9.1.0 or later")
	_, err = x.Put(t.Context(), accounts.Account{ID: "a"})
	require.ErrorAs(t, err, &told)
	kept, _, err := file.Load(t.Context(), "accounts")
	require.NoError(t, err)
	assert.Equal(t, newer, kept)
}
