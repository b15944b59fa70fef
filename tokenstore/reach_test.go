package tokenstore_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/xml"
	"testing"
	"testing/synctest"

	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

func TestReflectionReachesNoSecretBehindAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const token = "canary-token-7c1d"
		c := canary.New(t, token, string(key1.Secret), string(key2.Secret))
		for name, inner := range map[string]tokenstore.SharedStore{"Memory": new(tokenstore.Memory), "File": openFile(t, newDir(t))} {
			for name, store := range map[string]tokenstore.Store{
				name: inner, "sealed " + name: seal(t, inner, key1, key2), "sealed " + name + " without locks": seal(t, plainStore{inner}, key1),
			} {
				require.NoError(t, store.Save(t.Context(), "alice", []byte(token)))
				if waits, ok := store.(interface {
					Wait(ctx context.Context, key string, old []byte) ([]byte, error)
				}); ok {
					ctx, cancel := context.WithCancel(t.Context())
					waited := make(chan struct{})
					go func() { waits.Wait(ctx, "alice", []byte(token)); close(waited) }()
					defer func() { cancel(); <-waited }()
				}
				if shared, ok := store.(tokenstore.SharedStore); ok {
					lease, err := shared.Lock(t.Context(), "alice")
					require.NoError(t, err)
					synctest.Wait() // while we look, nobody works
					c.Text(name+" lease", canary.Reached(lease))
					lease.Unlock()
				}
				synctest.Wait()
				c.Text(name, canary.Reached(store))
			}
		}
		store := new(tokenstore.Memory)
		require.NoError(t, store.Save(t.Context(), "alice", []byte(token)))
		c.Reach("Memory", store)
		c.Reach("sealed", seal(t, store, key1, key2))
	})
}

func TestKeyPrintsNoSecret(t *testing.T) {
	c := canary.New(t, string(key1.Secret))
	c.Value("Key", key1)
	c.Value("Key", &key1)
}

func TestGobAndXMLShowNoKey(t *testing.T) {
	var out bytes.Buffer
	require.ErrorContains(t, gob.NewEncoder(&out).Encode(key1), "Key")
	require.NoError(t, xml.NewEncoder(&out).Encode(key1))
	require.Empty(t, canary.Found(out.String(), string(key1.Secret)))
}
