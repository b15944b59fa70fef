// Package attack_test lets hostile places work on connectors: URLs that look
// like the API's, token endpoints that answer anything but a token, and
// neighbours on the same connections. Everything happens on loopback.
package attack_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// must returns v; it is for configs that are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// secret is the same in all encodings but base64.
const secret = "S3CR3T0123456789"

// A world is a network in which every name exists, every port is open, every
// address is somebody's, and everybody has a certificate that the client trusts.
type world struct {
	transport *http.Transport
	dialed    sync.Map // the address that was dialed, by that of the client's end

	mu       sync.Mutex
	location string // where the place called home redirects to; empty means nowhere
	status   int
	arrivals []arrival
}

// An arrival is a request together with the address that it was sent to.
type arrival struct {
	address string
	text    string
	*http.Request
}

// carries reports whether the request has a credential.
func (a arrival) carries() bool {
	_, password, _ := a.BasicAuth()
	return password == secret || strings.Contains(a.text, secret) || strings.Contains(a.text, "oauth_signature")
}

// home is the API.
const home = "https://api.home.example"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := new(world)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
		if err == nil {
			w.dialed.Store(conn.LocalAddr().String(), strings.ToLower(address)) // as resolvers do
		}
		return conn, err
	}
	w.transport = &http.Transport{
		DisableKeepAlives: true, // so that every request dials
		DialContext:       dial,
		DialTLSContext:    dial, // a handshake that always succeeds might as well be left out
	}
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var text bytes.Buffer
	text.WriteString(r.RequestURI + "\n")
	r.Header.Write(&text)
	io.Copy(&text, io.LimitReader(r.Body, 1<<20))
	address, _ := w.dialed.Load(r.RemoteAddr)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrivals = append(w.arrivals, arrival{address.(string), text.String(), r})
	if w.location != "" && r.URL.Path == "/redirect" {
		rw.Header()["Location"] = []string{w.location}
		rw.WriteHeader(w.status)
		return
	}
	io.WriteString(rw, `{"access_token":"`+secret+`","token_type":"Bearer","expires_in":3600}`)
}

// redirect makes /redirect, anywhere, answer with a Location, and forgets what
// arrived before.
func (w *world) redirect(status int, location string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.location, w.arrivals = status, location, nil
}

// seen returns what arrived since the last call of redirect, token requests left
// out.
func (w *world) seen() (list []arrival) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.arrivals {
		if a.URL.Path != "/token" {
			list = append(list, a)
		}
	}
	return list
}

// post makes a request that every kind of connector can authenticate.
func (w *world) post(t *testing.T, c connectorauth.Connector, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("a=1"))
	if err != nil {
		return err // a URL that nobody can make a request of
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: w.transport}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	return nil
}

// connectors are one of each kind, with credentials for hosts.
func (w *world) connectors(hosts ...string) map[string]connectorauth.Connector {
	key := func(in dialect.Location) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secret, In: in, Name: "X-Key", Hosts: hosts}))
	}
	return map[string]connectorauth.Connector{
		"header key": key(dialect.InHeader),
		"query key":  key(dialect.InQuery),
		"cookie key": key(dialect.InCookie),
		"body key":   key(dialect.InBody),
		"Basic":      must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "user", Password: secret, Hosts: hosts})),
		"OAuth1": must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: secret, Token: secret, TokenSecret: secret, Hosts: hosts,
		})),
		"OAuth2": must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "of the client", TokenURL: "https://login.home.example/token", Hosts: hosts,
			Grant: connectorauth.ClientCredentials{}, HTTPClient: &http.Client{Transport: w.transport},
		})),
		"hook": connectorauth.WithHooks(key(dialect.InHeader), connectorauth.Hooks{
			BeforeRequest: func(e *connectorauth.Exchange) error {
				e.Request.Header.Set("X-Hooked", string(e.Auth))
				return nil
			},
		}),
	}
}

// isLoopback reports whether an address that was dialed is this machine's own.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
