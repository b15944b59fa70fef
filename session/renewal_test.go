package session_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSessionIsRenewedBeforeItsEnd(t *testing.T) {
	for name, lifetime := range map[string]session.Lifetime{
		"seconds": {Expiry: "expires"}, "a date": {Expiry: "date"}, "fixed": {Fixed: time.Hour},
		"the JWT": {JWT: "token"}, "not readable, but fixed": {Expiry: "token", Fixed: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				var notes []error
				config := login(p, func(c *session.Config) {
					c.Login[0].Capture = map[string]string{"token": "session.token", "expires": "expires_in", "date": "expires"}
					c.Lifetime = lifetime
					c.Observe = func(e connectorauth.Event) {
						if e.Kind == connectorauth.EventRenewed {
							notes = append(notes, e.Err)
						}
					}
				})
				if lifetime.JWT != "" {
					p.Inject(p.LoginJSONURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
						token := fmt.Sprintf(`{"exp":%d}`, time.Now().Add(time.Hour).Unix())
						response["session"].(map[string]any)["token"] = "e30." + base64url(token) + ".c2ln"
					}))
				}
				c := must(session.New(config))
				call := func() {
					resp, err := connectorauth.NewClient(c, p.Client()).Get(p.OpenURL) // any token will do
					require.NoError(t, err)
					resp.Body.Close()
				}
				call()
				require.Equal(t, name == "not readable, but fixed", notes[0] != nil)
				assert.WithinDuration(t, time.Now().Add(time.Hour), must(c.Status(t.Context())).Expiry, 2*time.Second)
				time.Sleep(50 * time.Minute)
				call()
				assert.Equal(t, 1, p.Stats().Logins)
				time.Sleep(9 * time.Minute)
				call()
				synctest.Wait()
				assert.Equal(t, 2, p.Stats().Logins, "in the background")
			})
		})
	}
}

func TestSessionIsRenewedByARequestOfItsOwn(t *testing.T) {
	p := authtest.NewProvider(t)
	config := login(p, func(c *session.Config) {
		c.Renew = &session.Request{URL: p.SessionRenewURL, Form: map[string]string{"renewal": "{renewal}"}, Capture: map[string]string{"token": "session.token", "expires": "expires_in", "renewal": "renewal"}}
	})
	c := must(session.New(config))
	requireUsable(t, p, c)
	for range 3 { // the renewal token rotates
		p.ExpireSessions()
		requireUsable(t, p, c)
	}
	assert.Equal(t, 1, p.Stats().Logins)
	assert.Equal(t, 3, p.Stats().SessionRenewals)
	p.EndSessions()
	requireUsable(t, p, c)
	assert.Equal(t, 2, p.Stats().Logins, "a refused renewal leads to a login")

	p.ExpireSessions()
	p.Inject(p.SessionRenewURL, 1, authtest.Answer(500, nil, "oops"))
	requireUsable(t, p, c)
	assert.Equal(t, 3, p.Stats().Logins)

	p.ExpireSessions()
	p.Inject(p.SessionRenewURL, 1, authtest.Answer(429, http.Header{"Retry-After": {"30"}}, ""))
	status, err := use(t, p, c)
	require.NoError(t, err)
	assert.Equal(t, 401, status, "a service that asks for a pause gets no login")
	assert.Equal(t, 3, p.Stats().Logins)
}

func TestRenewalKeepsWhatItsResponseLeavesOut(t *testing.T) {
	p := authtest.NewProvider(t)
	config := login(p, func(c *session.Config) {
		c.Renew = &session.Request{URL: p.SessionRenewURL, Form: map[string]string{"renewal": "{renewal}"}, Capture: map[string]string{"token": "session.token", "expires": "expires_in", "renewal": "renewal"}}
	})
	c := must(session.New(config))
	requireUsable(t, p, c)
	p.Inject(p.SessionRenewURL, 1, authtest.EditAnswer(func(response map[string]any) { delete(response, "renewal"); delete(response, "expires_in") }))
	require.NoError(t, c.Renew(t.Context()))
	requireUsable(t, p, c)
	assert.True(t, must(c.Status(t.Context())).Expiry.IsZero())
	require.NoError(t, c.Renew(t.Context()), "the former renewal token is sent, and is used up")
	requireUsable(t, p, c)
	assert.Equal(t, 2, p.Stats().Logins)
	assert.Equal(t, 1, p.Stats().SessionRenewals)
}
