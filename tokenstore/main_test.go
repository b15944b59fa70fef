package tokenstore_test

import (
	"flag"
	"testing"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// unixJobs are the jobs of child processes that run on Unix only.
var unixJobs = child.Jobs{}

func TestMain(m *testing.M) {
	child.Main(unixJobs, replicas.Jobs(openReplica), stores.Jobs(func(dir string) (tokenstore.SharedStore, error) {
		return tokenstore.NewFile(dir)
	}))
	flag.Parse()
	replicas.Parallel()
	leaktest.Main(m)
}
