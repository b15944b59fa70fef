package sqltest

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func TestReflectionReachesNoPasswordOfTheDatabase(t *testing.T) {
	const password = "canary-password-5f2a" // as a data source name has one
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(t.TempDir(), password)))
	require.NoError(t, err)
	defer db.Close()
	store, err := tokenstore.NewSQL(t.Context(), tokenstore.SQLConfig{DB: db, Engine: tokenstore.SQLite})
	require.NoError(t, err)
	require.NotEmpty(t, canary.Found(canary.Reached(db), password))
	canary.New(t, password).Reach("SQL", store)
	index, err := accounts.NewSQL(t.Context(), accounts.SQLConfig{DB: db, Engine: tokenstore.SQLite})
	require.NoError(t, err)
	canary.New(t, password).Reach("the index", index)
}
