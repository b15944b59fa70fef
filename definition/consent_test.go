package definition_test

import (
	"encoding/json"
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

// A provider responds to token requests.
type provider struct {
	token    map[string]any
	requests []string // their URLs
	params   url.Values
}

func (p *provider) client(t *testing.T) *http.Client {
	return &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		p.requests = append(p.requests, req.URL.String())
		text, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		p.params, _ = url.ParseQuery(string(text))
		response, err := json.Marshal(p.token)
		return fakehttp.Respond(200, string(response)), err
	})}
}

// consented leads an account through a consent.
func consented(t *testing.T, c *definition.Connected, callback url.Values) (authURL *url.URL) {
	t.Helper()
	account := c.Credential().(*connectorauth.OAuth2)
	raw, pending, err := account.Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	authURL, err = url.Parse(raw)
	require.NoError(t, err)
	callback.Set("state", authURL.Query().Get("state"))
	callback.Set("code", "c")
	require.NoError(t, account.Finish(t.Context(), pending, callback))
	return authURL
}

// A provider, or whoever speaks for a provider, cannot lead requests elsewhere.
func TestCapturedValuesStayWithinTheDefinition(t *testing.T) {
	for _, value := range []any{
		"https://evil.com", "https://evil.com/.salesforce.com", "https://salesforce.com.evil.com", "http://a.salesforce.com", "https://evil.com#.salesforce.com",
		"https://evil@a.salesforce.com", "https://evilsalesforce.com", "https://a.salesforce.com/evil", "", nil, 7, []any{"x"},
	} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "instance_url": value}}
		c, err := service(t, "salesforce").Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "secret"}, HTTPClient: p.client(t)})
		require.NoError(t, err)
		consented(t, c, url.Values{})
		base, err := c.BaseURL(t.Context(), "")
		assert.ErrorContains(t, err, "the provider gave no instance_url, or one that the definition does not allow", "%v: %s", value, base)
		if err != nil {
			assert.NotContains(t, err.Error(), "evil")
		}
		_, err = connectorauth.NewClient(c.Connector(), p.client(t)).Get("https://evil.com/")
		assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	}
}

func TestScopesThatAProgramChooses(t *testing.T) {
	d := service(t, "zendesk")
	connection := definition.Connection{Values: values{"subdomain": "a"}, Client: definition.Client{ID: "id", Secret: "s"}, Scopes: []string{"write", "raed"}}
	_, err := d.Connect(connection)
	assert.EqualError(t, err, `definition: zendesk: Scopes: "raed" is no scope of the definition; did you mean read?`)
	connection.Scopes = []string{"write", "read"}
	c, err := d.Connect(connection)
	require.NoError(t, err)
	raw, _, err := c.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	assert.Contains(t, raw, "scope=write%20read")

	_, err = d.Connect(definition.Connection{Values: values{"subdomain": "a"}})
	assert.ErrorContains(t, err, "Client: ID is missing")
}
