package sqltest

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/dbserver"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/internal/test/stores"
)

// The servers of most tests.
var (
	postgresServer = newPostgres("CONNECTORAUTH_TEST_POSTGRES")
	mysqlServer    = newMySQL("CONNECTORAUTH_TEST_MYSQL")
)

// A server is a database server of the tests.
type server struct{ *dbserver.Server }

func newPostgres(variable string) *server { return &server{dbserver.NewPostgres(variable)} }
func newMySQL(variable string) *server    { return &server{dbserver.NewMySQL(variable)} }

func (s *server) dsn(t testing.TB) string                   { t.Helper(); return s.DSN(t) }
func (s *server) crashAndRestart(t *testing.T)              { t.Helper(); s.CrashAndRestart(t) }
func (s *server) crashFor(t *testing.T, down time.Duration) { t.Helper(); s.CrashFor(t, down) }
func (s *server) stop()                                     { s.Stop() }

func TestMain(m *testing.M) {
	child.Main(openJobs, sweepJobs, replicas.Jobs(openReplica), stores.Jobs(openChild))
	flag.Parse()
	replicas.Parallel()
	code := m.Run()
	postgresServer.stop()
	mysqlServer.stop()
	os.Exit(code)
}
