// Package sqldb is what tokenstore.SQL and accounts.SQL have in common: the SQL of the
// engines, statements that are tried again while the database is busy, and the versions of
// a schema.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/internal/poll"
)

// A DB runs statements. A DB is safe for concurrent use.
type DB struct {
	Syntax
	pool func() *sql.DB // a function, because a program that walks memory by reflection would find the database's password
	turn chan struct{}  // holds an element while a statement runs; nil if statements may run together
}

var tableName = lazy.Regexp(`^([A-Za-z_][A-Za-z0-9_]{0,49}\.)?[A-Za-z_][A-Za-z0-9_]{0,49}$`)

// New returns the DB of a database, and what is wrong with the config of its user. The
// engine is in the words of tokenstore.Engine.
func New(pool *sql.DB, engine, table string) (*DB, []error) {
	var problems []error
	if pool == nil {
		problems = append(problems, errors.New("DB: is required"))
	}
	syntax, ok := syntaxes[engine]
	if !ok {
		problems = append(problems, fmt.Errorf("Engine: is %q: use postgres, mysql or sqlite", engine))
	}
	if !tableName().MatchString(table) {
		problems = append(problems, fmt.Errorf("Table: %q: use up to 50 letters, digits and underscores, with an optional schema and dot in front", table))
	}
	d := &DB{Syntax: syntax, pool: func() *sql.DB { return pool }}
	if engine == "sqlite" {
		d.turn = make(chan struct{}, 1) // SQLite lets only one connection write
	}
	return d, problems
}

// Exec executes a statement and reports whether the statement changed a row.
func (d *DB) Exec(ctx context.Context, statement string, args ...any) (changed bool, err error) {
	err = d.Try(ctx, func() error {
		changed, err = d.ExecOnce(ctx, statement, args...)
		return err
	})
	return changed, err
}

// ExecOnce is Exec without a second try and without a turn, for Try.
func (d *DB) ExecOnce(ctx context.Context, statement string, args ...any) (changed bool, err error) {
	result, err := d.pool().ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows > 0, err
}

// Scan puts the first row of a query into the variables. found is false if there is no row.
func (d *DB) Scan(ctx context.Context, query string, args []any, into ...any) (found bool, err error) {
	err = d.Try(ctx, func() error { return d.pool().QueryRowContext(ctx, query, args...).Scan(into...) })
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Query returns the rows of a query, each read by row.
func Query[T any](ctx context.Context, d *DB, row func(*sql.Rows) (T, error), query string, args ...any) (all []T, err error) {
	err = d.Try(ctx, func() error {
		rows, err := d.pool().QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		all, err = Read(rows, row)
		return err
	})
	return all, err
}

// Read returns the rows, each read by row, and closes them.
func Read[T any](rows *sql.Rows, row func(*sql.Rows) (T, error)) (all []T, err error) {
	defer rows.Close()
	for rows.Next() {
		one, err := row(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// InTransaction calls do in a transaction, which sees what others have committed before
// each statement. do is called again while the database is busy.
func (d *DB) InTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	return d.Try(ctx, func() error {
		tx, err := d.pool().BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := do(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// Try calls do, and calls do again while the database is busy. Drivers have
// errors of their own for an ended context; Try returns the error of ctx
// instead.
func (d *DB) Try(ctx context.Context, do func() error) error {
	least, most := 10*time.Millisecond, 250*time.Millisecond
	if d.turn != nil {
		least, most = time.Millisecond, 50*time.Millisecond // another process of this host uses the file
	}
	return poll.Until(ctx, least, most, func() (bool, error) {
		err := d.inTurn(ctx, do)
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

// inTurn calls do. If statements must not run together, inTurn waits for the turn
// of do, in the order of the calls.
func (d *DB) inTurn(ctx context.Context, do func() error) error {
	if d.turn == nil {
		return do()
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}
