package definition_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/dnszone"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// selfHosted is a product that people host themselves, with all kinds of requests.
const selfHosted = `{
  "connectorauth": 1, "name": "git", "baseUrl": "{site}/api/v4",
  "inputs": [{"name": "site", "format": "origin", "anyHost": true}],
  "methods": [
    {"name": "token", "default": true, "type": "ApiKey", "inputs": [{"name": "token", "secret": true}], "key": "{token}", "placement": {"name": "Private-Token"}},
    {"name": "open", "type": "None"},
    {"name": "app", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "{site}/oauth/token", "revokeUrl": "{site}/oauth/revoke"},
    {"name": "cert", "type": "OAuth2", "clientAuth": "none", "grant": {"passwordCredentials": {"username": "u", "password": "p"}}, "tokenUrl": "{site}/oauth/token"},
    {"name": "old", "type": "OAuth1", "requestTokenUrl": "{site}/r", "authorizeUrl": "{site}/a", "accessTokenUrl": "{site}/t"},
    {"name": "login", "type": "Session", "login": [{"url": "{site}/session", "capture": {"token": "token"}}], "places": [{"name": "X-Session", "value": "{token}"}]}
  ]
}`

// parseAnyHost reads a definition for a program that allows inputs which lead to any host.
func parseAnyHost(t *testing.T, document string) *definition.Definition {
	t.Helper()
	d, err := definition.Parse("git.json", []byte(document), definition.Options{AnyHost: true})
	require.NoError(t, err)
	return d
}

// host is a server at https://example.com and a port, found by its name alone.
type host struct {
	site     string // its origin
	zone     *dnszone.Zone
	resolver *net.Resolver
	trusted  *x509.CertPool

	mu       sync.Mutex
	arrived  []string // method and path of each request
	redirect string   // where requests to the API are sent on to; empty means nowhere
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{trusted: x509.NewCertPool()}
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	h.trusted.AddCert(server.Certificate())
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	h.site = "https://example.com:" + port
	h.zone, h.resolver = dnszone.Start(t)
	h.zone.Set("example.com", []string{"127.0.0.1"})
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.arrived = append(h.arrived, r.Method+" "+r.URL.Path)
	h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/oauth/token":
		io.WriteString(w, `{"access_token": "T", "token_type": "Bearer"}`)
	case r.URL.Path == "/session":
		io.WriteString(w, `{"token": "S"}`)
	case h.redirect != "" && strings.HasPrefix(r.URL.Path, "/api"):
		http.Redirect(w, r, h.redirect, http.StatusFound)
	}
}

// guarded returns a client over a guard that lets requests reach the server.
func (h *host) guarded(t *testing.T) *http.Client {
	t.Helper()
	guard, err := egress.New(egress.Config{
		Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Resolver: h.resolver, TLS: &tls.Config{RootCAs: h.trusted},
	})
	require.NoError(t, err)
	t.Cleanup(guard.CloseIdleConnections)
	return &http.Client{Transport: guard}
}

// unguarded returns a client that reaches the server, too.
func (h *host) unguarded(t *testing.T) *http.Client {
	t.Helper()
	dialer := &net.Dialer{Resolver: h.resolver}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: h.trusted}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// connection is an account of a method at the server.
func (h *host) connection(method string, client *http.Client) definition.Connection {
	c := definition.Connection{Method: method, Values: values{"site": connectorauth.Secret(h.site)}, HTTPClient: client, Client: definition.Client{ID: "id", Secret: "s"}}
	switch method {
	case "token":
		c.Values["token"] = "t0ken"
	case "cert":
		c.Client.Secret = ""
	}
	return c
}

// call makes a request to the API with a body.
func (h *host) call(t *testing.T, c connectorauth.Connector, client *http.Client) error {
	t.Helper()
	resp, err := connectorauth.NewClient(c, client).Post(h.site+"/api/v4/user", "text/plain", strings.NewReader("body"))
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
	return err
}

func TestAnyHostBehindAGuard(t *testing.T) {
	for method, want := range map[string][]string{
		"token": nil, "open": nil, "app": {"POST /oauth/token"}, "cert": {"POST /oauth/token"}, "login": {"POST /session"},
	} {
		h := newHost(t)
		client := h.guarded(t)
		account, err := parseAnyHost(t, selfHosted).Connect(h.connection(method, client))
		require.NoError(t, err, method)
		base, err := account.BaseURL(t.Context(), "")
		require.NoError(t, err)
		assert.Equal(t, h.site+"/api/v4", base)
		require.NoError(t, h.call(t, account.Connector(), client), method)
		assert.Equal(t, append(want, "POST /api/v4/user"), h.arrived)

		// The name leads elsewhere from now on.
		h.zone.Set("example.com", []string{"169.254.169.254"})
		client.CloseIdleConnections()
		var refused *egress.Error
		require.ErrorAs(t, h.call(t, account.Connector(), client), &refused, method)
	}
}

// The API may be asked through a guard alone, whatever a program makes of the connector.
func TestAnyHostRefusesOtherTransports(t *testing.T) {
	h := newHost(t)
	d := parseAnyHost(t, selfHosted)
	for _, method := range []string{"token", "open", "app", "cert", "login"} {
		account, err := d.Connect(h.connection(method, h.guarded(t)))
		require.NoError(t, err)
		for what, c := range map[string]connectorauth.Connector{
			"connector": account.Connector(), "credential": account.Credential(), "hooks": connectorauth.WithHooks(account.Connector(), connectorauth.Hooks{}),
		} {
			for _, client := range []*http.Client{h.unguarded(t), {Transport: struct{ http.RoundTripper }{h.guarded(t).Transport}}} {
				h.arrived = nil
				assert.ErrorContains(t, h.call(t, c, client), "use a transport of egress.New", "%s %s", method, what)
				assert.NotContains(t, h.arrived, "POST /api/v4/user", "%s %s", method, what)
			}
		}
	}
	account, err := d.Connect(h.connection("token", nil))
	require.NoError(t, err)
	other, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: "X-Other", In: dialect.InHeader, Hosts: []string{h.site}})
	require.NoError(t, err)
	joined, err := connectorauth.Join(other, account.Connector())
	require.NoError(t, err)
	h.arrived = nil
	assert.ErrorContains(t, h.call(t, joined, h.unguarded(t)), "use a transport of egress.New")
	assert.Empty(t, h.arrived)
}

// The test of an account is a request as others.
func TestAnyHostCheckIsGuarded(t *testing.T) {
	h := newHost(t)
	d := parseAnyHost(t, strings.Replace(selfHosted, `"name": "git",`, `"name": "git", "test": {"request": "GET /user"},`, 1))
	account, err := d.Connect(h.connection("token", nil))
	require.NoError(t, err)
	_, err = account.Check(t.Context(), h.unguarded(t))
	assert.ErrorContains(t, err, "use a transport of egress.New")
	assert.Empty(t, h.arrived)
	_, err = account.Check(t.Context(), h.guarded(t))
	require.NoError(t, err)
	assert.Equal(t, []string{"GET /api/v4/user"}, h.arrived)
	h.zone.Set("example.com", []string{"10.0.0.1"})
	_, err = account.Check(t.Context(), h.guarded(t))
	var refused *egress.Error
	require.ErrorAs(t, err, &refused)
	assert.NotContains(t, err.Error(), "try again later")
	var failed *definition.CheckError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, definition.ReasonNotFound, failed.Reason)
}

// A connector in between, as of a gateway, shows what sends its requests.
func TestAnyHostBehindAnotherConnector(t *testing.T) {
	h := newHost(t)
	account, err := parseAnyHost(t, selfHosted).Connect(h.connection("token", nil))
	require.NoError(t, err)
	gateway, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: "X-Gateway"})
	require.NoError(t, err)
	require.NoError(t, h.call(t, account.Connector(), connectorauth.NewClient(gateway, h.guarded(t))))
	assert.ErrorContains(t, h.call(t, account.Connector(), connectorauth.NewClient(gateway, h.unguarded(t))), "use a transport of egress.New")
	elsewhere, err := connectorauth.NewCustom(connectorauth.CustomConfig{Transport: h.unguarded(t).Transport})
	require.NoError(t, err)
	assert.ErrorContains(t, h.call(t, account.Connector(), connectorauth.NewClient(elsewhere, h.guarded(t))), "use a transport of egress.New")
	assert.Len(t, h.arrived, 1)
}

// Requests for tokens and logins need a guard of the program, or none.
func TestAnyHostRefusesOtherClients(t *testing.T) {
	h := newHost(t)
	d := parseAnyHost(t, selfHosted)
	for _, method := range []string{"token", "open", "app", "cert", "old", "login"} {
		for _, transport := range []http.RoundTripper{http.DefaultTransport, h.unguarded(t).Transport} {
			_, err := d.Connect(h.connection(method, &http.Client{Transport: transport}))
			assert.ErrorContains(t, err, "HTTPClient: ", method)
			assert.ErrorContains(t, err, "use a transport of egress.New", method)
		}
	}
}

// Without a client, a guard without exceptions makes all requests.
func TestAnyHostHasAGuardOfItsOwn(t *testing.T) {
	h := newHost(t)
	systems := net.DefaultResolver
	net.DefaultResolver = h.resolver
	t.Cleanup(func() { net.DefaultResolver = systems })
	d := parseAnyHost(t, selfHosted)
	for _, client := range []*http.Client{nil, {}} {
		var refused *egress.Error
		for _, method := range []string{"token", "open", "app", "cert", "login"} {
			account, err := d.Connect(h.connection(method, client))
			require.NoError(t, err)
			require.ErrorAs(t, h.call(t, account.Connector(), client), &refused, method)
			assert.Equal(t, "leads to a loopback address (RFC 1122)", refused.Reason)
			if method == "app" || method == "cert" || method == "login" { // before the API, there is the request for a token
				require.ErrorAs(t, h.call(t, account.Connector(), h.guarded(t)), &refused, method)
			}
		}
		account, err := d.Connect(h.connection("old", client))
		require.NoError(t, err)
		_, _, err = account.Credential().(*connectorauth.OAuth1).Begin(t.Context(), "https://app.example.com/callback")
		assert.ErrorAs(t, err, &refused)
	}
	assert.Empty(t, h.arrived)
}

// A server of the account owner's choice sends a request on to the program's network.
func TestAnyHostRedirectsAreGuarded(t *testing.T) {
	h := newHost(t)
	h.zone.Set("wiki.example.test", []string{"10.0.0.1"})
	client := h.guarded(t)
	account, err := parseAnyHost(t, selfHosted).Connect(h.connection("token", client))
	require.NoError(t, err)
	for _, to := range []string{"https://169.254.169.254/latest", "http://169.254.169.254/latest", "https://wiki.example.test/", "http://[::1]/"} {
		h.redirect = to
		var refused *egress.Error
		if err := h.call(t, account.Connector(), client); assert.Error(t, err, to) {
			assert.ErrorAs(t, err, &refused, to)
		}
	}
}

// The constructors list their mistakes for such a definition, too.
func TestAnyHostMistakesAreListed(t *testing.T) {
	document := strings.Replace(selfHosted, `"placement": {"name": "Private-Token"}`, `"placement": {"prefix": "Bearer"}`, 1)
	_, err := definition.Parse("git.json", []byte(document), definition.Options{AnyHost: true})
	assert.ErrorContains(t, err, "methods[0].placement.prefix: ")
	_, err = definition.Parse("git.json", []byte(selfHosted), definition.Options{})
	assert.ErrorContains(t, err, "inputs[0].anyHost: the program does not allow inputs that lead to any host")
}

// Values that lead to any host are names, not addresses.
func TestAnyHostTakesNamesAlone(t *testing.T) {
	d := parseAnyHost(t, selfHosted)
	for _, site := range []string{
		"https://127.0.0.1", "https://[::1]", "https://localhost", "https://0x7f.1", "https://2130706433", "https://127.1", "http://example.com", "https://example.com/x",
		"https://user@example.com", "https://example.com:0", "https://example.com:65536", "https://example.com:99999", "https://example.com#", "https://example.com?", `https://example.com\@evil.com`, "https://①27.0.0.1", "https://example。com",
		"https://EXAMPLE.com", "https://example.com.", "https://a..b", "HTTPS://example.com", "https:///example.com", " https://example.com", "https://example.com\n", "https://exa mple.com", "https://1.2.3.4.5",
	} {
		_, err := d.Connect(definition.Connection{Values: values{"site": connectorauth.Secret(site), "token": "t"}})
		var failed *definition.InputError
		assert.ErrorAs(t, err, &failed, site)
	}
}

// A token response leads to any host under no circumstances, even beside such an input.
func TestAnyHostIsForNoCapturedValue(t *testing.T) {
	quoted, err := json.Marshal("{where}/api")
	require.NoError(t, err)
	for capture, want := range map[string]string{
		`"format": "origin"`:                  "nothing limits where {where} may lead",
		`"format": "origin", "anyHost": true`: "a captured value needs suffixes or an enum",
	} {
		document := `{"connectorauth": 1, "name": "git", "inputs": [{"name": "site", "format": "origin", "anyHost": true}], "baseUrl": ` + string(quoted) + `,
			"methods": [{"name": "app", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "{site}/token", "captures": [{"name": "where", "path": "where", ` + capture + `}]}]}`
		_, err := definition.Parse("git.json", []byte(document), definition.Options{AnyHost: true})
		assert.ErrorContains(t, err, want)
	}
}
