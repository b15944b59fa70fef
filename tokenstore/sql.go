package tokenstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// SQLConfig says where a [SQL] store keeps its values.
type SQLConfig struct {
	// DB is the database; required. The caller imports its driver, sets up its
	// pool, and closes it after the last use of the store. It must always reach
	// the primary server: a replica that lags serves tokens that were replaced.
	DB *sql.DB
	// Dialect is the database's kind; required.
	Dialect Dialect
	// Table is the table for values: letters, digits and underscores, with an
	// optional schema and dot in front. The table for leases has the same name
	// and "_leases". Empty means connectorauth_tokens.
	Table string
	// Lease is how long a lock lasts if its holder neither unlocks nor lives.
	// It is not prolonged, so it must be longer than the work done under the
	// lock. Zero means two minutes, four times what a token request may take.
	Lease time.Duration
}

// SQL is a [SharedStore] in a SQL database: for many replicas, or for one host
// with SQLite. Create it with [NewSQL].
//
// Every operation is one or two statements on their own, with no transaction
// kept open: nobody holds a connection while a token is renewed. A lock is a
// row that names its owner and its end by the clock of the database, so that
// hosts whose clocks differ agree; those who wait look again every 10 to 250
// milliseconds. A process that was stopped for longer than its lease loses the
// lock without a sign, and unlock then leaves the new owner's lease alone: use
// CompareAndSwap to store what was made under a lock.
//
// Rows are found by the SHA-256 of the key, so that any key works under any
// collation, and two keys are never confused. The column label repeats
// the key for people who look into the table. Values may have any size that the
// database takes in one statement; for MySQL see max_allowed_packet.
//
// A saved value is as durable as a commit of the database: leave SQLite's
// synchronous at FULL, PostgreSQL's synchronous_commit on, and MySQL's
// innodb_flush_log_at_trx_commit at 1, which are their defaults.
//
// Deadlocks and busy databases are tried again until the context ends. Any
// other error may come after the database has done its work, as when a
// connection breaks before the answer: Load tells.
type SQL struct {
	db      *sql.DB
	dialect dialect
	lease   time.Duration

	load, insert, update, swap, remove string
	lockFree, lockExpired, unlock      string
}

const unlockTimeout = 5 * time.Second // then the lease runs out by itself

// NewSQL opens the store in config.DB and creates its tables if they are
// missing, also while other processes do the same. A database user without the
// right to create tables is enough when they are there.
func NewSQL(ctx context.Context, config SQLConfig) (*SQL, error) {
	if config.DB == nil {
		return nil, errors.New("tokenstore: SQLConfig.DB is required")
	}
	d, ok := dialects[config.Dialect]
	if !ok {
		return nil, errors.New("tokenstore: SQLConfig.Dialect is required: PostgreSQL, MySQL or SQLite")
	}
	table := config.Table
	if table == "" {
		table = "connectorauth_tokens"
	}
	if !tableName.MatchString(table) {
		return nil, fmt.Errorf("tokenstore: SQLConfig.Table %q: use up to 50 letters, digits and underscores, with an optional schema and dot in front", table)
	}
	if config.Lease < 0 {
		return nil, errors.New("tokenstore: SQLConfig.Lease is negative")
	}
	if config.Lease == 0 {
		config.Lease = 2 * time.Minute
	}
	leases := table + "_leases"
	end := fmt.Sprintf(d.after, "?")
	s := &SQL{
		db: config.DB, dialect: d, lease: config.Lease,

		load:   d.statement("SELECT value FROM " + table + " WHERE id = ?"),
		insert: d.insertNew(table, "id, label, value, version", "?, ?, ?, 1"),
		// The version makes every update a change; MySQL does not count others.
		update: d.statement("UPDATE " + table + " SET value = ?, version = version + 1 WHERE id = ?"),
		swap:   d.statement("UPDATE " + table + " SET value = ?, version = version + 1 WHERE id = ? AND value = ?"),
		remove: d.statement("DELETE FROM " + table + " WHERE id = ?"),

		lockFree:    d.insertNew(leases, "id, owner, expires", "?, ?, "+end),
		lockExpired: d.statement("UPDATE " + leases + " SET owner = ?, expires = " + end + " WHERE id = ? AND expires <= " + d.now),
		unlock:      d.statement("DELETE FROM " + leases + " WHERE id = ? AND owner = ?"),
	}
	if err := s.createTables(ctx, table, leases); err != nil {
		return nil, fmt.Errorf("tokenstore: set up the tables %s and %s: %w", table, leases, err)
	}
	return s, nil
}

var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,49}\.)?[A-Za-z_][A-Za-z0-9_]{0,49}$`)

// createTables creates what is missing. Databases refuse one of two processes
// that create a table at the same time, so a failure counts only if the table
// is still missing after it.
func (s *SQL) createTables(ctx context.Context, table, leases string) error {
	for _, t := range []struct{ probe, create string }{
		{"SELECT id, label, value, version FROM " + table + " WHERE 1 = 0",
			"CREATE TABLE IF NOT EXISTS " + table + " (id VARCHAR(64) NOT NULL PRIMARY KEY, label VARCHAR(255) NOT NULL, value " + s.dialect.bytes + " NOT NULL, version BIGINT NOT NULL)"},
		{"SELECT id, owner, expires FROM " + leases + " WHERE 1 = 0",
			"CREATE TABLE IF NOT EXISTS " + leases + " (id VARCHAR(64) NOT NULL PRIMARY KEY, owner VARCHAR(64) NOT NULL, expires " + s.dialect.time + " NOT NULL)"},
	} {
		if _, err := s.exec(ctx, t.probe); err == nil {
			continue
		}
		_, createErr := s.exec(ctx, t.create)
		if _, err := s.exec(ctx, t.probe); err != nil {
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
	err = s.try(ctx, func() error { return s.db.QueryRowContext(ctx, s.load, hash(key)).Scan(&value) })
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fail("load", key, err)
	}
	return append([]byte{}, value...), true, nil // never nil, which would mean absent
}

// Save stores value under key.
func (s *SQL) Save(ctx context.Context, key string, value []byte) error {
	value = append([]byte{}, value...) // nil would be NULL
	for saved := false; !saved; {
		var err error // neither saves if another process inserts and deletes in between
		if saved, err = s.exec(ctx, s.update, value, hash(key)); err == nil && !saved {
			saved, err = s.exec(ctx, s.insert, hash(key), label(key), value)
		}
		if err != nil {
			return fail("save", key, err)
		}
	}
	return nil
}

// Delete removes key.
func (s *SQL) Delete(ctx context.Context, key string) error {
	if _, err := s.exec(ctx, s.remove, hash(key)); err != nil {
		return fail("delete", key, err)
	}
	return nil
}

// CompareAndSwap stores new under key if the current value equals old; a nil
// old means that key must be absent.
func (s *SQL) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	new = append([]byte{}, new...) // nil would be NULL
	if old == nil {
		swapped, err = s.exec(ctx, s.insert, hash(key), label(key), new)
	} else {
		swapped, err = s.exec(ctx, s.swap, new, hash(key), old)
	}
	if err != nil {
		return false, fail("swap", key, err)
	}
	return swapped, nil
}

// Lock waits until the caller alone holds key, or ctx ends. The hold lasts
// until unlock, or for SQLConfig.Lease. Unlock tries for up to five seconds,
// while the database does not answer.
func (s *SQL) Lock(ctx context.Context, key string) (unlock func(), err error) {
	id, owner, lease := hash(key), rand.Text(), s.lease.Microseconds()
	release := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		poll(ctx, 10*time.Millisecond, 250*time.Millisecond, func() (bool, error) {
			_, err := s.exec(ctx, s.unlock, id, owner)
			return err == nil, nil // a broken connection would cost others the rest of the lease
		})
	}
	err = poll(ctx, 10*time.Millisecond, 250*time.Millisecond, func() (bool, error) {
		locked, err := s.exec(ctx, s.lockFree, id, owner, lease)
		if err == nil && !locked {
			locked, err = s.exec(ctx, s.lockExpired, owner, lease, id)
		}
		if err != nil {
			go release() // the lease may have been granted without our learning it
		}
		return locked, err
	})
	if err != nil {
		return nil, fail("lock", key, err)
	}
	return sync.OnceFunc(release), nil
}

// exec runs a statement and reports whether it changed a row.
func (s *SQL) exec(ctx context.Context, statement string, args ...any) (changed bool, err error) {
	err = s.try(ctx, func() error {
		result, err := s.db.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		changed = rows > 0
		return err
	})
	return changed, err
}

// try runs do until the database is not too busy for it. Drivers have their own
// errors for an ended context; callers get the context's.
func (s *SQL) try(ctx context.Context, do func() error) error {
	return poll(ctx, 10*time.Millisecond, 250*time.Millisecond, func() (bool, error) {
		err := do()
		if err == nil || errors.Is(err, sql.ErrNoRows) {
			return true, err
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if busy(err) {
			return false, nil
		}
		return false, err
	})
}

// label shows key to people: as it is, or quoted, and cut to fit its column.
func label(key string) string {
	shown := strconv.QuoteToASCII(key)
	if shown == `"`+key+`"` {
		shown = key
	}
	return shown[:min(len(shown), 255)]
}
