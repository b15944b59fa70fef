package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A service that locks accounts must not get a wrong password each hour for ever, only
// because the service does not say that the password is wrong.
func TestPausesBetweenLoginsInVainGrow(t *testing.T) {
	for name, store := range map[string]connectorauth.TokenStore{"memory": nil, "store": new(tokenstore.Memory)} {
		for _, every := range []time.Duration{5 * time.Minute, 61 * time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true, LockAfter: 1 << 30})
				defer p.Close()
				config := shapes(p)["form and cookie"]
				config.Refusals = nil
				config.Values = map[string]connectorauth.Secret{"user": config.Values["user"], "password": "wrong"}
				config.Shared = new(connectorauth.Shared)
				if store != nil {
					config.Store, config.Account = store, every.String()
				}
				c := must(session.New(config))
				start, last, logins, told := time.Now(), time.Now(), 0, false
				var longest time.Duration
				for time.Since(start) < 72*time.Hour {
					_, err := use(t, p, c)
					if err != nil {
						require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
						told = true
						assert.Equal(t, connectorauth.StateReauthRequired, must(c.Status(t.Context())).State, name)
					}
					if n := p.Stats().LoginsRefused; n > logins {
						longest, logins, last = max(longest, time.Since(last)), n, time.Now()
					}
					time.Sleep(every)
				}
				assert.True(t, told, "the program learns that a person must act: %s %s", name, every)
				assert.LessOrEqual(t, logins, 12, "%s %s", name, every)
				assert.Greater(t, longest, 11*time.Hour, "%s %s", name, every)
				assert.LessOrEqual(t, longest, 25*time.Hour, "a lock that ends is noticed: %s %s", name, every)
			})
		}
	}
}

// A refused login is the same to Status with a Store and without.
func TestStatusOfARefusedLoginWithoutAStore(t *testing.T) {
	p := authtest.NewProvider(t)
	c := must(session.New(login(p, func(c *session.Config) {
		c.Values = map[string]connectorauth.Secret{"user": c.Values["user"], "password": "wrong"}
	})))
	_, err := use(t, p, c)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	status := must(c.Status(t.Context()))
	assert.Equal(t, connectorauth.StateReauthRequired, status.State)
	assert.ErrorIs(t, status.LastError, connectorauth.ErrReauthRequired)
	assert.False(t, status.NotBefore.IsZero(), "the next attempt")
}
