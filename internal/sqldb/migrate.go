package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"time"
)

// A Migration is a step from one version of a schema to the next. Programs of the former
// version go on using the schema during a deployment, so a step adds: tables, indexes, and
// columns that have a default. A step never changes once a program with the step has been
// released.
type Migration struct {
	Statements []string
	// Alone ends the use of the schema by programs that do not know the step.
	Alone bool
}

// rollbackTime is how long a failed migration insists on letting others go on.
const rollbackTime = 5 * time.Second

// errLocked: another process migrates.
var errLocked = errors.New("another process changes the schema")

// versions selects the version of a schema.
const versions = "SELECT version, least FROM "

// Migrate brings the schema of a table to the version of the steps. The table with _schema
// at the end has a row with two numbers: how many steps were taken, and how many a program
// must know. Of processes that migrate together, one takes a step and the others wait. A
// schema that has the steps already is only read. A schema that wants a newer program is an
// error, and stays as it is.
func (d *DB) Migrate(ctx context.Context, table string, steps []Migration) error {
	schema := table + "_schema"
	version, least := 0, 0
	if found, err := d.Scan(ctx, versions+schema, nil, &version, &least); err == nil && found && (version >= len(steps) || least > len(steps)) {
		return suits(least, steps)
	}
	_, createErr := d.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+schema+" (id VARCHAR(64) NOT NULL PRIMARY KEY, version BIGINT NOT NULL, least BIGINT NOT NULL)")
	// When two processes create a table at the same time, the database may refuse the
	// slower process. A failure therefore counts only if the table is still missing.
	if _, err := d.Exec(ctx, d.InsertNew(schema, "id, version, least", "'schema', 0, 0")); err != nil {
		if createErr != nil {
			return createErr
		}
		return err
	}
	for version < len(steps) {
		err := d.Try(ctx, func() (err error) {
			version, err = d.step(ctx, schema, steps)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// step takes the next step, unless another process has done so, and returns the version
// afterwards.
func (d *DB) step(ctx context.Context, schema string, steps []Migration) (version int, err error) {
	conn, err := d.pool().Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	unlock, err := d.locked(ctx, conn, schema)
	if err != nil {
		return 0, err
	}
	done := false
	defer func() { err = errors.Join(err, unlock(done)) }()
	least := 0
	if err := conn.QueryRowContext(ctx, versions+schema+d.lockRow).Scan(&version, &least); err != nil || version >= len(steps) {
		return version, cmp.Or(err, suits(least, steps))
	}
	next := steps[version]
	for _, statement := range next.Statements {
		// MySQL keeps what a migration has done that was cut off: tables, columns and indexes.
		if _, err := conn.ExecContext(ctx, statement); err != nil && !says(err, "Error 1050", "Error 1060", "Error 1061") {
			return version, fmt.Errorf("version %d of the schema: %w", version+1, err)
		}
	}
	set, args := "version = ?", []any{version + 1}
	if next.Alone {
		set, args = "version = ?, least = ?", append(args, version+1)
	}
	if _, err := conn.ExecContext(ctx, d.Statement("UPDATE "+schema+" SET "+set+" WHERE id = 'schema'"), args...); err != nil {
		return version, err
	}
	done = true
	return version + 1, nil
}

// locked keeps other processes from migrating until unlock, which also takes back what was
// not done.
func (d *DB) locked(ctx context.Context, conn *sql.Conn, schema string) (unlock func(done bool) error, err error) {
	if d.named {
		var locked sql.NullInt64
		if err := conn.QueryRowContext(ctx, fmt.Sprintf(d.lock, schema)).Scan(&locked); err != nil {
			return nil, err
		}
		if locked.Int64 != 1 {
			return nil, errLocked
		}
	} else if _, err := conn.ExecContext(ctx, d.lock); err != nil {
		return nil, err
	}
	return func(done bool) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		statement := d.unlock
		switch {
		case d.named:
			statement = fmt.Sprintf(d.unlock, schema)
		case !done:
			statement = "ROLLBACK"
		}
		_, err := conn.ExecContext(ctx, statement)
		if err != nil { // nobody may use a connection in the middle of a transaction
			conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		if done {
			return err
		}
		return nil
	}, nil
}

// suits reports by an error that a program with the steps must not use the schema.
func suits(least int, steps []Migration) error {
	if least <= len(steps) {
		return nil
	}
	return fmt.Errorf("the schema of the tables: %w", &storeerror.Newer{Version: least, Known: len(steps)})
}
