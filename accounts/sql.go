package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/sqldb"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// SQLConfig is the configuration of a [SQL].
type SQLConfig struct {
	// DB is the database. Required. The caller imports the driver, sets up the pool of
	// connections, and closes DB after the last use of the SQL. DB must always reach the
	// primary server. DB may be the DB of a tokenstore.SQL.
	DB *sql.DB
	// Engine is the kind of database. Required.
	Engine tokenstore.Engine
	// Table is the name of the table: up to 50 letters, digits and underscores, with an
	// optional schema and a dot in front. Empty means connectorauth_accounts.
	Table string
}

// SQL is an Index in a SQL database: PostgreSQL 9.5 or later with the encoding UTF8, MySQL 8.0,
// MariaDB 10.6, or SQLite 3.35. Create a SQL with [NewSQL].
//
// All times are those of the clock of the database. Claim locks the rows with FOR UPDATE SKIP
// LOCKED, so no process waits for another; with SQLite, Claim is one UPDATE. A claim is
// a time in the row, and holds no connection. Get, and List by Owner, Status or Identity, read
// the rows that they return. Claim also passes the rows that others have claimed, and List by
// Definitions alone the rows of other definitions.
//
// # Limits
//
// Put refuses an account with an ID that is not as Request.ID, and with an Owner or Identity of
// more than 1,000 bytes, a Definition of more than 255 bytes, or more than a mebibyte in all.
// Texts are UTF-8 and have no U+0000.
//
// # The schema
//
// The table has a column for what List and Claim look for. The column data has the rest of
// the Account, as JSON. Programs with SQL may read the columns, and must not write them. Times
// in columns are microseconds since 1970 (UTC).
//
// The table with _schema at the end says which version the schema has. NewSQL creates what is
// missing, and brings an older schema to the present version: one process does so while
// others that start wait. Programs of the former version go on with the newer schema, and
// keep members of an Account that they do not know. A program that is too old for a schema gets
// an error from NewSQL, which leaves the schema alone. If the schema has the present version,
// the database user needs no right to create tables, and needs SELECT for both tables and
// INSERT, UPDATE and DELETE for the first.
type SQL struct {
	db     *sqldb.DB
	engine tokenstore.Engine
	table  string

	get, insert, update, remove, exists string
	claim                               string
	byStatus, overdue                   string
}

// columns are what a SELECT reads of an account, in the order of readRow.
const columns = "id, owner, definition, status, identity, due, version, data"

// NewSQL opens the index in config.DB, and creates missing tables. Several processes may do
// so at the same time.
func NewSQL(ctx context.Context, config SQLConfig) (*SQL, error) {
	table := cmp.Or(config.Table, "connectorauth_accounts")
	d, problems := sqldb.New(config.DB, string(config.Engine), table)
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("accounts: SQLConfig: %w", err)
	}
	isDue := " FROM " + table + " WHERE due <= " + d.Micros
	s := &SQL{
		db: d, engine: config.Engine, table: table,

		get:    d.Statement("SELECT " + columns + " FROM " + table + " WHERE id = ?"),
		insert: d.InsertNew(table, columns+", claimed_until", "?, ?, ?, ?, ?, ?, 1, ?, 0"),
		update: d.Statement("UPDATE " + table + " SET owner = ?, definition = ?, status = ?, identity = ?, due = ?, data = ?, claimed_until = 0, version = version + 1 WHERE id = ? AND version = ?"),
		remove: d.Statement("DELETE FROM " + table + " WHERE id = ? AND version = ?"),
		exists: d.Statement("SELECT version FROM " + table + " WHERE id = ?"),

		byStatus: "SELECT status, COUNT(*) FROM " + table + " GROUP BY status",
		overdue:  "SELECT COUNT(*), MIN(due)" + isDue,
	}
	free := isDue + " AND claimed_until <= " + d.Micros + " ORDER BY due, id LIMIT ?" + d.SkipLocked
	switch config.Engine {
	case tokenstore.PostgreSQL:
		s.claim = d.Statement("WITH free AS (SELECT id AS free_id" + free + ") UPDATE " + table + " SET claimed_until = " + d.Micros + " + ? FROM free WHERE id = free_id RETURNING " + columns)
	case tokenstore.SQLite:
		s.claim = d.Statement("UPDATE " + table + " SET claimed_until = " + d.Micros + " + ? WHERE id IN (SELECT id" + free + ") RETURNING " + columns)
	default: // has no RETURNING: see claimLocked
		s.claim = d.Statement("SELECT " + columns + free)
	}
	err := d.Migrate(ctx, table, migrations(d.Syntax, table))
	if err == nil { // or the table may be that of another program
		_, err = d.Exec(ctx, "SELECT "+columns+", claimed_until FROM "+table+" WHERE 1 = 0")
	}
	if err != nil {
		return nil, fmt.Errorf("accounts: cannot set up the table %s: %w", table, err)
	}
	return s, nil
}

// migrations are the versions of the schema.
func migrations(s sqldb.Syntax, table string) []sqldb.Migration {
	return []sqldb.Migration{{Statements: []string{
		"CREATE TABLE " + table + " (id " + s.Text(maxIDBytes) + " NOT NULL PRIMARY KEY, owner " + s.Text(maxOwner) + " NOT NULL, definition " + s.Text(maxDefinition) +
			" NOT NULL, status " + s.Text(maxStatus) + " NOT NULL, identity " + s.Text(maxIdentity) +
			" NOT NULL, due BIGINT, claimed_until BIGINT NOT NULL, version BIGINT NOT NULL, data " + s.Document + " NOT NULL)",
		s.CreateIndex(table, "owner", "owner, id"),
		s.CreateIndex(table, "status", "status, id"),
		s.CreateIndex(table, "identity", "identity, id"),
		s.CreateIndex(table, "due", "due, id"),
	}}}
}

// Get returns the account.
func (s *SQL) Get(ctx context.Context, id string) (a Account, found bool, err error) {
	if !idPattern().MatchString(id) {
		return Account{}, false, ctx.Err()
	}
	page, err := sqldb.Query(ctx, s.db, readRow, s.get, id)
	if err != nil || len(page) == 0 {
		return Account{}, false, err
	}
	return page[0], true, nil
}

// Put stores a if the stored account has a.Version. An account beyond the limits is an error.
func (s *SQL) Put(ctx context.Context, a Account) (stored bool, err error) {
	if err := a.check(); err != nil {
		return false, fmt.Errorf("accounts: %w", err)
	}
	data, err := a.data()
	if err != nil {
		return false, err
	}
	var due any
	if !a.Due.IsZero() {
		due = a.Due.UnixMicro()
	}
	if a.Version == 0 {
		return s.db.Exec(ctx, s.insert, a.ID, a.Owner, a.Definition, string(a.Status), a.Identity, due, data)
	}
	return s.db.Exec(ctx, s.update, a.Owner, a.Definition, string(a.Status), a.Identity, due, data, a.ID, a.Version)
}

// Delete removes the account if the stored account has the version.
func (s *SQL) Delete(ctx context.Context, id string, version int64) (deleted bool, err error) {
	if !idPattern().MatchString(id) {
		return true, ctx.Err()
	}
	if deleted, err := s.db.Exec(ctx, s.remove, id, version); deleted || err != nil {
		return deleted, err
	}
	found, err := s.db.Scan(ctx, s.exists, []any{id}, &version)
	return err == nil && !found, err
}

// List returns a page of accounts, sorted by ID.
func (s *SQL) List(ctx context.Context, f Filter, after string, limit int) ([]Account, error) {
	definitions := slices.DeleteFunc(slices.Clone(f.Definitions), func(name string) bool { return tooLong("", name, maxDefinition) != nil })
	impossible := tooLong("", f.Owner, maxOwner) != nil || tooLong("", f.Identity, maxIdentity) != nil ||
		tooLong("", string(f.Status), maxStatus) != nil || len(definitions) < min(len(f.Definitions), 1)
	if impossible || limit < 1 {
		return nil, ctx.Err()
	}
	if err := tooLong("after", after, math.MaxInt); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	query, args := "SELECT "+columns+" FROM "+s.table+" WHERE id > ?", []any{after}
	equal := " AND %s = ?" // for the column whose index leaves the fewest rows
	for _, c := range []struct{ column, value string }{{"identity", f.Identity}, {"owner", f.Owner}, {"status", string(f.Status)}} {
		if c.value != "" {
			query += fmt.Sprintf(equal, c.column)
			args = append(args, c.value)
			equal = " AND COALESCE(%s, '') = ?" // which no index serves
		}
	}
	if len(definitions) > 0 {
		query += " AND definition IN (?" + strings.Repeat(", ?", len(definitions)-1) + ")"
		for _, name := range definitions {
			args = append(args, name)
		}
	}
	return sqldb.Query(ctx, s.db, readRow, s.db.Statement(query+" ORDER BY id LIMIT ?"), append(args, limit)...)
}

// Claim returns due accounts, and claims the accounts. An unreadable account is an
// error beside the others, and is claimed too.
func (s *SQL) Claim(ctx context.Context, limit int, lease time.Duration) ([]Account, error) {
	var rows []row
	var err error
	switch {
	case limit < 1:
		return nil, ctx.Err()
	case s.engine == tokenstore.PostgreSQL:
		rows, err = sqldb.Query(ctx, s.db, scanRow, s.claim, limit, lease.Microseconds())
	case s.engine == tokenstore.SQLite:
		rows, err = sqldb.Query(ctx, s.db, scanRow, s.claim, lease.Microseconds(), limit)
	default:
		err = s.db.InTransaction(ctx, func(tx *sql.Tx) (err error) {
			rows, err = s.claimLocked(ctx, tx, limit, lease)
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	var claimed []Account
	var damaged []error
	for _, r := range rows {
		if err := r.read(); err != nil {
			damaged = append(damaged, err)
		} else {
			claimed = append(claimed, r.Account)
		}
	}
	slices.SortFunc(claimed, longest)
	return claimed, errors.Join(damaged...)
}

// claimLocked claims accounts by locking their rows first.
func (s *SQL) claimLocked(ctx context.Context, tx *sql.Tx, limit int, lease time.Duration) ([]row, error) {
	rows, err := tx.QueryContext(ctx, s.claim, limit)
	if err != nil {
		return nil, err
	}
	claimed, err := sqldb.Read(rows, scanRow)
	if err != nil || len(claimed) == 0 {
		return nil, err
	}
	args := []any{lease.Microseconds()}
	for _, a := range claimed {
		args = append(args, a.ID)
	}
	_, err = tx.ExecContext(ctx, "UPDATE "+s.table+" SET claimed_until = "+s.db.Micros+" + ? WHERE id IN (?"+strings.Repeat(", ?", len(claimed)-1)+")", args...)
	return claimed, err
}

// Stats counts the accounts, with two statements.
func (s *SQL) Stats(ctx context.Context) (Stats, error) {
	stats := Stats{Accounts: map[Status]int{}}
	_, err := sqldb.Query(ctx, s.db, func(rows *sql.Rows) (n int, err error) {
		var status Status
		err = rows.Scan(&status, &n)
		stats.Accounts[status] = n
		return n, err
	}, s.byStatus)
	if err != nil {
		return Stats{}, err
	}
	var oldest sql.NullInt64
	if _, err := s.db.Scan(ctx, s.overdue, nil, &stats.Due, &oldest); err != nil {
		return Stats{}, err
	}
	if oldest.Valid {
		stats.Oldest = time.UnixMicro(oldest.Int64).UTC()
	}
	return stats, nil
}

// Format prints the same for every verb: an Index may name many people.
func (*SQL) Format(f fmt.State, _ rune) { io.WriteString(f, "accounts.SQL") }

// readRow reads the columns of an account.
func readRow(rows *sql.Rows) (Account, error) {
	r, err := scanRow(rows)
	if err == nil {
		err = r.read()
	}
	return r.Account, err
}

// A row is an account whose data is not read so far.
type row struct {
	Account
	data []byte
}

func scanRow(rows *sql.Rows) (r row, err error) {
	var due sql.NullInt64
	if err := rows.Scan(&r.ID, &r.Owner, &r.Definition, &r.Status, &r.Identity, &due, &r.Version, &r.data); err != nil {
		return row{}, err
	}
	if due.Valid {
		r.Due = time.UnixMicro(due.Int64).UTC()
	}
	return r, nil
}

// read reads the data.
func (r *row) read() error { return r.readData(r.data) }
