package sqldb

import (
	"errors"
	"fmt"
	"strings"
)

// A Syntax is the SQL of an engine, where engines differ.
type Syntax struct {
	Bytes, Time string // column types
	Document    string // the type of a column for a long text
	Now, After  string // the present time on the database's clock; the time %s microseconds later
	// Micros is the time at the begin of the statement, on the database's clock, in
	// microseconds since 1970. An index can be searched for Micros.
	Micros string
	// SkipLocked is what a SELECT needs, to lock rows that nobody has locked.
	SkipLocked string

	text          string // the type of a column for a text of at most %d bytes, compared and sorted by its bytes
	insert, guard string // begin and end of an INSERT that does not change an existing row
	numbered      bool   // parameters are written $1, $2 instead of ?
	lock, unlock  string // begin and end of a migration
	named         bool   // the lock of a migration has the name %s, and is no transaction
	lockRow       string // what a SELECT of the schema's version needs in a migration
	indexIn       bool   // the schema of an index stands before the index, not before the table
}

// syntaxes are the engines, by the words of tokenstore.Engine.
var syntaxes = map[string]Syntax{
	"postgres": {
		Bytes: "BYTEA", Time: "TIMESTAMPTZ", Document: "TEXT", text: `VARCHAR(%d) COLLATE "C"`,
		Now: "clock_timestamp()", After: "clock_timestamp() + CAST(%s AS BIGINT) * INTERVAL '1 microsecond'",
		Micros:     "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)",
		SkipLocked: " FOR UPDATE SKIP LOCKED",
		insert:     "INSERT", guard: " ON CONFLICT (id) DO NOTHING",
		numbered: true,
		lock:     "BEGIN", unlock: "COMMIT", lockRow: " FOR UPDATE",
	},
	// A text of MySQL is binary: other collations ignore spaces at the end.
	"mysql": {
		Bytes: "LONGBLOB", Time: "DATETIME(6)", Document: "LONGBLOB", text: "VARBINARY(%d)",
		Now: "UTC_TIMESTAMP(6)", After: "UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND",
		Micros:     "TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))",
		SkipLocked: " FOR UPDATE SKIP LOCKED",
		insert:     "INSERT IGNORE",
		lock:       "SELECT GET_LOCK(SHA1(CONCAT_WS('.', DATABASE(), '%s')), 5)", unlock: "DO RELEASE_LOCK(SHA1(CONCAT_WS('.', DATABASE(), '%s')))", named: true,
	},
	"sqlite": {
		Bytes: "BLOB", Time: "INTEGER", Document: "TEXT", text: "VARCHAR(%d)",
		Now: sqliteNow, After: sqliteNow + " + %s", Micros: sqliteNow,
		insert: "INSERT", guard: " ON CONFLICT (id) DO NOTHING",
		lock: "BEGIN IMMEDIATE", unlock: "COMMIT", indexIn: true,
	},
}

// sqliteNow is the time in microseconds since 1970. The function unixepoch is
// not in all versions of SQLite.
const sqliteNow = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"

// Text returns the type of a column for a text of at most so many bytes. The database
// compares and sorts the texts by their bytes.
func (s Syntax) Text(bytes int) string { return fmt.Sprintf(s.text, bytes) }

// InsertNew returns an INSERT that does not change an existing row.
func (s Syntax) InsertNew(table, columns, values string) string {
	return s.Statement(s.insert + " INTO " + table + " (" + columns + ") VALUES (" + values + ")" + s.guard)
}

// CreateIndex returns a statement that creates an index, whose name begins with that of
// the table.
func (s Syntax) CreateIndex(table, name, columns string) string {
	schema, bare, found := strings.Cut(table, ".")
	switch {
	case !found:
		return "CREATE INDEX " + table + "_" + name + " ON " + table + " (" + columns + ")"
	case s.indexIn:
		return "CREATE INDEX " + schema + "." + bare + "_" + name + " ON " + bare + " (" + columns + ")"
	}
	return "CREATE INDEX " + bare + "_" + name + " ON " + table + " (" + columns + ")"
}

// Statement returns query, with numbered parameters if the database wants
// numbers.
func (s Syntax) Statement(query string) string {
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
	return errors.Is(err, errLocked) || says(err,
		"Error 1020", "Error 1205", "Error 1213", // MySQL: changed row, lock wait, deadlock
		"database is locked", "database table is locked", // SQLite
	)
}

// says reports whether the text of err has one of the words.
func says(err error, words ...string) bool {
	for _, w := range words {
		if strings.Contains(err.Error(), w) {
			return true
		}
	}
	return false
}
