package connectorauth_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A used code must not be sent again: some providers take back what the code has obtained.
func TestProcessesFinishADeviceOnce(t *testing.T) {
	for name, delay := range map[string]time.Duration{"one after the other": 0, "at the same time": 4 * time.Second} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			prompt, pending, err := open().BeginDevice(t.Context())
			require.NoError(t, err)
			require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
			if delay > 0 {
				p.Inject(p.TokenURL, authtest.Always, authtest.Delay(delay))
			}
			const processes = 4
			done := make(chan error)
			for range processes {
				go func() {
					c := open()
					err := c.FinishDevice(t.Context(), pending)
					if err == nil {
						_, err = c.Token(t.Context())
					}
					done <- err
				}()
			}
			for range processes {
				require.NoError(t, <-done, name)
			}
			assert.Equal(t, 1, p.Stats().TokenRequests, name)

			// The code stays used after renewals, and another consent is another code.
			time.Sleep(9 * time.Minute)
			p.ClearFaults()
			require.NoError(t, open().Renew(t.Context()))
			poll, err := open().PollDevice(t.Context(), pending)
			require.NoError(t, err, name)
			assert.True(t, poll.Done, name)
			prompt, again, err := open().BeginDevice(t.Context())
			require.NoError(t, err)
			time.Sleep(5 * time.Second)
			poll, err = open().PollDevice(t.Context(), again)
			require.NoError(t, err)
			assert.False(t, poll.Done, "nobody has allowed the second consent")
			require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
			require.NoError(t, open().FinishDevice(t.Context(), poll.Pending))
			assert.Equal(t, 2, p.Stats().Consents, name)
		})
	}
}

// lockless is a shared store whose locks can be had or not.
type lockless struct {
	*tokenstore.Memory
	mode atomic.Value // of string
}

func (s *lockless) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	switch s.mode.Load() {
	case "down":
		return nil, errors.New("the store is down")
	case "panic":
		panic("lock")
	case "held":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	lease, err := s.Memory.Lock(ctx, key)
	if s.mode.Load() == "lost" {
		return lostLease{lease}, err
	}
	return lease, err
}

// lostLease is a lock that is lost at once.
type lostLease struct{ connectorauth.Lease }

func (lostLease) Check(context.Context) error { return errors.New("the lock is lost") }

func TestDeviceWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		store := &lockless{Memory: new(tokenstore.Memory)}
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL},
			HTTPClient: p.Client(), Shared: new(connectorauth.Shared), Store: store, Account: "alice",
		}))
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
		time.Sleep(5 * time.Second)
		for _, mode := range []string{"down", "panic", "held", "lost"} {
			store.mode.Store(mode)
			began := time.Now()
			_, err = c.PollDevice(t.Context(), pending)
			var passing interface{ Temporary() bool }
			require.ErrorAs(t, err, &passing, mode)
			assert.True(t, passing.Temporary(), mode)
			assert.LessOrEqual(t, time.Since(began), time.Minute, mode)
			assert.Zero(t, p.Stats().TokenRequests, mode)
		}
		store.mode.Store("")
		require.NoError(t, c.FinishDevice(t.Context(), pending), "the same pending serves again")
		lease, err := store.Lock(t.Context(), "alice")
		require.NoError(t, err, "the lock was let go")
		lease.Unlock()
	})
}
