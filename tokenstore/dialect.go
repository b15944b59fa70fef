package tokenstore

import (
	"errors"
	"fmt"
	"strings"
)

// A Dialect is a kind of SQL database.
type Dialect int

const (
	PostgreSQL Dialect = iota + 1 // PostgreSQL 9.5 and later, and what speaks its SQL
	MySQL                         // MySQL 5.7 and later, MariaDB
	SQLite                        // SQLite 3.24 and later
)

// dialect holds the words in which databases differ.
type dialect struct {
	bytes, time   string // column types
	now, after    string // the database's clock; the same after %s microseconds
	insert, guard string // INSERT that leaves an existing row alone
	numbered      bool   // parameters are $1, $2 rather than ?
}

var dialects = map[Dialect]dialect{
	PostgreSQL: {
		bytes: "BYTEA", time: "TIMESTAMPTZ",
		now: "clock_timestamp()", after: "clock_timestamp() + CAST(%s AS BIGINT) * INTERVAL '1 microsecond'",
		insert: "INSERT", guard: " ON CONFLICT (id) DO NOTHING",
		numbered: true,
	},
	MySQL: {
		bytes: "LONGBLOB", time: "DATETIME(6)",
		now: "UTC_TIMESTAMP(6)", after: "UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND",
		insert: "INSERT IGNORE",
	},
	SQLite: {
		bytes: "BLOB", time: "INTEGER",
		now: sqliteNow, after: sqliteNow + " + %s",
		insert: "INSERT", guard: " ON CONFLICT (id) DO NOTHING",
	},
}

// sqliteNow is in microseconds since 1970; it works in versions without unixepoch.
const sqliteNow = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"

func (d dialect) insertNew(table, columns, values string) string {
	return d.statement(d.insert + " INTO " + table + " (" + columns + ") VALUES (" + values + ")" + d.guard)
}

// statement numbers the parameters of query where the database wants that.
func (d dialect) statement(query string) string {
	if !d.numbered {
		return query
	}
	parts := strings.Split(query, "?")
	for i := range parts[1:] {
		parts[i] += fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(parts, "")
}

// busy reports whether the database did nothing, and would if asked again. The
// drivers are not imported, so only the interface and the words that they share
// tell.
func busy(err error) bool {
	var postgres interface{ SQLState() string }
	if errors.As(err, &postgres) {
		state := postgres.SQLState()
		return state == "40001" || state == "40P01" // serialization failure, deadlock
	}
	for _, words := range []string{
		"Error 1020", "Error 1205", "Error 1213", // MySQL: changed row, lock wait, deadlock
		"database is locked", "database table is locked", // SQLite
	} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}
