package tokenstore_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// The tests with databases are in the module sqltest, which has the drivers.

func TestNewSQLChecksItsConfig(t *testing.T) {
	db := new(sql.DB)
	for name, config := range map[string]tokenstore.SQLConfig{
		"no database":    {Engine: tokenstore.SQLite},
		"no dialect":     {DB: db},
		"unknown engine": {DB: db, Engine: "oracle"},
		"negative lease": {DB: db, Engine: tokenstore.SQLite, Lease: -1},
		"short lease":    {DB: db, Engine: tokenstore.SQLite, Lease: time.Second - 1},
		"long lease":     {DB: db, Engine: tokenstore.SQLite, Lease: 12*time.Second + 1},
		"quoted table":   {DB: db, Engine: tokenstore.SQLite, Table: `a"b`},
		"statement":      {DB: db, Engine: tokenstore.SQLite, Table: "a; DROP TABLE b"},
		"space":          {DB: db, Engine: tokenstore.SQLite, Table: "a "},
		"newline":        {DB: db, Engine: tokenstore.SQLite, Table: "a\n"},
		"two dots":       {DB: db, Engine: tokenstore.SQLite, Table: "a.b.c"},
		"digit first":    {DB: db, Engine: tokenstore.SQLite, Table: "1a"},
		"letter":         {DB: db, Engine: tokenstore.SQLite, Table: "ä"},
		"long table":     {DB: db, Engine: tokenstore.SQLite, Table: strings.Repeat("a", 51)},
	} {
		_, err := tokenstore.NewSQL(t.Context(), config)
		assert.ErrorContains(t, err, "tokenstore: SQLConfig: ", name)
	}
}

func TestNewSQLReportsAllProblemsAtOnce(t *testing.T) {
	_, err := tokenstore.NewSQL(t.Context(), tokenstore.SQLConfig{Table: "a b", Lease: -1})
	for _, field := range []string{"DB: ", "Engine: ", "Table: ", "Lease: "} {
		assert.ErrorContains(t, err, field)
	}
}
