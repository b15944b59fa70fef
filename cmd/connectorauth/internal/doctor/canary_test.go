package doctor_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// Secrets of an account, in every place where a secret may be.
const (
	plain    = "CANARY-plain-23cd"    // as given, where few characters are allowed
	given    = "CANARY/given+7c1b&=%" // by the account owner
	secret   = "CANARY/client+9d2e:%" // of the client
	literal  = "CANARY-literal-1f3a"  // in the definition
	cookie   = "CANARY-cookie-55aa"   // which the service sets
	access   = "CANARY-access-77bc"
	refresh  = "CANARY-refresh-31de"
	renewed  = "CANARY-renewed-80fe"
	rotated  = "CANARY-rotated-42ad"
	location = "CANARY-location-61cc" // in the path of a redirect
)

var canaries = []string{plain, given, secret, literal, cookie, access, refresh, renewed, rotated, location}

// canaryMethods are methods whose secrets stand in different places.
const canaryMethods = `
	{"name": "header", "type": "ApiKey", "key": "{given}", "placement": {"name": "X-Api-Key"}},
	{"name": "query", "type": "ApiKey", "key": "{given}", "placement": {"in": "query", "name": "api_key"}},
	{"name": "cookie", "type": "ApiKey", "key": "{given}", "placement": {"in": "cookie", "name": "k"}},
	{"name": "basic", "type": "Basic", "username": "user", "password": "{given}"},
	{"name": "oauth1", "type": "OAuth1", "token": "token", "tokenSecret": "{given}"},
	{"name": "login", "type": "Session", "places": [{"name": "X-Session"}],
		"login": [{"url": "API/login", "json": {"username": "u", "password": "{given}"}, "capture": {"token": "access_token"}}]},
	{"name": "oauth", "type": "OAuth2", "tokenUrl": "API/token", "grant": {"authorizationCode": {"authUrl": "API/authorize"}}},
	{"name": "app", "type": "OAuth2", "tokenUrl": "API/token", "grant": {"clientCredentials": {}}}`

// An echo is a service that repeats what it gets, and what it knows, in every spelling.
type echo struct {
	mu     sync.Mutex
	status int // of the API; the token endpoint answers with a token
	refuse bool
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sent, _ := io.ReadAll(r.Body)
	headers, _ := json.Marshal(r.Header)
	got := r.URL.RequestURI() + string(sent) + string(headers)
	known := cookie + " known:"
	if !e.refuse && strings.HasSuffix(r.URL.Path, "/token") || !e.refuse && strings.HasSuffix(r.URL.Path, "/login") {
		known = renewed + " " + rotated + " " + known
	}
	for _, s := range []string{plain, given, secret, literal, access, refresh} {
		if strings.Contains(got, s) || len(canary.Found(got, s)) > 0 {
			known += fmt.Sprintln(s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte("user:"+s)))
		}
	}
	for _, name := range []string{"Server", "Via", "Www-Authenticate", "X-Request-Id", "X-Own", "Retry-After"} {
		w.Header().Set(name, strings.NewReplacer("\n", " ", "\r", " ").Replace(known+got))
	}
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: cookie})
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/token") || strings.HasSuffix(r.URL.Path, "/login") {
		if e.refuse {
			w.WriteHeader(http.StatusUnauthorized)
			json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": got + known})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"access_token": renewed, "refresh_token": rotated, "expires_in": 3600, "token_type": "Bearer", "echo": known})
		return
	}
	if e.status == http.StatusFound {
		w.Header().Set("Location", "/"+location+"?"+url.QueryEscape(known))
	}
	if e.status == http.StatusBadGateway {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(e.status)
		fmt.Fprintf(w, "<html><title>%s %s</title>", got, cookie)
		return
	}
	w.WriteHeader(e.status)
	json.NewEncoder(w).Encode(map[string]string{"message": known + got, "user": got + known})
}

func TestNoSecretLeaves(t *testing.T) {
	for _, method := range []string{"header", "query", "cookie", "basic", "oauth1", "login", "oauth", "app"} {
		for _, status := range []int{200, 302, 400, 401, 403, 502} {
			t.Run(fmt.Sprint(method, status), func(t *testing.T) {
				e := &echo{status: http.StatusOK}
				s := httptest.NewServer(e)
				t.Cleanup(s.Close)
				d, err := definition.Parse("acme.json", []byte(strings.ReplaceAll(`{"connectorauth": 1, "name": "acme", "baseUrl": "API/api",
					"inputs": [{"name": "given", "title": "Key", "secret": true, "optional": true}],
					"headers": {"X-Partner-Token": "`+literal+`"},
					"methods": [`+canaryMethods+`], "test": {"request": "GET /me"}}`, "API", s.URL)), definition.Options{})
				require.NoError(t, err)
				set, err := definition.NewSet(d)
				require.NoError(t, err)
				transport := &http.Transport{}
				t.Cleanup(transport.CloseIdleConnections)
				config := accounts.Config{
					Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory),
					Shared: new(connectorauth.Shared), Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}},
					Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
						return definition.Connection{Client: definition.Client{ID: "client", Secret: secret}, HTTPClient: &http.Client{Transport: transport}}, nil
					},
				}
				r, err := accounts.New(config)
				require.NoError(t, err)
				id := canaryAccount(t, r, method)
				e.mu.Lock()
				e.status, e.refuse = status, status == 401
				e.mu.Unlock()

				var told strings.Builder
				report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: id}, func(s doctor.Step) {
					require.NoError(t, doctor.FormatStep(&told, s, true))
				})
				require.NoError(t, err)
				c := canary.New(t, canaries...)
				c.Text("the steps as told", told.String())
				var text, bundle bytes.Buffer
				require.NoError(t, doctor.Format(&text, report, true))
				c.Text("the text", text.String())
				require.NoError(t, doctor.Bundle(&bundle, report))
				c.Text("the bundle", bundle.String())
				encoded, err := json.Marshal(report)
				require.NoError(t, err)
				c.Text("the JSON", string(encoded))
				c.Value("the report", report)
				assert.Contains(t, bundle.String(), "[redacted]")
				assert.Contains(t, bundle.String(), "GET "+s.URL+"/connectorauth-doctor", "what happened is there")
				if status != 401 { // where no token is to be had
					assert.Contains(t, bundle.String(), "GET "+s.URL+"/api/me", "an address is no secret")
				}
				assert.Contains(t, bundle.String(), `"name": "acme"`, "the definition is there")
			})
		}
	}
}

// canaryAccount connects an account by a method.
func canaryAccount(t *testing.T, r *accounts.Registry, method string) string {
	t.Helper()
	row := accounts.Row{Request: accounts.Request{ID: "a1", Owner: "o", Definition: "acme", Method: method}}
	switch method {
	case "oauth":
		row.Token = &oauth2.Token{AccessToken: access, RefreshToken: refresh}
	case "cookie":
		row.Values = map[string]connectorauth.Secret{"given": plain}
	case "app":
	default:
		row.Values = map[string]connectorauth.Secret{"given": given}
	}
	for _, err := range r.Import(t.Context(), slices.Values([]accounts.Row{row})) {
		require.NoError(t, err)
	}
	return row.ID
}

func TestASecretThatIsKnownLateGoesFromEarlierSteps(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNetworkAuthenticationRequired)
		fmt.Fprintf(w, "<title>%s</title>", access)
	}))
	t.Cleanup(s.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	config := program(t, strings.ReplaceAll(`{"connectorauth": 1, "name": "acme", "baseUrl": "API", "methods": [{"name": "oauth", "type": "OAuth2",
		"tokenUrl": "API/token", "grant": {"authorizationCode": {"authUrl": "API/authorize"}}}], "test": {"request": "GET /me"}}`, "API", s.URL),
		accounts.Row{Token: &oauth2.Token{AccessToken: access, RefreshToken: refresh}}, transport)
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	canary.New(t, canaries...).Value("the report", report)
	assert.Contains(t, step(report, "response")[0].Detail, `title "[redacted]"`)
}
