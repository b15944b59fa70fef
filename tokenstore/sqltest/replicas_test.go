package sqltest

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
)

func openReplica(encoded string) (connectorauth.TokenStore, error) {
	return openEncoded(encoded, 0)
}

func TestReplicas(t *testing.T) {
	for _, e := range []engine{sqliteWAL, postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) { replicas.Test(t, openReplica, newPlace(t, e).encode()) })
	}
}
