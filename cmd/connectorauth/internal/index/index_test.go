package index_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

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

// A damaged index is an error and stays: who writes over the index loses every account.
func TestADamagedIndexIsLeftAlone(t *testing.T) {
	for name, text := range map[string]string{"no JSON": `{"version":1,"accounts":[{"ID":"a"`, "another shape": `{"version":1,"accounts":{"a":1}}`, "no bytes": ""} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "accounts")
			file, err := tokenstore.NewFile(dir)
			require.NoError(t, err)
			require.NoError(t, file.Save(t.Context(), "accounts", []byte(text)))
			x, err := index.Open(dir, "connectorauth v1")
			require.NoError(t, err)
			var damaged *storeerror.Damaged
			_, err = x.List(t.Context(), accounts.Filter{}, "", 10)
			require.ErrorAs(t, err, &damaged)
			_, _, err = x.Get(t.Context(), "a")
			require.ErrorAs(t, err, &damaged)
			_, err = x.Put(t.Context(), accounts.Account{ID: "a"})
			require.ErrorAs(t, err, &damaged)
			_, err = x.Delete(t.Context(), "a", 0)
			require.ErrorAs(t, err, &damaged)
			_, err = x.Claim(t.Context(), 10, time.Minute)
			require.ErrorAs(t, err, &damaged)
			kept, _, err := file.Load(t.Context(), "accounts")
			require.NoError(t, err)
			assert.Equal(t, text, string(kept))
		})
	}
}

// The file names the program that has written the file, and nothing of an account that is gone.
func TestTheFileNamesItsProgramAndNoAccountThatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "accounts")
	file, err := tokenstore.NewFile(dir)
	require.NoError(t, err)
	x, err := index.Open(dir, "connectorauth v1")
	require.NoError(t, err)
	stored, err := x.Put(t.Context(), accounts.Account{ID: "acme-1", Due: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	require.True(t, stored)
	claimed, err := x.Claim(t.Context(), 10, time.Minute)
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	text, _, err := file.Load(t.Context(), "accounts")
	require.NoError(t, err)
	assert.Contains(t, string(text), "connectorauth v1")
	assert.Contains(t, string(text), "acme-1")
	deleted, err := x.Delete(t.Context(), "acme-1", claimed[0].Version)
	require.NoError(t, err)
	require.True(t, deleted)
	text, _, err = file.Load(t.Context(), "accounts")
	require.NoError(t, err)
	assert.NotContains(t, string(text), "acme-1")
}
