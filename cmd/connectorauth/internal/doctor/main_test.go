package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// document is the definition of the service. API, TOKEN and AUTH are origins.
const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "API/api/bearer",
	"methods": [
		{"name": "oauth", "default": true, "type": "OAuth2", "tokenUrl": "TOKEN/token", "scopes": ["read", "write"],
			"grant": {"authorizationCode": {"authUrl": "AUTH/authorize"}}},
		{"name": "app", "type": "OAuth2", "tokenUrl": "TOKEN/token", "grant": {"clientCredentials": {}}},
		{"name": "key", "type": "ApiKey", "baseUrl": "APIKEYPATH", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}]}
	],
	"test": {"request": "GET /me", "id": "/auth_type", "label": "{/auth_type}"}}`

// A world is a service behind a front, and a program with an account.
type world struct {
	*testing.T
	p         *authtest.Provider
	front     *httptest.Server
	transport *http.Transport
	secret    string // of the client
	config    accounts.Config
	doctor    doctor.Config

	mu      sync.Mutex
	set     *definition.Set
	instead http.HandlerFunc // of the service
}

// newWorld starts a provider, and a program that reaches the provider through the front.
func newWorld(t *testing.T) *world {
	w := &world{T: t, p: authtest.NewProvider(t), transport: &http.Transport{}}
	t.Cleanup(w.transport.CloseIdleConnections)
	at, err := url.Parse(w.p.URL)
	require.NoError(t, err)
	through := &http.Transport{}
	forward := &httputil.ReverseProxy{Transport: through, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }}
	w.front = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		instead := w.instead
		w.mu.Unlock()
		if instead != nil {
			instead(rw, r)
			return
		}
		forward.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		w.front.Close()
		through.CloseIdleConnections()
	})
	w.secret = w.p.ClientSecret
	w.config = accounts.Config{
		Definitions: func() *definition.Set {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.set
		},
		Index: new(accounts.Memory), Store: new(tokenstore.Memory), Shared: new(connectorauth.Shared),
		Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}},
		Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{
				Client:     definition.Client{ID: w.p.ClientID, Secret: connectorauth.Secret(w.secret)},
				HTTPClient: &http.Client{Transport: w.transport},
			}, nil
		},
	}
	w.define(w.front.URL, w.front.URL, w.front.URL)
	return w
}

// define replaces the definition of the service.
func (w *world) define(api, token, auth string) {
	w.Helper()
	path := func(full string) string { return strings.TrimPrefix(full, w.p.URL) }
	d, err := definition.Parse("acme.json", []byte(strings.NewReplacer(
		"APIKEYPATH", api+path(w.p.KeyHeaderURL), "API/api/bearer", api+path(w.p.BearerURL),
		"TOKEN/token", token+path(w.p.TokenURL), "AUTH/authorize", auth+path(w.p.AuthURL),
	).Replace(document)), definition.Options{})
	require.NoError(w, err)
	set, err := definition.NewSet(d)
	require.NoError(w, err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set = set
}

// answer puts a handler in the place of the service.
func (w *world) answer(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.instead = h
}

// registry returns the program's registry.
func (w *world) registry() *accounts.Registry {
	w.Helper()
	config := w.config
	config.Shared = new(connectorauth.Shared)
	r, err := accounts.New(config)
	require.NoError(w, err)
	return r
}

// connect connects an account by a method, and returns its ID.
func (w *world) connect(method string) string {
	w.Helper()
	r := w.registry()
	request := accounts.Request{Owner: "o", Definition: "acme", Method: method}
	if method == "key" {
		request.Values = map[string]connectorauth.Secret{"apiKey": connectorauth.Secret(w.p.APIKey)}
	}
	a, err := r.Connect(w.Context(), request)
	require.NoError(w, err)
	if method == "oauth" {
		flow, err := r.Flow(w.Context(), a.ID)
		require.NoError(w, err)
		authURL, pending, err := flow.Begin(w.Context(), "http://127.0.0.1/callback")
		require.NoError(w, err)
		callback, err := w.p.Authorize(strings.Replace(authURL, w.front.URL, w.p.URL, 1))
		require.NoError(w, err)
		require.NoError(w, flow.Finish(w.Context(), pending, callback.Query()))
	}
	w.doctor = doctor.Config{Accounts: w.config, ID: a.ID}
	return a.ID
}

// run examines the account, and checks what holds for each report.
func (w *world) run() doctor.Report {
	w.Helper()
	config := w.doctor
	config.Accounts = w.config
	config.Accounts.Shared = new(connectorauth.Shared)
	var told []string
	report, err := doctor.Run(w.Context(), config, func(s doctor.Step) { told = append(told, s.Name) })
	require.NoError(w, err)
	var names []string
	for _, s := range report.Steps {
		names = append(names, s.Name)
	}
	assert.Equal(w, names, told, "each step is told once, in order")
	assert.True(w, strings.HasSuffix(report.Advice, "."), report.Advice)
	assert.NotContains(w, strings.TrimSuffix(report.Advice, "."), ". ", "one sentence")
	assert.NotContains(w, report.Advice, "\n")
	return report
}

// diagnosed runs the examination, and requires a cause and words of the advice.
func (w *world) diagnosed(outcome doctor.Outcome, cause doctor.Cause, words ...string) doctor.Report {
	w.Helper()
	r := w.run()
	var text strings.Builder
	require.NoError(w, doctor.Format(&text, r, false))
	assert.Equal(w, outcome, r.Outcome, text.String())
	assert.Equal(w, cause, r.Cause, text.String())
	for _, word := range words {
		assert.Contains(w, r.Advice, word)
	}
	return r
}

// step returns the steps with a name.
func step(r doctor.Report, name string) []doctor.Step {
	return slices.DeleteFunc(slices.Clone(r.Steps), func(s doctor.Step) bool { return s.Name != name })
}

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Inspecting Proxy"}, NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{cert, key}
}

// pool returns the authority alone, as trusted.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// server starts a TLS server with a certificate of the authority, for a name or an address.
func (a *authority) server(t *testing.T, name string, from, until time.Time, h http.Handler) *httptest.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
