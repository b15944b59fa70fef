package doors_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/doors"
	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

// client is all that a program knows about a service. Another process can make
// the same connector from it.
type client struct {
	Door       string
	Obtain     string // the URL for tokens or logins
	API        string
	PrivateKey []byte
	Password   string
	transport  http.RoundTripper // nil: http.DefaultTransport
}

const username = `o'hara "the user"`

// connector returns the connector of a door.
func (c client) connector(store connectorauth.TokenStore) (connectorauth.Connector, error) {
	password, account, httpClient := connectorauth.Secret(c.Password), "", &http.Client{Transport: c.transport}
	if store != nil {
		account = "alice"
	}
	switch c.Door {
	case "digest SHA-256", "digest MD5":
		return doors.NewDigest(doors.DigestConfig{Username: username, Password: password})
	case "session":
		return doors.NewSession(doors.SessionConfig{
			LoginURL: c.Obtain, Username: username, Password: password, HTTPClient: httpClient,
			Store: store, Account: account, Shared: new(connectorauth.Shared),
		})
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), c.PrivateKey)
	if err != nil {
		return nil, err
	}
	key, err := doors.NewKey(private, "k1")
	if err != nil {
		return nil, err
	}
	bearer, err := doors.NewJWTBearer(doors.JWTBearerConfig{Key: key, Issuer: "client", Subject: "alice", Audience: c.Obtain})
	if err != nil {
		return nil, err
	}
	signed, err := doors.NewPrivateKeyJWT(key, "")
	if err != nil {
		return nil, err
	}
	config := connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: c.Obtain, Grant: bearer, ClientAuth: connectorauth.ClientAuthNone, HTTPClient: httpClient,
		Store: store, Account: account, Shared: new(connectorauth.Shared),
	}
	switch c.Door {
	case "JWT bearer":
	case "private_key_jwt":
		config.Grant, config.ClientAuth = connectorauth.ClientCredentials{}, signed
	case "DPoP":
		config.ClientAuth, config.Proof = signed, doors.NewDPoP()
	case "DPoP with consent":
		config.Grant, config.Proof = connectorauth.AuthorizationCode{AuthURL: c.Obtain + "/authorize"}, doors.NewDPoP()
	default:
		return nil, errors.New("no such door: " + c.Door)
	}
	return connectorauth.NewOAuth2(config)
}

// open returns the connector of w.
func (w *world) open(t testing.TB, store connectorauth.TokenStore) connectorauth.Connector {
	t.Helper()
	c, err := w.connector(store)
	require.NoError(t, err)
	return c
}

// newClient returns an HTTP client with connections of its own.
func newClient(c connectorauth.Connector) *http.Client {
	return connectorauth.NewClient(c, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}})
}

// a door is a kind of service.
type door struct {
	name string
	new  func(*world) http.Handler
}

// allDoors lists every door with a service that is strict about it.
func allDoors() []door {
	return []door{
		{"JWT bearer", newOAuth}, {"private_key_jwt", newOAuth}, {"DPoP", newOAuth},
		{"session", newSessions}, {"digest SHA-256", newDigest}, {"digest MD5", newDigest},
	}
}

// doorsWithStore lists the doors whose credential a store can keep.
func doorsWithStore() []door {
	return slices.DeleteFunc(allDoors(), func(d door) bool { return strings.HasPrefix(d.name, "digest") })
}

// world is a running service and what it has seen.
type world struct {
	client
	key    *ecdsa.PrivateKey
	apiKey string // that the API wants in the query besides; empty means none

	mu       sync.Mutex
	lost     int      // how many of the next responses are lost
	lostAt   string   // the path whose next response is lost
	echo     int      // the status with which the service repeats what it got; 0 means not
	hits     int      // requests that arrived
	got      int      // tokens or challenges handed out and used
	problems []string // what a client did that it must not do
	secrets  []string // what no error may show
	revoke   func()   // ends the validity of every credential
	bodies   []string // of the accepted requests to the API
}

// open starts the service on a loopback port.
func (d door) open(t testing.TB) *world {
	t.Helper()
	w := d.prepare(t)
	handler := w.losing(d.new(w))
	start := func() string {
		server := httptest.NewUnstartedServer(handler)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		t.Cleanup(server.Close)
		return server.URL
	}
	w.mu.Lock() // the requests may come from another process
	defer w.mu.Unlock()
	w.Obtain, w.API = start()+"/obtain", start()+"/api" // two origins
	return w
}

// openInMemory starts the service without a socket, for tests in a bubble of
// testing/synctest.
func (d door) openInMemory(t testing.TB) *world {
	t.Helper()
	w := d.prepare(t)
	w.transport = memory{w.losing(d.new(w))}
	w.Obtain, w.API = "https://login.example.test/obtain", "https://api.example.test/api"
	return w
}

func (d door) prepare(t testing.TB) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	raw, err := key.Bytes()
	require.NoError(t, err)
	w := &world{client: client{Door: d.name, PrivateKey: raw, Password: `pass "word" ` + rand.Text()}, key: key}
	w.secrets = []string{w.Password}
	return w
}

// obtained returns how often a credential was handed out.
func (w *world) obtained() int { return locked(w, func() int { return w.got }) }

// broken returns the rules that clients broke.
func (w *world) broken() []string {
	return locked(w, func() []string { return slices.Clone(w.problems) })
}

// arrived returns how many requests arrived.
func (w *world) arrived() int { return locked(w, func() int { return w.hits }) }

// lose makes the service act on the next n requests, and close the connection
// instead of responding.
func (w *world) lose(n int) { locked(w, func() (none struct{}) { w.lost = n; return }) }

// loseAt does what lose does, for the next request to a path.
func (w *world) loseAt(path string) {
	locked(w, func() (none struct{}) { w.lostAt = path; return })
}

func locked[T any](w *world, f func() T) T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f()
}

// complain notes a broken rule. w.mu is held.
func (w *world) complain(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// losing counts the requests to service, and loses responses on demand. Only one
// request is served at a time.
func (w *world) losing(service http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hits++
		if area(r) == "/api" && r.URL.Query().Get("api_key") != w.apiKey {
			http.Error(rw, "the API key is missing", http.StatusForbidden)
			return
		}
		if w.echo > 0 {
			rw.WriteHeader(w.echo)
			fmt.Fprintf(rw, `{"error":"invalid_request","error_description":%q}`, fmt.Sprintf("%s %v %s", body, r.Header, r.URL))
			return
		}
		if w.lost > 0 || w.lostAt == r.URL.Path {
			w.lost, w.lostAt = max(w.lost-1, 0), ""
			service.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		service.ServeHTTP(rw, r)
	})
}

// accept responds to an API request with a good credential.
func (w *world) accept(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.bodies = append(w.bodies, string(body))
	io.WriteString(rw, "welcome")
}

// memory is a RoundTripper that calls a handler.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil {
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	in := req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	in.RequestURI = req.URL.RequestURI()
	in.Host = req.URL.Host
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, in)
	resp = recorder.Result()
	resp.Request = req
	return resp, nil
}
