package sqltest

import (
	"flag"
	"os"
	"testing"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/dbserver"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/internal/test/stores"
)

// The servers of most tests.
var (
	postgresServer = dbserver.NewPostgres("CONNECTORAUTH_TEST_POSTGRES")
	mysqlServer    = dbserver.NewMySQL("CONNECTORAUTH_TEST_MYSQL")
)

func TestMain(m *testing.M) {
	child.Main(openJobs, sweepJobs, replicas.Jobs(openReplica), stores.Jobs(openChild))
	flag.Parse()
	replicas.Parallel()
	code := m.Run()
	postgresServer.Stop()
	mysqlServer.Stop()
	os.Exit(code)
}
