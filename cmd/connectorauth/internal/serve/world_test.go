package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const key = "echo-key/1" // of the service echo

// A world is a Server with services of tests.
type world struct {
	*serve.Server
	t        *testing.T
	provider *authtest.Provider
	registry *accounts.Registry
	log      *buffer
	echo     func(http.ResponseWriter, *http.Request) // the service echo
	seen     *buffer                                  // what the service echo has received
	index    accounts.Memory
	stop     func() error // ends the Server, and waits
}

// A buffer is text that goroutines write.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newWorld starts a Server. The accounts are "echo", which has the service echo, "first" of
// ada and "second" of bob with a consent, "waiting", whose consent is not finished, and
// others of ada for failures, each named as its service.
func newWorld(t *testing.T, change ...func(*serve.Config)) *world {
	w := &world{t: t, provider: authtest.NewProvider(t), log: new(buffer), seen: new(buffer)}
	w.echo = func(http.ResponseWriter, *http.Request) {}
	service := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w.seen, "%s %s\n", r.Method, r.RequestURI)
		r.Header.Write(w.seen)
		if r.Header.Get("X-Key") != key {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.echo(rw, r)
	}))
	t.Cleanup(service.Close)
	set := w.definitions(
		`{"connectorauth": 1, "name": "echo", "baseUrl": "`+service.URL+`/v1", "baseUrls": {"upload": "`+service.URL+`/upload"},
			"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "title": "API key", "secret": true}],
			"key": "{apiKey}", "placement": {"name": "X-Key"}}]}`,
		`{"connectorauth": 1, "name": "mail", "was": ["post"], "baseUrl": "`+w.provider.BearerURL+`",
			"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": "`+w.provider.TokenURL+`",
			"grant": {"authorizationCode": {"authUrl": "`+w.provider.AuthURL+`"}}}]}`,
		`{"connectorauth": 1, "name": "robot", "baseUrl": "`+w.provider.BearerURL+`",
			"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": "`+w.provider.TokenURL+`", "grant": {"clientCredentials": {}}}]}`,
		`{"connectorauth": 1, "name": "fields", "baseUrl": "`+w.provider.FieldsURL+`",
			"methods": [{"name": "fields", "type": "AuthFields", "inputs": [{"name": "a", "secret": true}], "fields": [{"key": "a", "value": "{a}"}]}]}`,
		`{"connectorauth": 1, "name": "slow", "baseUrl": "`+w.provider.BasicURL+`",
			"methods": [{"name": "key", "type": "Basic", "inputs": [{"name": "user"}], "username": "{user}"}]}`,
		`{"connectorauth": 1, "name": "nowhere", "baseUrl": "http://127.0.0.1:1",
			"methods": [{"name": "key", "type": "Basic", "inputs": [{"name": "user"}], "username": "{user}"}]}`,
	)
	var err error
	w.registry, err = accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: &w.index, Store: new(tokenstore.Memory),
		Keys: []tokenstore.Key{{ID: "1", Secret: bytes.Repeat([]byte{7}, 32)}}, Shared: new(connectorauth.Shared),
		Connection: func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			switch a.Definition {
			case "slow":
				return definition.Connection{HTTPClient: &http.Client{Transport: slow{}}}, nil
			case "echo", "fields", "nowhere":
				return definition.Connection{}, nil
			}
			return definition.Connection{Client: definition.Client{ID: w.provider.ClientID, Secret: connectorauth.Secret(w.provider.ClientSecret)}}, nil
		},
	})
	require.NoError(t, err)
	for _, q := range []accounts.Request{
		{ID: "echo", Owner: "ada", Definition: "echo", Values: map[string]connectorauth.Secret{"apiKey": key}},
		{ID: "robot", Owner: "ada", Definition: "robot"},
		{ID: "fields", Owner: "ada", Definition: "fields", Values: map[string]connectorauth.Secret{"a": "b"}},
		{ID: "slow", Owner: "ada", Definition: "slow", Values: map[string]connectorauth.Secret{"user": "u"}},
		{ID: "nowhere", Owner: "ada", Definition: "nowhere", Values: map[string]connectorauth.Secret{"user": "u"}},
		{ID: "first", Owner: "ada", Definition: "mail"}, {ID: "second", Owner: "bob", Definition: "mail"},
		{ID: "waiting", Owner: "ada", Definition: "mail"},
	} {
		a, err := w.registry.Connect(t.Context(), q)
		require.NoError(t, err)
		if a.Status == accounts.StatusConnecting && q.ID != "waiting" {
			w.consent(q.ID)
		}
	}
	w.start(change...)
	return w
}

func (w *world) definitions(documents ...string) *definition.Set {
	list := make([]*definition.Definition, len(documents))
	for i, document := range documents {
		var err error
		list[i], err = definition.Parse("test.json", []byte(document), definition.Options{})
		require.NoError(w.t, err)
	}
	set, err := definition.NewSet(list...)
	require.NoError(w.t, err)
	return set
}

// consent takes the part of the account owner.
func (w *world) consent(id string) {
	flow, err := w.registry.Flow(w.t.Context(), id)
	require.NoError(w.t, err)
	to, pending, err := flow.Begin(w.t.Context(), "http://127.0.0.1/callback")
	require.NoError(w.t, err)
	callback, err := w.provider.Authorize(to)
	require.NoError(w.t, err)
	require.NoError(w.t, flow.Finish(w.t.Context(), pending, callback.Query()))
}

// start starts the Server until the test ends.
func (w *world) start(change ...func(*serve.Config)) {
	listeners, err := serve.Listen(w.t.Context(), 0, false)
	require.NoError(w.t, err)
	config := serve.Config{
		Listeners: listeners, Registry: w.registry, Owner: "ada",
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&config)
	}
	w.Server, err = serve.New(config)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.Serve(ctx) }()
	w.stop = sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	w.t.Cleanup(func() {
		assert.NoError(w.t, w.stop())
		assert.NoError(w.t, w.registry.Shutdown(context.Background()))
		for _, secret := range []string{string(w.Token()), key, w.provider.ClientSecret} {
			assert.Empty(w.t, canary.Found(w.log.String(), secret), "the log shows a secret")
		}
		assert.Empty(w.t, canary.Found(w.seen.String(), string(w.Token())), "the service has seen the token")
	})
}

// request returns a request with the token.
func (w *world) request(method, path string, body io.Reader) *http.Request {
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL()+path, body)
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+string(w.Token()))
	return r
}

// send sends a request, without following redirects, and returns the body too.
func (w *world) send(r *http.Request) (*http.Response, string) {
	resp, err := transport.RoundTrip(r)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	assert.Empty(w.t, canary.Found(string(body)+fmt.Sprint(resp.Header), string(w.Token())), "a response shows the token")
	for name := range resp.Header {
		assert.False(w.t, strings.HasPrefix(name, "Access-Control-"), name)
	}
	return resp, string(body)
}

// A refusal is a failure of the Server as a program sees the failure.
type refusal struct {
	Code    string   `json:"error"`
	Message string   `json:"message"`
	Do      string   `json:"do"`
	Near    []string `json:"near"`
}

// refused sends a request, and returns the failure.
func (w *world) refused(r *http.Request, status int) (f refusal) {
	resp, body := w.send(r)
	assert.Equal(w.t, status, resp.StatusCode, body)
	assert.Equal(w.t, "application/json", resp.Header.Get("Content-Type"))
	require.NoError(w.t, json.Unmarshal([]byte(body), &f), body)
	assert.Equal(w.t, f.Code, resp.Header.Get("Connectorauth-Error"))
	assert.NotEmpty(w.t, f.Message)
	return f
}

// slow is a way to a service that does not respond in time.
type slow struct{}

func (slow) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Body.Close()
	return nil, os.ErrDeadlineExceeded
}

// transport sends no Accept-Encoding of its own.
var transport = &http.Transport{DisableCompression: true, DisableKeepAlives: true}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second
