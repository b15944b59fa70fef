package definition_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parsed reads a definition with one method, and an API below /api/bearer.
func parsed(t *testing.T, fake *authtest.Provider, method map[string]any) *definition.Definition {
	t.Helper()
	method["name"], method["type"] = "oauth", "OAuth2"
	document, err := json.Marshal(map[string]any{
		"connectorauth": 1, "name": "acme", "baseUrl": fake.BearerURL, "methods": []any{method},
		"inputs": []any{map[string]any{"name": "tenant", "default": "t1"}},
	})
	require.NoError(t, err)
	d, err := definition.Parse("acme.json", document, definition.Options{})
	require.NoError(t, err)
	return d
}

// of returns the connection of an account at fake.
func of(fake *authtest.Provider, store connectorauth.TokenStore, account string) definition.Connection {
	return definition.Connection{
		Client: definition.Client{ID: fake.ClientID, Secret: connectorauth.Secret(fake.ClientSecret)},
		Store:  store, Account: account, HTTPClient: fake.Client(), Shared: new(connectorauth.Shared),
	}
}

// ask makes a request to the API, and requires that the account works.
func ask(t *testing.T, fake *authtest.Provider, c *definition.Connected) {
	t.Helper()
	resp, err := connectorauth.NewClient(c.Connector(), fake.Client()).Get(fake.BearerURL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// An account whose provider wants pushed requests, proofs with nonces and resources lives on
// in another process, with the same key, and learns no nonce that the definition knows.
func TestPushedProvenAndForAResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := authtest.New(authtest.Config{
			InMemory: true, RequirePushed: true, RequireDPoP: true, DPoPNonce: true, Resources: []string{"https://api.example.com/t1"},
		})
		defer fake.Close()
		d := parsed(t, fake, map[string]any{
			"grant": map[string]any{"authorizationCode": map[string]any{
				"authUrl": fake.AuthURL, "pushedAuthorizationRequestUrl": fake.PushedAuthorizationRequestURL,
				"params": map[string]any{"prompt": []string{"login"}, "max_age": []string{"300"}, "acr_values": []string{"mfa"}},
			}},
			"tokenUrl": fake.TokenURL, "resources": []string{"https://api.example.com/{tenant}"}, "dpop": "ES256",
		})
		store := new(tokenstore.Memory)
		for i, name := range []string{"alice", "bob"} {
			connection := of(fake, store, name)
			c, err := d.Connect(connection)
			require.NoError(t, err)
			account := c.Credential().(*connectorauth.OAuth2)
			authURL, pending, err := account.Begin(t.Context(), "http://127.0.0.1/callback")
			require.NoError(t, err)
			pushes := fake.Requests(fake.PushedAuthorizationRequestURL)
			pushed, err := url.ParseQuery(string(pushes[len(pushes)-1].Body))
			require.NoError(t, err)
			assert.Len(t, pushes, i+2, "the first account alone learns the nonce")
			for name, want := range map[string]string{"prompt": "login", "max_age": "300", "acr_values": "mfa", "resource": "https://api.example.com/t1"} {
				assert.Equal(t, want, pushed.Get(name), name)
			}
			callback, err := fake.Authorize(authURL)
			require.NoError(t, err)
			require.NoError(t, account.Finish(t.Context(), pending, callback.Query()))
			ask(t, fake, c)

			connection.Shared = new(connectorauth.Shared) // as in another process
			again, err := d.Connect(connection)
			require.NoError(t, err)
			ask(t, fake, again)
			time.Sleep(2 * time.Hour)
			ask(t, fake, again)
			for _, r := range fake.Requests(fake.BearerURL) {
				assert.NotEmpty(t, r.Header.Get("DPoP"), "a request without a proof")
			}
		}
	})
}

// An account on another device connects, is renewed, and asks for a consent anew when the
// provider has forgotten the account.
func TestDeviceOfADefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := authtest.New(authtest.Config{InMemory: true, PublicClient: true})
		defer fake.Close()
		d := parsed(t, fake, map[string]any{
			"grant":    map[string]any{"deviceCode": map[string]any{"deviceUrl": fake.DeviceURL, "params": map[string]any{"audience": []string{"for-{tenant}"}}}},
			"tokenUrl": fake.TokenURL, "clientAuth": "none", "scopes": []string{"read"}, "dpop": "EdDSA",
		})
		connection := of(fake, new(tokenstore.Memory), "alice")
		c, err := d.Connect(connection)
		require.NoError(t, err)
		account := c.Credential().(*connectorauth.OAuth2)
		_, err = connectorauth.NewClient(c.Connector(), fake.Client()).Get(fake.BearerURL)
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		prompt, pending, err := account.BeginDevice(t.Context())
		require.NoError(t, err)
		begun, err := url.ParseQuery(string(fake.Requests(fake.DeviceURL)[0].Body))
		require.NoError(t, err)
		assert.Equal(t, []string{"for-t1", "read"}, []string{begun.Get("audience"), begun.Get("scope")})
		require.NoError(t, fake.AuthorizeDevice(prompt.UserCode))
		require.NoError(t, account.FinishDevice(t.Context(), pending))
		ask(t, fake, c)
		time.Sleep(2 * time.Hour)
		ask(t, fake, c)
		fake.RevokeGrants()
		_, err = connectorauth.NewClient(c.Connector(), fake.Client()).Get(fake.BearerURL)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	})
}

// A value stands in a resource as in every URL.
func TestResourceWithAValue(t *testing.T) {
	fake := authtest.NewProvider(t)
	d := parsed(t, fake, map[string]any{
		"grant":    map[string]any{"authorizationCode": map[string]any{"authUrl": fake.AuthURL}},
		"tokenUrl": fake.TokenURL, "resources": []string{"https://api.example.com/{tenant}", "urn:example:api"},
	})
	for tenant, want := range map[string]string{"a b": "https://api.example.com/a%20b", "ü": "https://api.example.com/%C3%BC", "..": ""} {
		connection := of(fake, nil, "")
		connection.Values = values{"tenant": connectorauth.Secret(tenant)}
		c, err := d.Connect(connection)
		if want == "" {
			assert.ErrorAs(t, err, new(*definition.InputError), fmt.Sprint(tenant))
			continue
		}
		require.NoError(t, err)
		raw, _, err := c.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		authURL, err := url.Parse(raw)
		require.NoError(t, err)
		assert.Equal(t, []string{want, "urn:example:api"}, authURL.Query()["resource"])
	}
}

// What a device grant and a proof lack is said where it is lacking.
func TestMistakesOfModernMembers(t *testing.T) {
	for _, test := range []struct{ method, want string }{
		{`"grant": {"deviceCode": {}}`, `acme.json:2:44: methods[0].grant.deviceCode.deviceUrl: want an absolute URL`},
		{`"grant": {"deviceCode": {"deviceUrl": "x"}}`, `acme.json:2:58: methods[0].grant.deviceCode.deviceUrl: must begin with https://`},
		{`"grant": {"deviceCode": {"deviceUrl": "https://a.example/d", "params": {"scope": ["x"]}}}`, `acme.json:2:91: methods[0].grant.deviceCode.params: scope is set by the library; remove scope`},
		{`"grant": {"authorizationCode": {"authUrl": "https://a.example/a", "pushedAuthorizationRequestUrl": "ftp://a.example"}}`, `acme.json:2:119: methods[0].grant.authorizationCode.pushedAuthorizationRequestUrl: must begin with https://`},
		{`"dpop": "PS256", "grant": {"clientCredentials": {}}`, `acme.json:2:28: methods[0].dpop: keys of accounts are for ES256, ES384, ES512 or EdDSA`},
		{`"dpop": "es256", "grant": {"clientCredentials": {}}`, `methods[0].dpop: "es256" is none of ES256, `},
		{`"resources": ["https://a.example/{x}"], "grant": {"clientCredentials": {}}`, `acme.json:2:34: methods[0].resources[0]: there is no value for {x} here`},
		{`"resources": ["https://a.example/#x"], "grant": {"clientCredentials": {}}`, `acme.json:2:33: methods[0].resources: "https://a.example/#x" is no absolute URI without a fragment`},
		{`"resources": ["urn:{name}"], "grant": {"clientCredentials": {}}`, `methods[0].resources[0]: must begin with https://`},
	} {
		document := `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [` + "\n" +
			`{"type": "OAuth2", ` + test.method + `, "name": "oauth", "tokenUrl": "https://a.example/t"}]}`
		_, err := definition.Parse("acme.json", []byte(document), definition.Options{})
		assert.ErrorContains(t, err, test.want)
	}
}
