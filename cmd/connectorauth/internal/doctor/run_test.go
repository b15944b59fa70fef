package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/dnszone"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestMistakesOfTheConfig(t *testing.T) {
	_, err := doctor.Run(t.Context(), doctor.Config{}, nil)
	assert.ErrorContains(t, err, "Config.ID")
	_, err = doctor.Run(t.Context(), doctor.Config{ID: "a"}, nil)
	assert.ErrorContains(t, err, "Definitions: is missing")
}

func TestTheEndOfTheContextEndsRun(t *testing.T) {
	w := newWorld(t)
	w.connect("key")
	ctx, cancel := context.WithCancel(t.Context())
	var begun, ended atomic.Int32
	w.answer(func(_ http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		cancel()
		<-r.Context().Done()
		ended.Add(1)
	})
	config := w.doctor
	config.Accounts = w.config
	report, err := doctor.Run(ctx, config, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, doctor.Warning, report.Outcome)
	assert.Contains(t, report.Advice, "cut short")
	assert.Len(t, report.Steps, 1, "the account alone")
	w.front.Close() // waits for the handlers
	assert.EqualValues(t, 1, begun.Load(), "nothing is sent after the end")
	assert.Equal(t, begun.Load(), ended.Load())
}

// hanging is a network in which nothing answers.
type hanging struct{ sent atomic.Int32 }

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	h.sent.Add(1)
	if r.Body != nil {
		r.Body.Close()
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// program returns the config of a program with one account, whose requests go through base.
func program(t *testing.T, document string, row accounts.Row, base http.RoundTripper) accounts.Config {
	t.Helper()
	d, err := definition.Parse("acme.json", []byte(document), definition.Options{AnyHost: true})
	require.NoError(t, err)
	set, err := definition.NewSet(d)
	require.NoError(t, err)
	config := accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory),
		Shared: new(connectorauth.Shared), Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}},
	}
	if base != nil {
		config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{
				Client:     definition.Client{ID: "client", Secret: "client secret"},
				HTTPClient: &http.Client{Transport: base},
			}, nil
		}
	}
	r, err := accounts.New(config)
	require.NoError(t, err)
	row.ID, row.Owner, row.Definition = "a1", "o", "acme"
	for _, err := range r.Import(t.Context(), slices.Values([]accounts.Row{row})) {
		require.NoError(t, err)
	}
	return config
}

const slow = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.acme.example",
	"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": "https://login.acme.example/token",
		"grant": {"authorizationCode": {"authUrl": "https://www.acme.example/authorize"}}}], "test": {"request": "GET /me"}}`

func TestRunTakesAMinuteAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(hanging)
		config := program(t, slow, accounts.Row{Token: &oauth2.Token{AccessToken: "access-token", RefreshToken: "refresh-token"}}, network)
		begin := time.Now()
		report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(begin), time.Minute)
		assert.Equal(t, doctor.Fault, report.Outcome)
		assert.Len(t, step(report, "name resolution"), 3)
		for _, s := range report.Steps {
			assert.LessOrEqual(t, s.Duration, 30*time.Second, s.Name)
		}
		assert.NotEmpty(t, step(report, "test request"), "all steps have their turn")
	})
}

func TestNoCredentialLeavesForAPortal(t *testing.T) {
	w := newWorld(t)
	w.connect("key")
	var seen bytes.Buffer
	portal := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(&seen, r.Method, r.URL, r.Header)
		io.WriteString(rw, "welcome")
	}))
	w.answer(func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, portal.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	w.diagnosed(doctor.Fault, doctor.CauseProxy, portal.URL)
	portal.Close()
	assert.NotContains(t, seen.String(), w.p.APIKey)
	assert.NotContains(t, seen.String(), "connectorauth-doctor", "no redirect of doctor's own requests is followed")
}

func TestTheClientSecretGoesToTheTokenEndpointAlone(t *testing.T) {
	w := newWorld(t)
	w.connect("oauth")
	w.run()
	for _, endpoint := range []string{w.p.BearerURL, w.p.AuthURL, w.p.TokenURL} {
		for _, r := range w.p.Requests(endpoint) {
			_, password, basic := (&http.Request{Header: r.Header}).BasicAuth()
			assert.Equal(t, endpoint == w.p.TokenURL, basic || password != "", endpoint)
		}
	}
	assert.NotEmpty(t, w.p.Requests(w.p.TokenURL))
}

func TestALoginIsNotTriedTwice(t *testing.T) {
	p := authtest.NewProvider(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	document := strings.NewReplacer("SESSIONURL", p.SessionURL, "LOGINURL", p.LoginJSONURL).Replace(`{"connectorauth": 1, "name": "acme",
		"methods": [{"name": "login", "type": "Session", "baseUrl": "SESSIONURL", "places": [{"name": "X-Session"}],
			"inputs": [{"name": "username"}, {"name": "password", "secret": true}],
			"login": [{"url": "LOGINURL", "json": {"username": "{username}", "password": "{password}"}, "capture": {"token": "session.token"}}]}],
		"test": {"request": "GET /me"}}`)
	row := accounts.Row{Request: accounts.Request{Values: map[string]connectorauth.Secret{"username": connectorauth.Secret(p.Username), "password": "wrong password"}}}
	config := program(t, document, row, transport)
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	assert.Equal(t, doctor.Fault, report.Outcome)
	assert.Contains(t, report.Advice, "Connect the account again")
	assert.Len(t, p.Requests(p.LoginJSONURL), 1, "the service may lock an account after some wrong passwords")
}

func TestAHostOfAPrivateNetworkIsRefused(t *testing.T) {
	zone, resolver := dnszone.Start(t)
	zone.Set("crm.acme.example", []string{"127.0.0.1"})
	guarded, err := egress.New(egress.Config{Resolver: resolver})
	require.NoError(t, err)
	document := `{"connectorauth": 1, "name": "acme", "baseUrl": "{site}",
		"inputs": [{"name": "site", "format": "origin", "anyHost": true}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"name": "X-Key"}, "inputs": [{"name": "apiKey", "secret": true}]}],
		"test": {"request": "GET /me"}}`
	values := map[string]connectorauth.Secret{"site": "https://crm.acme.example", "apiKey": "the key"}
	config := program(t, document, accounts.Row{Request: accounts.Request{Values: values}}, guarded)
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	assert.Equal(t, doctor.CauseRefused, report.Cause, report.Steps)
	assert.Contains(t, report.Advice, "may not reach")
}

func TestAnAccountThatIsBeingDisconnected(t *testing.T) {
	w := newWorld(t)
	id := w.connect("key")
	index := w.config.Index
	a, found, err := index.Get(t.Context(), id)
	require.NoError(t, err)
	require.True(t, found)
	a.Status = accounts.StatusDisconnected
	_, err = index.Put(t.Context(), a)
	require.NoError(t, err)
	w.diagnosed(doctor.Fault, doctor.CauseDisconnected, "Disconnect the account once more")
}

func TestWithoutATest(t *testing.T) {
	s := httptest.NewServer(api)
	t.Cleanup(s.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	document := `{"connectorauth": 1, "name": "acme", "baseUrl": "` + s.URL + `", "methods": [{"name": "none", "type": "None"}]}`
	config := program(t, document, accounts.Row{}, transport)
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	assert.Equal(t, doctor.OK, report.Outcome)
	assert.Contains(t, report.Advice, "Add a test")
}

func TestWhatPeopleAndProgramsRead(t *testing.T) {
	w := newWorld(t)
	w.connect("key")
	r := w.run()
	encoded, err := json.Marshal(r)
	require.NoError(t, err)
	var v struct {
		Steps     []map[string]any
		Exchanges []map[string]any
	}
	require.NoError(t, json.Unmarshal(encoded, &v))
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(encoded, &members))
	assert.Equal(t, []string{"account", "advice", "definition", "exchanges", "method", "outcome", "steps", "time", "versions"}, slices.Sorted(maps.Keys(members)))
	assert.Equal(t, []string{"detail", "duration", "name", "outcome"}, slices.Sorted(maps.Keys(v.Steps[0])))
	_, err = time.ParseDuration(v.Steps[0]["duration"].(string))
	assert.NoError(t, err)
	assert.Equal(t, []string{"header", "method", "status", "url"}, slices.Sorted(maps.Keys(v.Exchanges[0])))

	var plain, coloured bytes.Buffer
	require.NoError(t, doctor.Format(&plain, r, false))
	require.NoError(t, doctor.Format(&coloured, r, true))
	assert.NotContains(t, plain.String(), "\x1b")
	assert.Contains(t, coloured.String(), "\x1b[32mok     \x1b[0m account: acme by key")
	assert.True(t, strings.HasSuffix(plain.String(), "\n\nNothing is to do, because the account works.\n"), plain.String())
	assert.ErrorIs(t, doctor.Format(full{}, r, false), errFull)
	assert.ErrorIs(t, doctor.Bundle(full{}, r), errFull)
}

// full is a disk without space.
type full struct{}

var errFull = errors.New("no space")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestControlCharactersDoNotReachTheTerminal(t *testing.T) {
	w := newWorld(t)
	w.connect("key")
	w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.Answer(400, http.Header{"Content-Type": {"text/plain"}}, "a\x1b]0;title\x07b\r\nok forged: c\u202ed"))
	r := w.run()
	var text bytes.Buffer
	require.NoError(t, doctor.Format(&text, r, false))
	assert.NotContains(t, text.String(), "\x1b")
	assert.NotContains(t, text.String(), "\u202e")
	assert.NotContains(t, text.String(), "\nok forged")
	assert.Contains(t, text.String(), "]0;title b ok forged: c d")
}

func TestShortSecretsAreSecretsToo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(rw, "I got %s of %s, and know g1ven and cl1nt", r.Header.Get("X-Partner"), r.Header.Get("X-Team"))
	}))
	t.Cleanup(s.Close)
	config := program(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "`+s.URL+`", "methods": [{"name": "none", "type": "None"}],
		"inputs": [{"name": "partner", "secret": true, "hidden": true, "optional": true}, {"name": "team", "hidden": true, "optional": true}, {"name": "key", "secret": true}],
		"headers": {"X-Partner": "{partner}", "X-Team": "{team}"}, "test": {"request": "GET /me"}}`, accounts.Row{Request: accounts.Request{Values: map[string]connectorauth.Secret{"key": "g1ven"}}}, nil)
	config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
		return definition.Connection{Client: definition.Client{Secret: "cl1nt"}, Values: map[string]connectorauth.Secret{"partner": "p4rtn", "team": "sales"}}, nil
	}
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	detail := step(report, "test request")[0].Detail
	assert.Contains(t, detail, "I got [redacted] of sales, and know [redacted] and [redacted]")
}

func TestATokenThatEnds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(map[string]any)
		now    time.Duration
		detail string
		cause  doctor.Cause
	}{
		"the next request renews": {func(v map[string]any) { v["expires_in"] = 1800.0 }, 2 * time.Hour, "so the next request renews the token", ""},
		"the refresh token lasts": {func(v map[string]any) { v["refresh_token_expires_in"] = 7200.0 }, 0, "must authorize again by", ""},
		"the refresh token ended": {func(v map[string]any) { v["refresh_token_expires_in"] = 7200.0 }, 3 * time.Hour, "the refresh token ended on", doctor.CauseReauthRequired},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.p.Inject(w.p.TokenURL, 1, authtest.EditAnswer(c.change))
			w.connect("oauth")
			w.doctor.Now = func() time.Time { return time.Now().Add(c.now) }
			s := step(w.run(), "record")[0]
			assert.Contains(t, s.Detail, c.detail)
			assert.Equal(t, c.cause, s.Cause)
		})
	}
}
