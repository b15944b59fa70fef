package session_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a hook adds is not what the account owner has given, and a hook sees no request
// that is not sent.
func TestHookOfTheConnectorInAuthIsNoPassword(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	hooked := 0
	connect := func(password string) *connectorauth.Custom {
		basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: connectorauth.Secret(password)}))
		config := shapes(p)["Basic and header"]
		config.Login[0].Auth = connectorauth.WithHooks(basic, connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
			hooked++
			e.Request.Header.Set("X-Request-Id", rand.Text())
			return nil
		}})
		config.Store, config.Account, config.Shared = store, "a", new(connectorauth.Shared)
		return must(session.New(config))
	}
	for range 4 {
		_, err := use(t, p, connect("wrong"))
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	}
	assert.Equal(t, 1, p.Stats().LoginsRefused)
	assert.Equal(t, 1, hooked)
	for range 4 {
		requireUsable(t, p, connect(p.Password))
	}
	assert.Equal(t, 1, p.Stats().Logins)
	assert.Equal(t, 2, hooked)
}

// Sessions of no use that end before the API rejects them again are in vain all the same.
func TestShortSessionsInVainDoNotLockTheAccount(t *testing.T) {
	for name, lifetime := range map[string]session.Lifetime{"fixed": {Fixed: 10 * time.Minute}, "idle": {Idle: 30 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				config := shapes(p)["form and cookie"]
				config.Refusals, config.Lifetime = nil, lifetime
				config.Values["password"] = "wrong"
				c := must(session.New(config))
				for range 40 {
					use(t, p, c)
					time.Sleep(time.Minute)
				}
				assert.LessOrEqual(t, p.Stats().LoginsRefused, 2)
				time.Sleep(time.Hour)
				use(t, p, c)
				assert.Equal(t, 3, p.Stats().LoginsRefused, "another attempt after an hour")
			})
		})
	}
}

// A program that runs for one request each time learns from the runs before.
func TestShortProcessesInVainDoNotLockTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		store := new(tokenstore.Memory)
		for range 20 {
			config := shapes(p)["form and cookie"]
			config.Refusals, config.Store, config.Account = nil, store, "a"
			config.Values["password"] = "wrong"
			use(t, p, must(session.New(config)))
			synctest.Wait()
			time.Sleep(2 * time.Minute)
		}
		assert.Equal(t, 2, p.Stats().LoginsRefused)
	})
}

// A session that another process has used is not in vain.
func TestSessionThatAnotherProcessHasUsedIsNotInVain(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	connect := func() *connectorauth.Custom {
		return must(session.New(login(p, func(c *session.Config) { c.Store, c.Account = store, "a" })))
	}
	one, two := connect(), connect()
	require.NoError(t, one.Renew(t.Context()))
	p.EndSessions()
	requireUsable(t, p, one) // with a second session
	p.EndSessions()
	requireUsable(t, p, two)
	requireUsable(t, p, one)
	assert.Equal(t, 3, p.Stats().Logins)
}

// However many passwords there are, each of the wrong ones costs one login.
func TestEachWrongPasswordCostsOneLogin(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	connect := func(password string) *connectorauth.Custom {
		return must(session.New(login(p, func(c *session.Config) {
			c.Store, c.Account = store, "a"
			c.Values["password"] = connectorauth.Secret(password)
		})))
	}
	for range 3 {
		for i := range 4 {
			_, err := use(t, p, connect(fmt.Sprint("wrong ", i)))
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		requireUsable(t, p, connect(p.Password))
	}
	assert.Equal(t, 4, p.Stats().LoginsRefused)
	assert.Equal(t, 1, p.Stats().Logins)
	for i := range 20 {
		use(t, p, connect(fmt.Sprint("another ", i)))
	}
	raw, _, err := store.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, 1+8, strings.Count(string(raw), `"login":`), "the record does not grow for ever")
}
