package mcp_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// steps ends a context before a step: an access to the store, or a request.
type steps struct {
	connectorauth.SharedTokenStore
	left atomic.Int64
	end  context.CancelFunc
}

func (s *steps) step() {
	if s.left.Add(-1) == 0 {
		s.end()
	}
}

func (s *steps) Load(ctx context.Context, key string) ([]byte, bool, error) {
	s.step()
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	return s.SharedTokenStore.Load(ctx, key)
}

func (s *steps) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	s.step()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
}

// config returns the config of a process whose steps are counted.
func (s *steps) config(w *world) mcp.Config {
	config := w.config(s)
	config.Finder = must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		s.step()
		return w.Client().Transport.RoundTrip(req)
	})}}))
	config.Registrar = must(discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: config.Finder, Store: s, Keys: []tokenstore.Key{{ID: "1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
	}))
	return config
}

// Wherever the caller leaves, the account works, or a second consent connects the account, with the
// same client.
func TestCallerLeavesAtEachStep(t *testing.T) {
	for n := int64(1); ; n++ {
		over := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s := &steps{SharedTokenStore: new(tokenstore.Memory), end: cancel}
			s.left.Store(n)
			account := must(mcp.New(s.config(w)))
			first := w.consent(ctx, account)
			over = s.left.Load() > 0
			if over {
				require.NoError(t, first)
			}
			again := must(mcp.New(s.config(w)))
			if w.consents == 1 && first == nil {
				_, err := again.Connector(t.Context())
				require.NoError(t, err)
			}
			require.NoError(t, w.consent(t.Context(), again))
			assert.Equal(t, 200, must(w.call(t, must(mcp.New(s.config(w))))))
			assert.Equal(t, 1, w.old.Stats().Registrations)
		})
		if over || t.Failed() {
			require.Greater(t, n, int64(10))
			return
		}
	}
}

// Eight processes use an account while its consent is renewed, and none sees anything but a
// token of the account.
func TestProcessesDuringAConsent(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	require.NoError(t, w.consent(t.Context(), must(mcp.New(w.config(store)))))
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 8 {
		account := must(mcp.New(w.config(store)))
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				connector, err := account.Connector(t.Context())
				if assert.NoError(t, err) {
					_, err = connector.Token(t.Context())
					assert.NoError(t, err)
				}
			}
		})
	}
	for range 5 {
		require.NoError(t, w.consent(t.Context(), must(mcp.New(w.config(store)))))
	}
	close(done)
	all.Wait()
	assert.Equal(t, 1, w.old.Stats().Registrations)
}
