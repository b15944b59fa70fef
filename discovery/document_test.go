package discovery_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const documentURL = "https://app.example/oauth/client.json"

func TestClientDocumentIsServed(t *testing.T) {
	d, err := discovery.NewClientDocument(documentURL, discovery.ClientMetadata{
		ClientName: "Acme", RedirectURIs: []string{"https://app.example/callback"}, TokenEndpointAuthMethod: "private_key_jwt",
		JWKS: json.RawMessage(`{"keys": [{"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}]}`),
	})
	require.NoError(t, err)
	assert.Equal(t, documentURL, d.ClientID())
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	assert.Equal(t, "max-age=3600", resp.Header.Get("Cache-Control"))
	assert.JSONEq(t, `{"client_id": "https://app.example/oauth/client.json", "client_name": "Acme", "redirect_uris": ["https://app.example/callback"],
		"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "token_endpoint_auth_method": "private_key_jwt",
		"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}]}}`, string(body))
	head, err := http.Head(server.URL)
	require.NoError(t, err)
	head.Body.Close()
	assert.EqualValues(t, len(body), head.ContentLength)
	post, err := http.Post(server.URL, "text/plain", nil)
	require.NoError(t, err)
	post.Body.Close()
	assert.Equal(t, 405, post.StatusCode)
	assert.Equal(t, "GET, HEAD", post.Header.Get("Allow"))
}

func TestClientDocumentsThatAreRefused(t *testing.T) {
	right := discovery.ClientMetadata{ClientName: "Acme", RedirectURIs: []string{"https://app.example/callback"}}
	for id, want := range map[string]string{
		"http://app.example/client.json":        "https",
		"http://127.0.0.1/client.json":          "no https URL",
		"https://app.example":                   "no path",
		"https://app.example/":                  "no path",
		"https://app.example/a?b":               "query",
		"https://app.example/a?":                "query",
		"https://app.example/a#b":               "fragment",
		"https://app.example/a/../client.json":  "segment",
		"https://app.example/%2e/client.json":   "segment",
		"https://user@app.example/client.json":  "user name",
		"https://user:p@app.example/client":     "user name",
		"client":                                "absolute URL",
		"https://app.example/oauth/client json": "space",
	} {
		_, err := discovery.NewClientDocument(id, right)
		assert.ErrorContains(t, err, want, id)
	}
	for want, edit := range map[string]func(*discovery.ClientMetadata){
		"ClientName: is empty":         func(m *discovery.ClientMetadata) { m.ClientName = "" },
		"RedirectURIs: is empty":       func(m *discovery.ClientMetadata) { m.RedirectURIs = nil },
		"no place for a secret":        func(m *discovery.ClientMetadata) { m.TokenEndpointAuthMethod = "client_secret_jwt" },
		"give JWKS or JWKSURI":         func(m *discovery.ClientMetadata) { m.TokenEndpointAuthMethod = "private_key_jwt" },
		"keys[0] has the member d":     func(m *discovery.ClientMetadata) { m.JWKS = json.RawMessage(`{"keys": [{"d": "x"}]}`) },
		`Further: "client_secret"`:     func(m *discovery.ClientMetadata) { m.Further = map[string]any{"client_secret": "x"} },
		"longer than 5 kB":             func(m *discovery.ClientMetadata) { m.ClientName = strings.Repeat("a", 5<<10) },
		"JWKS: is no JWK Set":          func(m *discovery.ClientMetadata) { m.JWKS = json.RawMessage(`{"keys": [{}], "keys": [{"d": 1}]}`) },
		"RedirectURIs: plain http":     func(m *discovery.ClientMetadata) { m.RedirectURIs = []string{"http://app.example/"} },
		"ClientURI: want an https URL": func(m *discovery.ClientMetadata) { m.ClientURI = "ftp://app.example/" },
	} {
		m := right
		edit(&m)
		_, err := discovery.NewClientDocument(documentURL, m)
		assert.ErrorContains(t, err, want)
	}
}

// The keys of private_key_jwt may be elsewhere.
func TestClientDocumentNamesItsKeys(t *testing.T) {
	d, err := discovery.NewClientDocument(documentURL, discovery.ClientMetadata{
		ClientName: "Acme", RedirectURIs: []string{"https://app.example/callback"}, TokenEndpointAuthMethod: "private_key_jwt",
		JWKSURI: "https://app.example/keys.json",
	})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/oauth/client.json", nil))
	assert.Contains(t, w.Body.String(), `"jwks_uri":"https://app.example/keys.json"`)
}

// A client ID that is a URL serves where the server reads documents. Elsewhere, the client
// registers itself.
func TestClientDocumentComesBeforeRegistration(t *testing.T) {
	for reads, want := range map[bool]string{true: documentURL, false: "registered-"} {
		p := authtest.NewProvider(t)
		p.Inject(p.MetadataURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
			response["client_id_metadata_document_supported"] = reads
		}))
		s := newProcess(t, p, new(tokenstore.Memory))
		account, err := discovery.NewAccount(discovery.AccountConfig{
			Finder: s.finder, Issuer: p.URL, Registrar: s.registrar,
			OAuth2: connectorauth.OAuth2Config{ClientID: documentURL, Store: s.store, Account: "alice"},
		})
		require.NoError(t, err)
		authURL, _, err := account.Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		u, err := url.Parse(authURL)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(u.Query().Get("client_id"), want), u.Query().Get("client_id"))
		assert.Equal(t, !reads, p.Stats().Registrations == 1)
	}
	_, err := discovery.NewAccount(discovery.AccountConfig{
		Finder: must(discovery.New(discovery.Config{})), Issuer: "https://a.example",
		OAuth2: connectorauth.OAuth2Config{ClientID: "https://app.example/", Store: new(tokenstore.Memory), Account: "alice"},
	})
	assert.ErrorContains(t, err, "no path")
}

func TestClientMetadataListTheirMistakesInTheOrderOfTheFields(t *testing.T) {
	for range 30 {
		_, err := discovery.NewClientDocument(documentURL, discovery.ClientMetadata{
			RedirectURIs: []string{"https://app.example/callback"},
			ClientURI:    "-", LogoURI: "-", TOSURI: "-", PolicyURI: "-", JWKSURI: "-", Further: map[string]any{"": 1, "a_secret": 1},
		})
		require.ErrorContains(t, err, "ClientURI")
		require.Regexp(t, `(?s)ClientURI: .*LogoURI: .*TOSURI: .*PolicyURI: .*JWKSURI: .*Further: "" .*Further: "a_secret" `, err.Error())
	}
}
