package accounts_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
)

// The tests with databases are in the module tokenstore/sqltest, which has the drivers.

func TestNewSQLChecksItsConfig(t *testing.T) {
	db := new(sql.DB)
	for name, config := range map[string]accounts.SQLConfig{
		"DB: is required":   {Engine: tokenstore.SQLite},
		`Engine: is ""`:     {DB: db},
		`Engine: is "db2"`:  {DB: db, Engine: "db2"},
		`Table: "a\"b"`:     {DB: db, Engine: tokenstore.SQLite, Table: `a"b`},
		`Table: "a; b"`:     {DB: db, Engine: tokenstore.SQLite, Table: "a; b"},
		`Table: "aaaaaaaaa`: {DB: db, Engine: tokenstore.SQLite, Table: strings.Repeat("a", 51)},
	} {
		_, err := accounts.NewSQL(t.Context(), config)
		assert.ErrorContains(t, err, "accounts: SQLConfig: "+name)
	}
	_, err := accounts.NewSQL(t.Context(), accounts.SQLConfig{Table: "a b"})
	for _, field := range []string{"DB: ", "Engine: ", "Table: "} {
		assert.ErrorContains(t, err, field)
	}
}

func TestIndexesPrintNoAccount(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		assert.Equal(t, "accounts.SQL", fmt.Sprintf(verb, new(accounts.SQL)))
		assert.Equal(t, "accounts.Memory", fmt.Sprintf(verb, new(accounts.Memory)))
	}
}

// An owner that the index could not keep is refused before anything is kept.
func TestConnectRefusesALongOwner(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, owner := range []string{strings.Repeat("o", 1001), "a\x00", "\xff"} {
			_, err := w.process().Connect(t.Context(), accounts.Request{Owner: owner, Definition: "acme", Values: values{"apiKey": "CANARY-key"}})
			assert.ErrorContains(t, err, "accounts: Connect: Owner: ")
		}
		w.empty()
	})
}
