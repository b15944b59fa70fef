package tokenstore_test

import (
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func openReplica(dir string) (connectorauth.TokenStore, error) { return tokenstore.NewFile(dir) }

func TestFileReplicas(t *testing.T) {
	replicas.Test(t, openReplica, filepath.Join(t.TempDir(), "tokens"))
}
