package tokenstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/internal/sqldb"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// SQLConfig is the configuration of a [SQL] store.
type SQLConfig struct {
	// DB is the database. Required. The caller imports the driver, sets up the
	// pool of connections, and closes DB after the last use of the store. DB must
	// always reach the primary server, because a read replica may return tokens
	// that were replaced.
	DB *sql.DB
	// Engine is the kind of database. Required.
	Engine Engine
	// Table is the name of the table for values: up to 50 letters, digits and
	// underscores, with an optional schema and a dot in front. The table for
	// leases has the same name with "_leases" at the end. Empty means
	// connectorauth_tokens.
	Table string
	// Lease is the time after which the lock of a dead holder ends, from a second to
	// 12 seconds. The store prolongs the lock of a living holder three times in each
	// Lease. 0 means 12 seconds. Tests may use a shorter time.
	Lease time.Duration
}

// SQL is a [SharedStore] in a SQL database: for many replicas, or for a single
// host with SQLite. Create a SQL with [NewSQL].
//
// Each operation is a statement or two. No transaction stays open, and a lock
// holds no connection while a token is renewed. A lock is a row with an owner
// and an end. The end is a time on the clock of the database, so the clocks of
// hosts may differ. The holder prolongs the lock every four seconds and removes
// the row at the end. After a broken connection or a restart of the database, the
// holder tries again until the lock ends. Waiters look at the row with growing
// pauses of up to a second. A row that a dead process has left is removed by the
// next process that locks anything.
//
// Wait reads all awaited values together, with one statement for 500 keys, about
// five times a second.
//
// SQLite lets only a single writer at a time into the database. A SQL for SQLite
// therefore runs one statement after the other. To share the database with other
// processes, WAL mode is best.
//
// The id of a row is the SHA-256 of the key, so any key works with any
// collation, and two keys are never confused. The column label shows the key to
// people who read the table. A value may be as large as the database accepts in
// a statement. For MySQL see max_allowed_packet.
//
// A saved value is as durable as a commit of the database. Keep these defaults:
// synchronous FULL in SQLite, synchronous_commit on in PostgreSQL, and
// innodb_flush_log_at_trx_commit 1 in MySQL.
//
// After a deadlock, or if the database is busy, the store tries again until the
// context ends. After any other error, the database may have done the
// operation: a connection may break before the response. Load shows the current
// value.
type SQL struct {
	db    *sqldb.DB
	lease time.Duration
	watch lease.Watch
	swept atomic.Pointer[time.Time] // when abandoned leases were last removed; nil: never, or not all

	load, insert, update, swap, remove        string
	loadMany                                  string // without the list of parameters
	lockFree, lockExpired, lockState, prolong string
	unlock, abandoned, removeAbandoned        string
}

// NewSQL opens the store in config.DB and creates missing tables. Several
// processes may do so at the same time. If the tables exist, the database user
// needs no right to create tables.
func NewSQL(ctx context.Context, config SQLConfig) (*SQL, error) {
	table := cmp.Or(config.Table, "connectorauth_tokens")
	config.Lease = cmp.Or(config.Lease, lease.Length)
	d, problems := sqldb.New(config.DB, string(config.Engine), table)
	if config.Lease < time.Second || config.Lease > lease.Length {
		problems = append(problems, fmt.Errorf("Lease: is %v: use a time from a second to %v", config.Lease, lease.Length))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("tokenstore: SQLConfig: %w", err)
	}
	leases := table + "_leases"
	end := fmt.Sprintf(d.After, "?")
	s := &SQL{
		db: d, lease: config.Lease,

		load:   d.Statement("SELECT value FROM " + table + " WHERE id = ?"),
		insert: d.InsertNew(table, "id, label, value, version", "?, ?, ?, 1"),
		// MySQL counts only rows that change. The version makes every update a
		// change.
		update: d.Statement("UPDATE " + table + " SET value = ?, version = version + 1 WHERE id = ?"),
		swap:   d.Statement("UPDATE " + table + " SET value = ?, version = version + 1 WHERE id = ? AND value = ?"),
		remove: d.Statement("DELETE FROM " + table + " WHERE id = ?"),

		loadMany: "SELECT id, value FROM " + table + " WHERE id IN ",

		lockFree:    d.InsertNew(leases, "id, owner, expires", "?, ?, "+end),
		lockExpired: d.Statement("UPDATE " + leases + " SET owner = ?, expires = " + end + " WHERE id = ? AND expires <= " + d.Now),
		lockState:   d.Statement("SELECT CASE WHEN expires <= " + d.Now + " THEN 1 ELSE 0 END, owner FROM " + leases + " WHERE id = ?"),
		prolong:     d.Statement("UPDATE " + leases + " SET expires = " + end + " WHERE id = ? AND owner = ? AND expires > " + d.Now),
		unlock:      d.Statement("DELETE FROM " + leases + " WHERE id = ? AND owner = ?"),

		abandoned:       d.Statement("SELECT id, owner FROM " + leases + " WHERE expires <= " + end + " LIMIT " + strconv.Itoa(sweepAtOnce)),
		removeAbandoned: d.Statement("DELETE FROM " + leases + " WHERE id = ? AND owner = ? AND expires <= " + d.Now),
	}
	s.watch.Read = s.readAll
	if err := s.createTables(ctx, table, leases); err != nil {
		return nil, fmt.Errorf("tokenstore: cannot set up the tables %s and %s: %w", table, leases, err)
	}
	return s, nil
}

// createTables creates missing tables. When two processes create a table at the
// same time, the database may refuse the slower process. A failure therefore
// counts only if the table is still missing afterwards.
func (s *SQL) createTables(ctx context.Context, table, leases string) error {
	for _, t := range []struct{ probe, create string }{
		{"SELECT id, label, value, version FROM " + table + " WHERE 1 = 0",
			"CREATE TABLE IF NOT EXISTS " + table + " (id VARCHAR(64) NOT NULL PRIMARY KEY, label VARCHAR(255) NOT NULL, value " + s.db.Bytes + " NOT NULL, version BIGINT NOT NULL)"},
		{"SELECT id, owner, expires FROM " + leases + " WHERE 1 = 0",
			"CREATE TABLE IF NOT EXISTS " + leases + " (id VARCHAR(64) NOT NULL PRIMARY KEY, owner VARCHAR(64) NOT NULL, expires " + s.db.Time + " NOT NULL)"},
	} {
		if _, err := s.db.Exec(ctx, t.probe); err == nil {
			continue
		}
		_, createErr := s.db.Exec(ctx, t.create)
		if _, err := s.db.Exec(ctx, t.probe); err != nil {
			if createErr != nil {
				return createErr
			}
			return err
		}
	}
	return nil
}

// Load returns the value under key.
func (s *SQL) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	found, err := s.db.Scan(ctx, s.load, []any{hash(key)}, &value)
	if err != nil {
		return nil, false, fail("load", key, err)
	}
	if !found {
		return nil, false, nil
	}
	return append([]byte{}, value...), true, nil // nil would mean absent
}

// Save stores value under key.
func (s *SQL) Save(ctx context.Context, key string, value []byte) error {
	value = append([]byte{}, value...) // nil would be NULL
	for saved := false; !saved; {
		var err error // both statements change nothing if another process inserts and deletes in between
		if saved, err = s.db.Exec(ctx, s.update, value, hash(key)); err == nil && !saved {
			saved, err = s.db.Exec(ctx, s.insert, hash(key), label(key), value)
		}
		if err != nil {
			return fail("save", key, err)
		}
	}
	return nil
}

// Delete removes key.
func (s *SQL) Delete(ctx context.Context, key string) error {
	if _, err := s.db.Exec(ctx, s.remove, hash(key)); err != nil {
		return fail("delete", key, err)
	}
	return nil
}

// CompareAndSwap stores new under key if the current value equals old, and
// reports whether new was stored. A nil old means that key must be absent.
func (s *SQL) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	new = append([]byte{}, new...) // nil would be NULL
	if old == nil {
		swapped, err = s.db.Exec(ctx, s.insert, hash(key), label(key), new)
	} else {
		swapped, err = s.db.Exec(ctx, s.swap, new, hash(key), old)
	}
	if err != nil {
		return false, fail("swap", key, err)
	}
	return swapped, nil
}

// label returns key as people should see the key: quoted if key has characters
// other than printable ASCII, and cut to the width of the column.
func label(key string) string {
	shown := strconv.QuoteToASCII(key)
	if shown == `"`+key+`"` {
		shown = key
	}
	return shown[:min(len(shown), 255)]
}
