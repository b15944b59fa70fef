package definition_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// finderOf returns a Finder that sends by transport.
func finderOf(t *testing.T, transport http.RoundTripper) *discovery.Finder {
	t.Helper()
	finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	return finder
}

// An account that is known by its issuer lives on, in other processes too, without a further
// look at the metadata.
func TestIssuerInPlaceOfEndpoints(t *testing.T) {
	for name, grant := range map[string]map[string]any{
		"consent": {"authorizationCode": map[string]any{}}, "device": {"deviceCode": map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := authtest.New(authtest.Config{InMemory: true, RequirePushed: true, SendIssuer: true, RequireDPoP: true})
				defer fake.Close()
				d := parsed(t, fake, map[string]any{"grant": grant, "issuer": fake.URL, "dpop": "ES256"})
				set, err := definition.NewSet(d)
				require.NoError(t, err)
				connection := of(fake, new(tokenstore.Memory), "alice")
				connection.Server, err = d.Discover(t.Context(), finderOf(t, fake.Client().Transport), connection)
				require.NoError(t, err)
				c, err := d.Connect(connection)
				require.NoError(t, err)
				account := c.Credential().(*connectorauth.OAuth2)
				if name == "device" {
					prompt, pending, err := account.BeginDevice(t.Context())
					require.NoError(t, err)
					require.NoError(t, fake.AuthorizeDevice(prompt.UserCode))
					require.NoError(t, account.FinishDevice(t.Context(), pending))
				} else {
					assert.Equal(t, fake.URL, account.Issuer())
					authURL, pending, err := account.Begin(t.Context(), "http://127.0.0.1/callback")
					require.NoError(t, err)
					callback, err := fake.Authorize(authURL)
					require.NoError(t, err)
					require.NoError(t, account.Finish(t.Context(), pending, callback.Query()))
				}
				ask(t, fake, c)
				text, err := c.Account().Encode()
				require.NoError(t, err)

				kept, err := definition.DecodeAccount(text) // in another process
				require.NoError(t, err)
				connection.Server, connection.Shared = nil, new(connectorauth.Shared)
				again, err := set.Connect(kept, connection)
				require.NoError(t, err)
				time.Sleep(2 * time.Hour)
				ask(t, fake, again)
				assert.Len(t, fake.Requests(fake.MetadataURL), 1)
				assert.Empty(t, fake.Requests(fake.OpenIDMetadataURL))
				require.NoError(t, again.Credential().(*connectorauth.OAuth2).Revoke(t.Context()))
				assert.NotEmpty(t, fake.Requests(fake.RevokeURL), "the metadata name the endpoint")

				connection.Server, err = set.Discover(t.Context(), finderOf(t, fake.Client().Transport), kept, connection)
				require.NoError(t, err, "a new consent looks again")
				assert.Equal(t, fake.URL, connection.Server.Issuer)
				assert.Len(t, fake.Requests(fake.MetadataURL), 2)
			})
		})
	}
}

// issuerOf is a definition by an issuer of the account.
func issuerOf(t *testing.T, grant, issuer string) *definition.Definition {
	t.Helper()
	return parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
		"inputs": [{"name": "tenant", "format": "label", "default": "acme"}],
		"methods": [{"name": "oauth", "type": "OAuth2", "grant": {"`+grant+`": {}}, "issuer": `+issuer+`}]}`)
}

// Metadata in the wrong hands name no endpoint that gets a secret of the program.
func TestMetadataStayWithinTheDefinition(t *testing.T) {
	const login = "https://acme.example.com"
	for name, test := range map[string]struct{ grant, issuer, member, endpoint, want string }{
		"token":             {member: "token_endpoint", endpoint: "https://evil.example/t", want: "token endpoint"},
		"token by http":     {member: "token_endpoint", endpoint: "http://acme.example.com/t", want: "token_endpoint"},
		"token, other port": {member: "token_endpoint", endpoint: login + ":8443/t", want: "token endpoint"},
		"token, below":      {member: "token_endpoint", endpoint: "https://x.acme.example.com/t", want: "token endpoint"},
		"token, user":       {member: "token_endpoint", endpoint: "https://acme.example.com@evil.example/t", want: "token_endpoint"},
		"token, loopback":   {member: "token_endpoint", endpoint: "http://127.0.0.1/t", want: "token_endpoint"},
		"token, another":    {member: "token_endpoint", endpoint: "https://other.example.com/t", want: "token endpoint"},
		"revocation":        {member: "revocation_endpoint", endpoint: "https://evil.example/r", want: "revocation endpoint"},
		"consent":           {member: "authorization_endpoint", endpoint: "https://evil.example/a", want: "authorization endpoint"},
		"pushed":            {member: "pushed_authorization_request_endpoint", endpoint: "https://evil.example/p", want: "endpoint for pushed requests"},
		"device":            {grant: "deviceCode", member: "device_authorization_endpoint", endpoint: "https://evil.example/d", want: "device authorization endpoint"},
		"declared":          {member: "token_endpoint", endpoint: "https://tokens.example.com/t", issuer: `{"url": "https://{tenant}.example.com", "origins": ["https://tokens.example.com"]}`},
		"declared by value": {member: "token_endpoint", endpoint: "https://acme.tokens.example.com/t", issuer: `{"url": "https://{tenant}.example.com", "origins": ["https://{tenant}.tokens.example.com"]}`},
		"another path":      {member: "token_endpoint", endpoint: login + "/x/t"},
		"unused":            {member: "registration_endpoint", endpoint: "https://other.example/r"},
	} {
		t.Run(name, func(t *testing.T) {
			metadata := map[string]any{
				"issuer": login, "authorization_endpoint": login + "/a", "token_endpoint": login + "/t", "revocation_endpoint": login + "/r",
				"device_authorization_endpoint": login + "/d", "pushed_authorization_request_endpoint": login + "/p", "require_pushed_authorization_requests": true,
			}
			metadata[test.member] = test.endpoint
			text, err := json.Marshal(metadata)
			require.NoError(t, err)
			var asked []string
			transport := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				asked = append(asked, req.URL.String())
				resp := fakehttp.Respond(200, string(text))
				resp.Header.Set("Content-Type", "application/json")
				return resp, nil
			})
			if test.grant == "" {
				test.grant = "authorizationCode"
			}
			if test.issuer == "" {
				test.issuer = `"https://{tenant}.example.com"`
			}
			d := issuerOf(t, test.grant, test.issuer)
			connection := definition.Connection{Client: definition.Client{ID: "id", Secret: canary}, HTTPClient: &http.Client{Transport: transport}}
			server, err := d.Discover(t.Context(), finderOf(t, transport), connection)
			for _, u := range asked {
				assert.True(t, strings.HasPrefix(u, login+"/.well-known/"), u)
			}
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				assert.NotContains(t, err.Error(), canary)
				assert.Nil(t, server)
				return
			}
			require.NoError(t, err)
			connection.Server = server
			c, err := d.Connect(connection)
			require.NoError(t, err)
			assert.Equal(t, server, c.Account().Server)
		})
	}
}

// What is kept counts no more than what was found: the definition decides.
func TestKeptMetadataStayWithinTheDefinition(t *testing.T) {
	d := issuerOf(t, "clientCredentials", `"https://{tenant}.example.com"`)
	connection := definition.Connection{Client: definition.Client{ID: "id", Secret: canary}}
	for want, server := range map[string]*discovery.Server{
		"": {Issuer: "https://acme.example.com/", TokenEndpoint: "https://acme.example.com/t"},
		"Connection.Server: is missing; Discover returns the metadata of the issuer https://acme.example.com": nil,
		"Connection.Server: has the metadata of another issuer than https://acme.example.com;":                {Issuer: "https://evil.example", TokenEndpoint: "https://acme.example.com/t"},
		`name the token endpoint "https://evil.example/t", which is at no origin of the definition`:           {Issuer: "https://acme.example.com", TokenEndpoint: "https://evil.example/t"},
		"the server names no token_endpoint": {Issuer: "https://acme.example.com"},
		"takes private_key_jwt only":         {Issuer: "https://acme.example.com", TokenEndpoint: "https://acme.example.com/t", TokenEndpointAuthMethodsSupported: []string{"private_key_jwt"}},
	} {
		connection.Server = server
		_, err := d.Connect(connection)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "\n", "one mistake")
		assert.NotContains(t, err.Error(), canary)
	}
}

func TestDiscoverSaysWhatItLacks(t *testing.T) {
	d := issuerOf(t, "clientCredentials", `"https://{tenant}.example.com"`)
	refuse := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) { return fakehttp.Respond(404, ""), nil })
	connection := definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}}
	_, err := d.Discover(t.Context(), finderOf(t, refuse), connection)
	var failed *discovery.Error
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Missing())
	_, err = d.Discover(t.Context(), nil, connection)
	assert.ErrorContains(t, err, "there is no Finder")
	connection.Values = values{"tenant": "evil.com/"}
	_, err = d.Discover(t.Context(), finderOf(t, refuse), connection)
	assert.ErrorAs(t, err, new(*definition.InputError))
	connection.Method = "other"
	_, err = d.Discover(t.Context(), finderOf(t, refuse), connection)
	assert.ErrorContains(t, err, "other")
	server, err := service(t, "datadog").Discover(t.Context(), nil, definition.Connection{Values: fixedRuns["datadog/keys"].values})
	assert.NoError(t, err)
	assert.Nil(t, server, "the method has no issuer")
}

// An issuer that the account owner chooses is asked by a guarded Finder alone.
func TestIssuerAtAnyHostNeedsAGuard(t *testing.T) {
	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "{site}/api",
		"inputs": [{"name": "site", "format": "origin", "anyHost": true}],
		"methods": [{"name": "oauth", "type": "OAuth2", "grant": {"authorizationCode": {}}, "issuer": "{site}"}]}`), definition.Options{AnyHost: true})
	require.NoError(t, err)
	connection := definition.Connection{Client: definition.Client{ID: "id"}, Values: values{"site": "https://192.168.0.1.nip.example"}}
	asked := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		t.Errorf("%s was asked", req.URL)
		return nil, io.EOF
	})
	_, err = d.Discover(t.Context(), finderOf(t, asked), connection)
	require.ErrorContains(t, err, "use a transport of egress.New")
	guarded, err := discovery.New(discovery.Config{})
	require.NoError(t, err)
	assert.True(t, guarded.Guarded())
	connection.Values = values{"site": "https://localhost"}
	_, err = d.Discover(t.Context(), guarded, connection)
	assert.Error(t, err, "a guarded Finder reaches public addresses only")
}
