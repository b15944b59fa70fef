package connectorauth_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// bubble runs test in a synctest bubble, with a provider that needs no socket.
func bubble(t *testing.T, config authtest.Config, test func(t *testing.T, p *authtest.Provider)) {
	t.Helper()
	config.InMemory = true
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(config)
		defer p.Close()
		test(t, p)
		time.Sleep(15 * time.Minute) // whatever saves in the background comes to its end
	})
}

// connect returns a connector of the provider, by code unless edit says otherwise.
func connect(t *testing.T, p *authtest.Provider, edit func(*connectorauth.OAuth2Config)) *connectorauth.OAuth2 {
	t.Helper()
	config := connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
	}
	if edit != nil {
		edit(&config)
	}
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	return c
}

// issue gives c fresh tokens of the provider.
func issue(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2, lifetime time.Duration) {
	t.Helper()
	access, refresh := p.IssueTokens("")
	token := &oauth2.Token{AccessToken: access, RefreshToken: refresh}
	if lifetime != 0 {
		token.Expiry = time.Now().Add(lifetime)
	}
	require.NoError(t, c.SetToken(t.Context(), token))
}

const callbackURL = "http://127.0.0.1:8080/callback"

// consented takes the account owner from Begin to the callback.
func consented(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2) (pending connectorauth.Secret, callback url.Values) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	u, err := p.Authorize(authURL)
	require.NoError(t, err)
	return pending, u.Query()
}

// direct is a transport that calls the provider without a connection.
func direct(p *authtest.Provider) *http.Client {
	return &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Body == nil {
			req.Body = http.NoBody
		}
		defer req.Body.Close()
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, req)
		return w.Result(), nil
	})}
}

// status requests url with c and returns the status.
func status(t *testing.T, p *authtest.Provider, c connectorauth.Connector, url string) int {
	t.Helper()
	code, _ := get(t, c, direct(p), url)
	return code
}

// events keeps what was observed.
type events struct {
	mu   sync.Mutex
	list []connectorauth.Event
}

func (e *events) observe(event connectorauth.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

// all returns what was observed.
func (e *events) all() []connectorauth.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// kinds returns what happened since the last call, without the beginnings.
func (e *events) kinds() (kinds []connectorauth.EventKind) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		if event.Kind != connectorauth.EventRenewing {
			kinds = append(kinds, event.Kind)
		}
	}
	e.list = nil
	return kinds
}

// faultyStore is a MemoryStore that can be out of order, except for marks.
type faultyStore struct {
	tokenstore.Memory

	mu   sync.Mutex
	down bool
}

var errStoreDown = errors.New("store down")

func (s *faultyStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *faultyStore) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errStoreDown
	}
	return nil
}

func (s *faultyStore) Save(ctx context.Context, key string, value []byte) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Memory.Save(ctx, key, value)
}

func (s *faultyStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if err := s.err(); err != nil && !bytes.Contains(new, []byte(`"doubt":`)) {
		return false, err
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// forms returns the forms that arrived at the token endpoint.
func forms(t *testing.T, p *authtest.Provider) (list []url.Values) {
	t.Helper()
	for _, r := range p.Requests(p.TokenURL) {
		form, err := url.ParseQuery(string(r.Body))
		require.NoError(t, err)
		list = append(list, form)
	}
	return list
}

// grantTypes returns those of the token requests.
func grantTypes(t *testing.T, p *authtest.Provider) (list []string) {
	t.Helper()
	for _, form := range forms(t, p) {
		list = append(list, form.Get("grant_type"))
	}
	return slices.Clip(list)
}
