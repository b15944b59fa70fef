package sqltest

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// pools opens stores with as many connections as a program has, and closes the
// pools at the end of a measurement.
type pools struct{ all []*sql.DB }

func (p *pools) open(place string, lease time.Duration) (tokenstore.SharedStore, error) {
	store, db, err := openPool(place, lease)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	p.all = append(p.all, db)
	return store, nil
}

func (p *pools) close() {
	for _, db := range p.all {
		db.Close()
	}
	p.all = nil
}

// store is e for crowds and programs that start.
func (e engine) store(open replicas.Open) replicas.Store {
	return replicas.Store{Name: e.name, Open: open, New: func(t *testing.T) replicas.Site {
		return replicas.Site{Place: newPlace(t, e).encode()}
	}}
}

// A thousand connectors that want the token of one account, while another program
// renews the token, cost the database a few transactions a second, and have the
// token soon after the save.
func TestCrowdCostsFewTransactions(t *testing.T) {
	e := postgres
	observer := openDB(t, e.driver, e.dsn(t))
	observer.SetMaxOpenConns(1)
	transactions := func() (n int) { // a pool counts all of its transactions when it closes
		time.Sleep(1500 * time.Millisecond)
		require.NoError(t, observer.QueryRow("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&n))
		return n
	}
	cost := func(t *testing.T, crowd replicas.Crowd) (n int, took time.Duration) {
		var opened pools
		before, began := transactions(), time.Now()
		crowd.Run(t, e.store(opened.open))
		opened.close()
		took = time.Since(began)
		return transactions() - before, took
	}
	crowd := replicas.Crowd{Renewal: 3 * time.Second, Within: 500 * time.Millisecond}
	alone, _ := cost(t, crowd)
	for _, programs := range []int{1, 50} {
		t.Run(fmt.Sprintf("%d values of Shared", programs), func(t *testing.T) {
			crowd.Connectors, crowd.Programs = 1000, programs
			together, took := cost(t, crowd) // a busy machine takes longer than the renewal
			rate := float64(together-alone) / took.Seconds()
			t.Logf("%d connectors: %.1f transactions a second", crowd.Connectors, rate)
			if programs == 1 && rate > 20 {
				t.Errorf("%d connectors cost %.1f transactions a second", crowd.Connectors, rate)
			}
		})
	}
}

// A program that has saved a token and never unlocks holds nobody up.
func TestCrowdBehindAnAbandonedLock(t *testing.T) {
	for _, e := range []engine{sqlite, sqliteWAL, postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			var opened pools
			t.Cleanup(opened.close)
			replicas.Crowd{Connectors: 100, Programs: 10, Renewal: time.Second, Vanish: true, Within: 300 * time.Millisecond}.Run(t, e.store(opened.open))
		})
	}
}

// Programs that start with expired tokens share the work.
func TestProgramsStartWithExpiredTokens(t *testing.T) {
	replicas.Start(t, postgres.store(openReplica))
}
