package guides

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
)

// The blocks of "A definition" about a service whose paths and responses are its own.
func TestDefinitionWithPathsOfItsOwn(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.KeyQueryURL, authtest.Always, authtest.RewriteAnswer(func(w http.ResponseWriter, status int, response map[string]any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"ok": status == 200, "me": map[string]any{"name": response["user"]}})
	}))
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query() // the service has /v2/ with access_key, and the provider /api/key/query/ with api_key
		query.Set("api_key", query.Get("access_key"))
		query.Del("access_key")
		r.URL.Path, r.URL.RawQuery = strings.Replace(r.URL.Path, "/v2", "/api/key/query", 1), query.Encode()
		p.Handler().ServeHTTP(w, r)
	})
	server := httptest.NewTLSServer(service)
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.ServerName = "example.com" // whom the certificate of httptest names
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	client := &http.Client{Transport: transport}
	t.Cleanup(client.CloseIdleConnections)

	brixly, err := definition.Parse("brixly.json", []byte(`{
		"connectorauth": 1, "name": "brixly", "baseUrl": "https://{tenant}.brixly.example/v2",
		"inputs": [{"name": "tenant", "title": "Tenant", "format": "label"}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{accessKey}", "placement": {"in": "query", "name": "access_key"},
			"inputs": [{"name": "accessKey", "title": "Access key", "secret": true}]}],
		"test": {"request": "GET /me", "id": "/me/name"}}`), definition.Options{})
	require.NoError(t, err)
	for key, want := range map[string]string{p.APIKey: p.Username, "wrong": ""} {
		account, err := brixly.Connect(definition.Connection{
			Values:     map[string]connectorauth.Secret{"tenant": "globex", "accessKey": connectorauth.Secret(key)},
			HTTPClient: client,
		})
		require.NoError(t, err)
		who, err := account.Check(t.Context(), client)
		assert.Equal(t, want == "", err != nil, err)
		assert.Equal(t, want, who.ID)
	}
}
