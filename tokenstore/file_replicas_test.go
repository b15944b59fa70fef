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
