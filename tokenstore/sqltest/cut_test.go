package sqltest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
)

const (
	// patience is how long tests wait for what happens soon on a machine with nothing
	// else to do.
	patience = 2 * time.Minute
	// shortLease is the lease of tests that wait for the end of leases often. A holder
	// has more than half of the lease to prolong its lock.
	shortLease = 6 * time.Second
)

// A cutter is a way to connect that fails while cut is set.
type cutter struct {
	dsn    string
	driver driver.Driver
	cut    atomic.Bool
}

func (c *cutter) Connect(context.Context) (driver.Conn, error) {
	if c.cut.Load() {
		return nil, errors.New("the network is broken")
	}
	return c.driver.Open(c.dsn)
}

func (c *cutter) Driver() driver.Driver { return c.driver }

// openCut opens the store at p with a short lease. The pool keeps no connection,
// so each statement fails while cut is set.
func (p place) openCut(t *testing.T) (store tokenstore.SharedStore, cut func(bool)) {
	t.Helper()
	plain, err := sql.Open(p.Driver, p.DSN)
	require.NoError(t, err)
	defer plain.Close()
	c := &cutter{dsn: p.DSN, driver: plain.Driver()}
	db := sql.OpenDB(c)
	db.SetMaxIdleConns(-1)
	t.Cleanup(func() { db.Close() })
	store, err = tokenstore.NewSQL(t.Context(), tokenstore.SQLConfig{DB: db, Engine: p.Engine, Table: p.Table, Lease: shortLease})
	require.NoError(t, err)
	return store, c.cut.Store
}
