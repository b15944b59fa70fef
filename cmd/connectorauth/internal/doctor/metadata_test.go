package doctor_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// finder returns a finder without a memory of before.
func (w *world) finder() *discovery.Finder {
	w.Helper()
	finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: w.transport}})
	require.NoError(w, err)
	return finder
}

// server plants a fault into all metadata of the authorization server.
func (w *world) server(f authtest.Fault) {
	w.p.Inject(w.p.MetadataURL, authtest.Always, f)
	w.p.Inject(w.p.OpenIDMetadataURL, authtest.Always, f)
}

// only makes a method the only one of the service.
func (w *world) only(method string, options definition.Options) {
	w.Helper()
	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "`+w.p.BearerURL+`", "methods": [`+method+`],
		"test": {"request": "GET /me"}}`), options)
	require.NoError(w, err)
	set, err := definition.NewSet(d)
	require.NoError(w, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set = set
}

// The metadata of a connected account break. The account works as long as the endpoints that
// were found do, and no consent can begin.
func TestMetadata(t *testing.T) {
	for name, c := range map[string]struct {
		mcp    bool
		plant  func(w *world)
		target func(w *world) string
		words  string // empty means that the account works
	}{
		"of an issuer": {false, func(*world) {}, func(w *world) string { return w.p.URL }, ""},
		"of an issuer, that are gone": {false, func(w *world) {
			w.server(authtest.Answer(404, nil, ""))
		}, func(w *world) string { return w.p.URL }, "RFC 8414"},
		"of another issuer": {false, func(w *world) {
			w.server(authtest.EditAnswer(func(v map[string]any) { v["issuer"] = "https://evil.example" }))
		}, func(w *world) string { return w.p.URL }, "issuer"},
		"of an MCP server": {true, func(*world) {}, func(w *world) string { return w.p.URL }, ""},
		"of an MCP server, that are gone": {true, func(w *world) {
			w.p.Inject(w.p.ResourceMetadataURL, authtest.Always, authtest.Answer(404, nil, ""))
		}, func(w *world) string { return w.p.BearerURL }, "RFC 9728"},
		"of an MCP server without an authorization server": {true, func(w *world) {
			w.p.Inject(w.p.ResourceMetadataURL, authtest.Always, authtest.EditAnswer(func(v map[string]any) { delete(v, "authorization_servers") }))
		}, func(w *world) string { return w.p.BearerURL }, "name its authorization server"},
		"of the authorization server of an MCP server": {true, func(w *world) {
			w.server(authtest.EditAnswer(func(v map[string]any) { v["issuer"] = "https://evil.example" }))
		}, func(w *world) string { return w.p.URL }, "issuer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.config.Finder = w.finder()
			method, options := `{"name": "oauth", "type": "OAuth2", "issuer": "`+w.p.URL+`", "grant": {"authorizationCode": {}}}`, definition.Options{}
			if c.mcp {
				method = `{"name": "oauth", "type": "MCP", "url": "` + w.p.BearerURL + `"}`
				registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
					Finder: w.finder(), Store: new(tokenstore.Memory), Keys: w.config.Keys,
					Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "doctor"}},
				})
				require.NoError(t, err)
				options.Kinds = []definition.Kind{mcp.Kind(mcp.KindConfig{Finder: w.finder(), Registrar: registrar})}
			}
			w.only(method, options)
			w.connect("oauth")
			w.config.Finder = w.finder()
			c.plant(w)
			if c.words == "" {
				r := w.diagnosed(doctor.OK, "")
				assert.Equal(t, c.target(w), step(r, "metadata")[0].Target)
				return
			}
			r := w.diagnosed(doctor.Warning, doctor.CauseMetadata, "The account works now, but", c.words)
			assert.Equal(t, c.target(w), step(r, "metadata")[0].Target)
			w.p.Inject(w.p.BearerURL, authtest.Always, authtest.Answer(404, nil, "{}"))
			w.diagnosed(doctor.Fault, doctor.CauseMetadata, c.words)
		})
	}
}

// An account that was connected on another device is examined as one of a browser.
func TestADeviceGrant(t *testing.T) {
	w := newWorld(t)
	w.only(`{"name": "device", "type": "OAuth2", "tokenUrl": "`+w.p.TokenURL+`", "grant": {"deviceCode": {"deviceUrl": "`+w.p.DeviceURL+`"}}}`, definition.Options{})
	r := w.registry()
	a, err := r.Connect(t.Context(), accounts.Request{Owner: "o", Definition: "acme", Method: "device"})
	require.NoError(t, err)
	w.doctor = doctor.Config{ID: a.ID}
	w.diagnosed(doctor.Fault, doctor.CauseNotConnected, "Finish the consent")

	flow, err := r.Flow(t.Context(), a.ID)
	require.NoError(t, err)
	prompt, pending, err := flow.BeginDevice(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.p.AuthorizeDevice(prompt.UserCode))
	require.NoError(t, flow.FinishDevice(t.Context(), pending))
	w.diagnosed(doctor.OK, "")
	w.secret = "another secret"
	w.diagnosed(doctor.Warning, doctor.CauseClient, "The account works now, but", "client secret")
	w.secret = w.p.ClientSecret
	w.p.RevokeGrants()
	w.diagnosed(doctor.Fault, doctor.CauseRevoked, "Connect the account again")
}
