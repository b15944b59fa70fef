package definition_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// All base URLs of a definition get the credential, with and without values in the host.
func TestFurtherBaseURLsAreHosts(t *testing.T) {
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "baseUrls": {"upload": "https://upload.example.net", "own": "https://{x}.example.org/v1"},
		"inputs": [{"name": "x", "format": "label"}], "methods": [{"name": "a", "type": "ApiKey", "key": "k"}]}`).Connect(definition.Connection{Values: values{"x": "me"}})
	require.NoError(t, err)
	base := &fakehttp.Base{}
	client := connectorauth.NewClient(c.Connector(), &http.Client{Transport: base})
	for i, name := range []string{"", "upload", "own"} {
		at, err := c.BaseURL(t.Context(), name)
		require.NoError(t, err)
		resp, err := client.Get(at + "/x")
		require.NoError(t, err, name)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, "k", base.Requests()[i].Header.Get("Authorization"), name)
	}
	_, err = client.Get("https://you.example.org/v1/x")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
}

// A redirect to a foreign host takes along neither the token nor a captured value.
func TestCapturedValueStaysWithTheHosts(t *testing.T) {
	const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "headers": {"X-Tenant": "{tenant}"}, "methods": [{"name": "a", "type": "OAuth2",
		"grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com", "captures": [{"name": "tenant", "path": "t"}]}]}`
	p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "t": "CANARY"}}
	c, err := parse(t, document).Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
	require.NoError(t, err)
	seen := map[string]http.Header{}
	client := connectorauth.NewClient(c.Connector(), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		seen[req.URL.Host] = req.Header.Clone()
		if req.URL.Host == "evil.com" {
			return fakehttp.Respond(200, ""), nil
		}
		resp := fakehttp.Respond(302, "")
		resp.Header.Set("Location", "https://evil.com/")
		return resp, nil
	})})
	resp, err := client.Get("https://api.example.com/x")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, "CANARY", seen["api.example.com"].Get("X-Tenant"))
	require.Contains(t, seen, "evil.com")
	assert.Empty(t, seen["evil.com"].Get("X-Tenant"))
	assert.Empty(t, seen["evil.com"].Get("Authorization"))
}

// The default place of a key is the header Authorization, for a captured key too.
func TestCapturedKeyGoesWhereKeysGo(t *testing.T) {
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "Session",
		"login": [{"url": "https://login.example.com", "capture": {"token": "t", "key": "k"}}], "places": [{"name": "X-Session"}],
		"captures": [{"name": "key"}], "and": [{"type": "ApiKey", "key": "{key}"}]}]}`).Connect(definition.Connection{HTTPClient: responding(200, `{"t": "S", "k": "K"}`)})
	require.NoError(t, err)
	assert.Equal(t, "K", sent(t, c, "GET", "/", "").Header.Get("Authorization"))
}

// The origins of regions have values of the account, and accounts share none of them.
func TestRegionsOfTwoAccounts(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "x", "format": "label"}], "methods": [{"name": "a", "type": "OAuth2",
		"tokenUrl": "https://login.example.com/token", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize"}},
		"dialect": {"regions": {"callback": "location", "origins": {"eu": "https://{x}.eu.example.com"}}}}]}`)
	var asked []string
	for _, x := range []string{"one", "two"} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer"}}
		c, err := d.Connect(definition.Connection{Values: values{"x": connectorauth.Secret(x)}, Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
		require.NoError(t, err)
		consented(t, c, url.Values{"location": {"eu"}})
		asked = append(asked, p.requests...)
	}
	assert.Equal(t, []string{"https://one.eu.example.com/token", "https://two.eu.example.com/token"}, asked)
}

// A body format and methods of AuthFields are those of the definition.
func TestFormatAndMethodsOfAuthFields(t *testing.T) {
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "AuthFields",
		"fields": [{"key": "token", "value": "k"}], "body": "form", "methods": ["DELETE"]}]}`).Connect(definition.Connection{})
	require.NoError(t, err)
	base := &fakehttp.Base{}
	client := connectorauth.NewClient(c.Connector(), &http.Client{Transport: base})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://api.example.com/", http.NoBody)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, "token=k", base.Requests()[0].Body)
	_, err = client.Post("https://api.example.com/", "", http.NoBody)
	assert.ErrorContains(t, err, "only DELETE requests")
	assert.Len(t, base.Requests(), 1)
}

// The Store, the Account and the observer of a Connection are those of each kind of
// credential that is renewed.
func TestConnectionReachesTheCredential(t *testing.T) {
	for name, method := range map[string]string{
		"OAuth2":  `"grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com", "clientId": "id", "clientSecret": "s"`,
		"Session": `"login": [{"url": "https://login.example.com", "capture": {"token": "access_token"}}]`,
	} {
		store := new(tokenstore.Memory)
		var events []connectorauth.Event
		connection := definition.Connection{
			Store: store, Account: "ada", Observe: func(e connectorauth.Event) { events = append(events, e) },
			HTTPClient: responding(200, `{"access_token": "T", "token_type": "Bearer", "expires_in": 3600}`),
		}
		d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "`+name+`", `+method+`}]}`)
		c, err := d.Connect(connection)
		require.NoError(t, err)
		assert.NotEmpty(t, sent(t, c, "GET", "/", "").Header.Get("Authorization"), name)
		assert.NotEmpty(t, events, name)

		connection.HTTPClient = failing(io.ErrUnexpectedEOF) // so the token is that of the store
		again, err := d.Connect(connection)
		require.NoError(t, err)
		assert.NotEmpty(t, sent(t, again, "GET", "/", "").Header.Get("Authorization"), name)
	}
}

// Each account logs out at its own host: accounts share the definition, and no URL.
func TestLogoutOfTwoAccounts(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{x}.example.com", "inputs": [{"name": "x", "format": "label"}], "methods": [{"name": "a", "type": "Session",
		"login": [{"url": "https://{x}.example.com/login", "capture": {"token": "t"}}], "logout": {"url": "https://{x}.example.com/logout"}}]}`)
	var asked []string
	for _, x := range []string{"one", "two"} {
		c, err := d.Connect(definition.Connection{Values: values{"x": connectorauth.Secret(x)}, HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			asked = append(asked, req.URL.String())
			return fakehttp.Respond(200, `{"t": "S"}`), nil
		})}})
		require.NoError(t, err)
		sent(t, c, "GET", "/", "")
		require.NoError(t, c.Credential().(*connectorauth.Custom).Revoke(t.Context()))
	}
	assert.Equal(t, []string{"https://one.example.com/login", "https://one.example.com/logout", "https://two.example.com/login", "https://two.example.com/logout"}, asked)
}
