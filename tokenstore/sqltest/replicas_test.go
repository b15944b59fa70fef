package sqltest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/replicas"
)

func openReplica(encoded string) (connectorauth.TokenStore, error) {
	var p place
	if err := json.Unmarshal([]byte(encoded), &p); err != nil {
		return nil, err
	}
	store, _, err := p.connect(context.Background(), 5*time.Second)
	return store, err
}

func TestReplicas(t *testing.T) {
	for _, e := range []engine{sqliteWAL, postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			place, err := json.Marshal(newPlace(t, e))
			require.NoError(t, err)
			replicas.Test(t, openReplica, string(place))
		})
	}
}
