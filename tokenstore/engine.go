package tokenstore

import (
	"errors"
	"fmt"
	"strings"
)

// An Engine is a kind of SQL database.
type Engine string

// The engines.
const (
	PostgreSQL Engine = "postgres" // PostgreSQL 9.5 or later, and databases with the same SQL
	MySQL      Engine = "mysql"    // MySQL 5.7 or later, and MariaDB
	SQLite     Engine = "sqlite"   // SQLite 3.24 or later
)

// syntax is the SQL of an engine, where engines differ.
type syntax struct {
	bytes, time   string // column types
	now, after    string // the present time on the database's clock; the time %s microseconds later
	insert, guard string // begin and end of an INSERT that does not change an existing row
	numbered      bool   // parameters are written $1, $2 instead of ?
}

var syntaxes = map[Engine]syntax{
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

// sqliteNow is the time in microseconds since 1970. The function unixepoch is
// not in all versions of SQLite.
const sqliteNow = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"

// insertNew returns an INSERT that does not change an existing row.
func (s syntax) insertNew(table, columns, values string) string {
	return s.statement(s.insert + " INTO " + table + " (" + columns + ") VALUES (" + values + ")" + s.guard)
}

// statement returns query, with numbered parameters if the database wants
// numbers.
func (s syntax) statement(query string) string {
	if !s.numbered {
		return query
	}
	parts := strings.Split(query, "?")
	for i := range parts[1:] {
		parts[i] += fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(parts, "")
}

// busy reports whether the database did nothing because of other clients, so
// that the statement may succeed at another try. This package imports no driver.
// busy therefore looks at an interface and at words that the drivers of a
// database have in common.
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
