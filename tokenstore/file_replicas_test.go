package tokenstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func openReplica(dir string, _ time.Duration) (tokenstore.SharedStore, error) {
	return tokenstore.NewFile(dir)
}

func TestFileReplicas(t *testing.T) {
	in := func(_ *testing.T, dir string) replicas.Site {
		return replicas.Site{Place: filepath.Join(dir, "tokens")}
	}
	replicas.Test(t, replicas.Store{
		Name: "File", Open: openReplica, In: in,
		New: func(t *testing.T) replicas.Site { return in(t, t.TempDir()) },
	})
}

// files is the file store for crowds and programs that start.
var files = replicas.Store{Name: "File", Open: openReplica, New: func(t *testing.T) replicas.Site {
	return replicas.Site{Place: filepath.Join(t.TempDir(), "tokens")}
}}

// A program that has saved a token and never unlocks holds nobody up.
func TestFileCrowdBehindAnAbandonedLock(t *testing.T) {
	replicas.Crowd{Connectors: 100, Programs: 10, Renewal: time.Second, Vanish: true, Within: 300 * time.Millisecond}.Run(t, files)
}

// Programs that start with expired tokens share the work.
func TestProgramsWithFilesStartWithExpiredTokens(t *testing.T) { replicas.Start(t, files) }
