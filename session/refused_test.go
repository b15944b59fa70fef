package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A wrong password costs one login, whatever the shape, and however many connectors and
// requests there are.
func TestWrongPasswordCostsOneLogin(t *testing.T) {
	for name := range shapes(authtest.NewProvider(t)) {
		t.Run(name, func(t *testing.T) {
			p := authtest.NewProvider(t)
			right := shapes(p)[name]
			wrong := right
			if wrong.Values != nil {
				wrong.Values = map[string]connectorauth.Secret{"user": right.Values["user"], "password": "wrong password <&>"}
			} else {
				wrong.Login = []session.Request{right.Login[0]}
				wrong.Login[0].Auth = must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: "wrong password <&>"}))
			}
			store := new(tokenstore.Memory)
			connect := func(config session.Config) *connectorauth.Custom {
				config.Store, config.Account, config.Shared = store, "a", new(connectorauth.Shared)
				return must(session.New(config))
			}
			for range 8 {
				_, err := use(t, p, connect(wrong))
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
				for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err)} {
					assert.NotContains(t, text, "wrong password")
				}
			}
			assert.Equal(t, 1, p.Stats().LoginsRefused)
			assert.Zero(t, p.Stats().APIRefused)
			status := must(connect(wrong).Status(t.Context()))
			assert.Equal(t, connectorauth.StateReauthRequired, status.State)
			requireUsable(t, p, connect(right))
			require.ErrorIs(t, connect(wrong).Renew(t.Context()), connectorauth.ErrReauthRequired)
			assert.Equal(t, 2, p.Stats().LoginsRefused, "Renew tries at once")
			requireUsable(t, p, connect(right))
			assert.Equal(t, 1, p.Stats().Logins)
		})
	}
}

func TestErrorOfARefusedLogin(t *testing.T) {
	p := authtest.NewProvider(t)
	config := login(p)
	config.Values["password"] = "wrong"
	_, err := use(t, p, must(session.New(config)))
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	var failed *connectorauth.TokenError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 401, failed.StatusCode)
	assert.Equal(t, p.LoginJSONURL, failed.Endpoint)
	assert.ErrorContains(t, err, "session: Login[0] was refused")
}

// A lock that ends is noticed by itself, and the account is not locked by our logins.
func TestLockedAccountComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, LockAfter: 2})
		defer p.Close()
		other := login(p)
		other.Values["password"] = "wrong"
		for range 2 { // somebody else locks the account
			_, err := use(t, p, must(session.New(other)))
			require.Error(t, err)
		}
		c := must(session.New(login(p)))
		for range 10 {
			_, err := use(t, p, c)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			time.Sleep(4 * time.Minute)
		}
		assert.Equal(t, 3, p.Stats().LoginsRefused)
		time.Sleep(21 * time.Minute)
		requireUsable(t, p, c)
	})
}

// A login whose response is lost, or of no use for now, is not sent again at once, and
// is no refusal.
func TestLoginThatFailsForNow(t *testing.T) {
	for name, fault := range map[string]authtest.Fault{
		"dropped": authtest.DropAfter(), "outage": authtest.Answer(503, http.Header{"Retry-After": {"7"}}, "<html>"),
		"too many": authtest.Answer(429, nil, ""), "not found": authtest.Answer(404, nil, "nothing here"),
		"redirect":  authtest.Answer(307, http.Header{"Location": {"https://other.example.test/"}}, ""),
		"too large": authtest.Answer(200, nil, `{"session":{"token":"`+strings.Repeat("x", 1<<20)+`"}}`),
		"too long":  authtest.Answer(200, nil, `{"session":{"token":"`+strings.Repeat("x", 65<<10)+`"},"renewal":"r"}`),
		"slow":      authtest.Delay(time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				p.Inject(p.LoginJSONURL, 1, fault)
				c := must(session.New(login(p)))
				for range 3 {
					_, err := use(t, p, c)
					require.Error(t, err)
					assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
					assert.NotContains(t, err.Error(), "other.example")
					assert.NotContains(t, err.Error(), "xxx")
				}
				assert.Len(t, p.Requests(p.LoginJSONURL), 1)
				time.Sleep(10 * time.Second)
				requireUsable(t, p, c)
				assert.Len(t, p.Requests(p.LoginJSONURL), 2)
			})
		})
	}
}

// A response of success without the session may be the refusal of a service that knows
// no status codes.
func TestResponseWithoutTheSessionIsARefusal(t *testing.T) {
	for name, body := range map[string]string{
		"another object": `{"success":false}`, "null": `{"session":{"token":null}}`, "an object": `{"session":{"token":{}},"renewal":"r"}`, "a page": "<html><p>Wrong password</html>", "nothing": "",
		"not complete": `{"session":{"token":"abc"`,
	} {
		p := authtest.NewProvider(t)
		p.Inject(p.LoginJSONURL, authtest.Always, authtest.Answer(200, nil, body))
		c := must(session.New(login(p)))
		for range 3 {
			_, err := use(t, p, c)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired, name)
		}
		assert.Len(t, p.Requests(p.LoginJSONURL), 1, name)
	}
}

func TestNoErrorShowsACapturedValue(t *testing.T) {
	quoting := func(what func(*http.Request) string) http.RoundTripper {
		return fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/one" {
				return fakehttp.Respond(200, `{"ticket":"the-captured-ticket"}`), nil
			}
			return nil, errors.New("no route for " + what(req))
		})
	}
	for _, what := range []func(*http.Request) string{
		func(req *http.Request) string { return req.URL.String() },
		func(req *http.Request) string { return req.Header.Get("X-Made") },
		func(*http.Request) string { return "the-captured-ticket" },
		func(*http.Request) string { return "the-secret-of-the-owner" },
	} {
		c := must(session.New(session.Config{
			Login: []session.Request{
				{URL: "https://api.example.test/one", Capture: map[string]string{"ticket": "ticket"}},
				{URL: "https://api.example.test/two/{ticket}?x={secret}", Header: map[string]string{"X-Made": "{base64({ticket}{secret})}"}, Capture: map[string]string{"token": "token"}},
			},
			Values: map[string]connectorauth.Secret{"secret": "the-secret-of-the-owner"}, HTTPClient: client(quoting(what)),
		}))
		err := c.Renew(context.Background())
		require.ErrorContains(t, err, "session: Login[1]")
		assert.NotContains(t, err.Error(), "the-captured-ticket")
		assert.NotContains(t, err.Error(), "the-secret-of-the-owner")
		assert.NotContains(t, err.Error(), base64std("the-captured-ticketthe-secret-of-the-owner"))
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	p := authtest.NewProvider(t)
	config := login(p)
	c := must(session.New(config))
	requireUsable(t, p, c)
	token := p.Requests(p.SessionURL)[0].Header.Get("Authorization")[len("Bearer "):]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, value := range []any{config, &config, c, connectorauth.NewClient(c, nil).Transport} {
			text := fmt.Sprintf(verb, value)
			assert.NotContains(t, text, p.Password)
			assert.NotContains(t, text, token)
		}
	}
	text, err := json.Marshal(config.Values)
	require.NoError(t, err)
	assert.NotContains(t, string(text), p.Password)
}

// A service that refuses a login by a redirect and a cookie of no use, without a word of
// it in Refusals: the API tells.
func TestLoginsInVainDoNotLockTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		config := shapes(p)["form and cookie"]
		config.Refusals = nil
		right := config.Values["password"]
		store := new(tokenstore.Memory)
		connect := func(password connectorauth.Secret) *connectorauth.Custom {
			c := config
			c.Values = map[string]connectorauth.Secret{"user": config.Values["user"], "password": password}
			c.Store, c.Account, c.Shared = store, "a", new(connectorauth.Shared)
			return must(session.New(c))
		}
		first := connect("wrong")
		status, err := use(t, p, first)
		require.NoError(t, err)
		assert.Equal(t, 401, status)
		assert.Equal(t, 2, p.Stats().LoginsRefused)
		for range 45 {
			time.Sleep(time.Minute)
			for _, c := range []*connectorauth.Custom{first, connect("wrong")} {
				_, err := use(t, p, c)
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			}
		}
		assert.Equal(t, 2, p.Stats().LoginsRefused)
		time.Sleep(time.Hour)
		use(t, p, connect("wrong"))
		use(t, p, first)
		assert.Equal(t, 3, p.Stats().LoginsRefused, "the next attempt")
		requireUsable(t, p, connect(right))
		p.EndSessions()
		c := connect(right)
		requireUsable(t, p, c)
		p.EndSessions()
		requireUsable(t, p, c)
		assert.Equal(t, 3, p.Stats().Logins, "sessions that were accepted are not in vain")
	})
}
