package attack_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
)

func negativeFinder(t *testing.T) (*authtest.Provider, *discovery.Finder) {
	t.Helper()
	p := authtest.New(authtest.Config{InMemory: true})
	t.Cleanup(p.Close)
	return p, must(discovery.New(discovery.Config{HTTPClient: p.Client()}))
}

// What has no issuer, or another than was asked for, is no metadata. The finder asks at
// both places.
func TestNegativeServerMetadata(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault authtest.Fault
		want  string // part of the error; empty: the metadata are taken
	}{
		{"discovery-issuer-mismatch", with("issuer", "https://another.example"), "section 3.3"},
		{"metadata: issuer null", with("issuer", nil), "section 3.3"},
		{"metadata: status 404", authtest.Answer(404, nil, ""), "status 404"},
		{"metadata: a redirect", authtest.Answer(302, http.Header{"Location": {"https://another.example/"}}, ""), "redirect"},
		{"metadata: torn JSON", json200(`{"`), "not a JSON object"},
		{"metadata: null", json200(`null`), "not a JSON object"},
		{"metadata: a list", json200(`[]`), "not a JSON object"},
		{"metadata: another content type", authtest.EditHeader(func(_ int, h http.Header) { h.Set("Content-Type", "text/html") }), "Content-Type"},
		{"metadata: token_endpoint over plain http", with("token_endpoint", "http://login.example/token"), "token_endpoint: plain http"},
		{"metadata: token_endpoint a list", with("token_endpoint", []string{"a"}), "token_endpoint is no string"},
		{"metadata: no token_endpoint", without("token_endpoint"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, finder := negativeFinder(t)
			p.Inject(p.MetadataURL, authtest.Always, test.fault)
			p.Inject(p.OpenIDMetadataURL, authtest.Always, test.fault)
			server, err := finder.Server(t.Context(), p.URL)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				requireHarmless(t, err)
				assert.Len(t, p.Requests(p.MetadataURL), 1)
				assert.Len(t, p.Requests(p.OpenIDMetadataURL), 1)
				return
			}
			require.NoError(t, err)
			config := connectorauth.OAuth2Config{ClientID: "client"}
			require.ErrorContains(t, server.Fill(&config), "no token_endpoint")
		})
	}
}

func TestNegativeResourceMetadata(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault authtest.Fault
		want  string
	}{
		{"resource: another resource", with("resource", "https://another.example/api"), "section 3.3"},
		{"resource: resource null", with("resource", nil), "resource: want an absolute URL"},
		{"resource: status 404", authtest.Answer(404, nil, ""), "status 404"},
		{"resource: a redirect", authtest.Answer(302, http.Header{"Location": {"https://another.example/"}}, ""), "redirect"},
		{"resource: torn JSON", json200(`{"`), "not a JSON object"},
		{"resource: null", json200(`null`), "not a JSON object"},
		{"resource: a list", json200(`[]`), "not a JSON object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, finder := negativeFinder(t)
			p.Inject(p.ResourceMetadataURL, authtest.Always, test.fault)
			_, err := finder.Resource(t.Context(), p.BearerURL, nil)
			require.ErrorContains(t, err, test.want)
			requireHarmless(t, err)
		})
	}
}

func TestNegativeRegistrationResponses(t *testing.T) {
	created := func(body string) authtest.Fault {
		return authtest.Answer(201, http.Header{"Content-Type": {"application/json"}}, body)
	}
	for _, test := range []struct {
		name  string
		fault authtest.Fault
		want  string // part of the error; empty: the client is taken
	}{
		{"registration: status 404", authtest.Answer(404, nil, ""), "status 404"},
		{"registration: a redirect", authtest.Answer(307, http.Header{"Location": {"https://another.example/"}}, ""), "redirect"},
		{"registration: torn JSON", created(`{"`), "not a JSON object"},
		{"registration: null", created(`null`), "not a JSON object"},
		{"registration: a list", created(`[]`), "not a JSON object"},
		{"registration: client_id null", with("client_id", nil), "client_id"},
		{"registration: client_secret null", with("client_secret", nil), "client_secret: is empty"},
		{"registration: no client_secret_expires_at", without("client_secret_expires_at"), ""},
		{"registration: client_secret_expires_at a word", with("client_secret_expires_at", "never"), "client_secret_expires_at"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, finder := negativeFinder(t)
			server, err := finder.Server(t.Context(), p.URL)
			require.NoError(t, err)
			p.Inject(p.RegisterURL, authtest.Always, test.fault)
			client, err := finder.Register(t.Context(), server, discovery.RegistrationRequest{
				ClientMetadata: discovery.ClientMetadata{ClientName: "Acme", RedirectURIs: []string{negativeRedirect}, TokenEndpointAuthMethod: connectorauth.ClientSecretBasic},
			})
			assert.Len(t, p.Requests(p.RegisterURL), 1, "a registration is not repeated")
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				requireHarmless(t, err)
				return
			}
			require.NoError(t, err)
			assert.NotEmpty(t, client.ClientID)
			assert.NotEmpty(t, client.ClientSecret)
			assert.True(t, client.SecretExpires.IsZero())
		})
	}
}

func TestNegativeRevocationResponses(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault authtest.Fault
		want  string // part of the error; empty: the tokens are revoked
	}{
		{"revocation: status 404", authtest.Answer(404, nil, ""), "status 404"},
		{"revocation: a redirect", authtest.Answer(307, http.Header{"Location": {"https://another.example/"}}, ""), "redirect"},
		{"revocation: invalid_client", authtest.Answer(401, nil, `{"error":"invalid_client"}`), "invalid_client"},
		{"revocation: status 200 and a page", authtest.Answer(200, nil, "<html>"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, config := negativeCode(t, authtest.Config{})
			config.RevokeURL = p.RevokeURL
			c := must(connectorauth.NewOAuth2(config))
			require.NoError(t, negativeConnect(t, p, c))
			p.Inject(p.RevokeURL, authtest.Always, test.fault)
			err := c.Revoke(t.Context())
			assert.Len(t, p.Requests(p.RevokeURL), 2, "each token is tried")
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				requireHarmless(t, err)
				return
			}
			require.NoError(t, err)
			_, err = c.Token(t.Context())
			require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		})
	}
}
