package definition_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const tenants = `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "plan", "optional": true}],
	"baseUrl": "https://api.example.com/{default(site, main)}",
	"headers": {"Xero-Tenant-Id": "{tenant}", "X-Plan": "{default(plan, free)}/{default(site, none)}"}, "params": {"t": "{lower({tenant})}"},
	"methods": [{"name": "oauth", "type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize"}}, "tokenUrl": "https://login.example.com/token",
		"captures": [{"name": "tenant", "path": "org.id", "pattern": "[A-Z0-9]+"}, {"name": "realm", "from": "callback", "path": "realmId", "format": "integer"}, {"name": "site", "path": "site", "format": "label"}],
		"and": [{"type": "ApiKey", "key": "{realm}", "placement": {"in": "path", "name": "realmId"}}]}]}`

// Values that come along with a token go out in headers, parameters and paths, and follow
// the token.
func TestCapturedValuesInRequests(t *testing.T) {
	p := &provider{token: map[string]any{"access_token": "T1", "token_type": "Bearer", "refresh_token": "R", "org": map[string]any{"id": "A1"}}}
	c, err := parse(t, tenants).Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
	require.NoError(t, err)
	consented(t, c, url.Values{"realmId": {"77"}})
	req := sent(t, c, "GET", "/company/{realmId}/x?t=mine", "")
	assert.Equal(t, "https://api.example.com/main/company/77/x?t=a1", req.URL.String())
	assert.Equal(t, []string{"Bearer T1", "A1", "free/none"}, []string{req.Header.Get("Authorization"), req.Header.Get("Xero-Tenant-Id"), req.Header.Get("X-Plan")})

	p.token["access_token"], p.token["org"], p.token["site"] = "T2", map[string]any{"id": "B2"}, "eu"
	var seen []string
	client := connectorauth.NewClient(c.Connector(), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req.Header.Get("Authorization")+" "+req.Header.Get("Xero-Tenant-Id")+" "+req.URL.String())
		if req.Header.Get("Authorization") == "Bearer T1" {
			return fakehttp.Respond(401, ""), nil
		}
		return fakehttp.Respond(200, "{}"), nil
	})})
	resp, err := client.Get("https://api.example.com/main/{realmId}")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, []string{"Bearer T1 A1 https://api.example.com/main/77?t=a1", "Bearer T2 B2 https://api.example.com/main/77?t=b2"}, seen)
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "https://api.example.com/eu", base)
}

// Without the value, or with one that the definition does not allow, nothing is sent.
func TestCapturedValuesThatAreNotGiven(t *testing.T) {
	for _, value := range []any{nil, "", "a b", "A1\r\nX-Evil: 1", []any{"A1"}} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "org": map[string]any{"id": value}}}
		c, err := parse(t, tenants).Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
		require.NoError(t, err)
		consented(t, c, url.Values{"realmId": {"77"}})
		_, err = connectorauth.NewClient(c.Connector(), &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			t.Error("a request went out")
			return fakehttp.Respond(200, ""), nil
		})}).Get("https://api.example.com/{realmId}")
		assert.ErrorContains(t, err, "definition: acme: the provider gave no org.id, or one that the definition does not allow", value)
	}
}

const soap = `{"connectorauth": 1, "name": "acme", "baseUrl": "{server}/services/data", "baseUrls": {"pod": "https://{pod}.example.com"}, "headers": {"X-Org": "{org}"},
	"methods": [{"name": "login", "type": "Session", "inputs": [{"name": "user"}, {"name": "password", "secret": true}],
		"login": [{"url": "https://login.example.com/soap", "xml": "<login><u>{user}</u><p>{password}</p></login>",
			"capture": {"token": "session", "server": "url", "org": "org", "pod": "pod"}}],
		"captures": [{"name": "server", "origin": true, "format": "origin", "suffixes": [".example.com"]}, {"name": "org"}, {"name": "pod", "enum": ["na1", "eu1"]}]}]}`

// A login tells where the API is, within what the definition declares.
func TestCapturedValuesOfASession(t *testing.T) {
	connect := func(server, pod string) *definition.Connected {
		c, err := parse(t, soap).Connect(definition.Connection{
			Values: values{"user": "ada", "password": "p"},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				_, err := io.Copy(io.Discard, req.Body)
				return fakehttp.Respond(200, "<r><session>S</session><url>"+server+"</url><org>00D</org><pod>"+pod+"</pod></r>"), err
			})},
		})
		require.NoError(t, err)
		return c
	}
	c := connect("https://na1.my.example.com/services/Soap/u/60.0/00D?x=1", "na1")
	req := sent(t, c, "GET", "/query", "")
	assert.Equal(t, "https://na1.my.example.com/services/data/query", req.URL.String())
	assert.Equal(t, []string{"Bearer S", "00D"}, []string{req.Header.Get("Authorization"), req.Header.Get("X-Org")})
	pod, err := c.BaseURL(t.Context(), "pod")
	require.NoError(t, err)
	assert.Equal(t, "https://na1.example.com", pod)
	for _, foreign := range []string{"https://evil.com/", "https://example.com/", "https://na2.my.example.com/", "https://eu1.example.com/"} {
		_, err = connectorauth.NewClient(c.Connector(), nil).Get(foreign)
		assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	}

	for _, server := range []string{"https://evil.com/.example.com", "https://evil@na1.example.com/x", "http://na1.example.com", `https://evil.com\.example.com/`, "https://example.com.evil.com", "na1.example.com"} {
		_, err := connect(server, "na1").BaseURL(t.Context(), "")
		assert.EqualError(t, err, "definition: acme: the provider gave no server, or one that the definition does not allow", server)
	}
	_, err = connect("https://na1.example.com", "evil").BaseURL(t.Context(), "pod")
	assert.ErrorContains(t, err, "gave no pod")
}

func TestCapturesOfASessionThatAreRefused(t *testing.T) {
	for captures, want := range map[string]string{
		`{"name": "serve", "format": "origin", "suffixes": [".example.com"]}`: `methods[0].captures[0].name: "serve" is no capture of the login`,
		`{"name": "server", "format": "origin"}`:                              "nothing limits where {server} may lead",
		`{"name": "server", "format": "origin", "anyHost": true}`:             "a captured value needs suffixes or an enum",
		`{"name": "server", "origin": true}`:                                  "methods[0].captures[0].origin: the value is an origin then",
		`{"name": "server", "format": "origin", "suffixes": [".co.uk"]}`:      "everybody can register",
		`{"name": "server", "path": "url"}`:                                   "captures[0].path: is no member here",
		`{"name": "user", "format": "origin", "suffixes": [".example.com"]}`:  "is no name, or the name of another value",
		`{"name": "server"}, {"name": "server"}`:                              "captures[1].name",
	} {
		got := mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "{server}", "methods": [{"name": "a", "type": "Session", "inputs": [{"name": "user"}],
			"login": [{"url": "https://login.example.com", "capture": {"token": "t", "server": "url"}}], "captures": [` + captures + `]}]}`)
		assert.Contains(t, got, want, captures)
	}
	// Captured values have no place in what is sent before there is a token, or in bodies.
	const oauth2 = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "OAuth2", "grant": {"clientCredentials": {}},
		"tokenUrl": "https://login.example.com", "captures": [{"name": "x", "path": "a"}], `
	assert.Contains(t, mistakes(oauth2+`"scopes": ["{x}"]}]}`), "methods[0].scopes[0]: there is no value for {x} here")
	assert.Contains(t, mistakes(oauth2+`"and": [{"type": "Basic", "username": "{x}"}]}]}`), "methods[0].and[0].username: there is no value for {x} here")
	assert.Contains(t, mistakes(oauth2+`"and": [{"type": "ApiKey", "key": "{x}", "placement": {"in": "body", "name": "a"}}]}]}`), "methods[0].and[0].placement.in: ")
}
