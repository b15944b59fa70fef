package fosite_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

const (
	redirectURL = "http://127.0.0.1/callback?tenant=7"
	owner       = "jürgen@example.com"
	ownerPass   = "pass:wörd +&=%"
)

// settings are what the servers of the tests differ in.
type settings struct {
	clientID, clientSecret string // empty means the usual ones
	lifetime               time.Duration
	anonymous              bool // an assertion as a grant needs no client authentication
}

// server is a fosite authorization server together with an API that wants its
// access tokens, on a loopback port.
type server struct {
	*httptest.Server
	clientID, clientSecret string
	lifetime               time.Duration
	store                  *storage.MemoryStore
	provider               fosite.OAuth2Provider

	mu      sync.Mutex   // fosite's memory store is not safe for concurrent use: RevokeRefreshToken takes no lock
	forms   []url.Values // of the token requests, as they arrived
	refused []string     // the API's refusals
}

func newServer(t *testing.T, s settings) *server {
	t.Helper()
	srv := &server{clientID: s.clientID, clientSecret: s.clientSecret, lifetime: s.lifetime, store: storage.NewMemoryStore()}
	if srv.clientID == "" {
		srv.clientID, srv.clientSecret = "client", "p@ss:w/+r d&=%?~"
	}
	if srv.lifetime == 0 {
		srv.lifetime = time.Hour
	}
	config := &fosite.Config{
		GlobalSecret:         []byte("the key of the server's own HMACs"),
		HashCost:             4, // of bcrypt: this is a test
		AccessTokenLifespan:  srv.lifetime,
		RefreshTokenLifespan: time.Hour,
		RefreshTokenScopes:   []string{"offline"},
		EnforcePKCE:          true, // by S256 alone, which is fosite's default

		GrantTypeJWTBearerCanSkipClientAuth: s.anonymous,
	}
	hash, err := (&fosite.BCrypt{Config: config}).Hash(t.Context(), []byte(srv.clientSecret))
	require.NoError(t, err)
	srv.store.Clients[srv.clientID] = &fosite.DefaultClient{
		ID: srv.clientID, Secret: hash, RedirectURIs: []string{redirectURL},
		ResponseTypes: []string{"code"},
		GrantTypes:    []string{"authorization_code", "refresh_token", "client_credentials", "password"},
		Scopes:        []string{"offline", "orders"},
	}
	srv.store.Users[owner] = storage.MemoryUserRelation{Username: owner, Password: ownerPass}
	srv.provider = compose.Compose(config, srv.store,
		&compose.CommonStrategy{CoreStrategy: compose.NewOAuth2HMACStrategy(config)},
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2PKCEFactory, compose.OAuth2RefreshTokenGrantFactory,
		compose.OAuth2ClientCredentialsGrantFactory, compose.RFC7523AssertionGrantFactory,
		//lint:ignore SA1019 the password grant is one of the three that connectors have
		compose.OAuth2ResourceOwnerPasswordCredentialsFactory,
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", srv.authorize)
	mux.HandleFunc("/token", srv.token)
	mux.HandleFunc("/revoke", srv.revoke)
	mux.HandleFunc("/api/", srv.api)
	srv.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.mu.Lock()
		defer srv.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	config.TokenURL = srv.URL + "/token" // the audience of assertions
	return srv
}

func session() *fosite.DefaultSession {
	return &fosite.DefaultSession{Username: owner, Subject: owner}
}

// authorize consents to everything at once.
func (s *server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.provider.NewAuthorizeRequest(ctx, r)
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	response, err := s.provider.NewAuthorizeResponse(ctx, request, session())
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	s.provider.WriteAuthorizeResponse(ctx, w, request, response)
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	r.ParseForm()
	form := url.Values{}
	for name, values := range r.PostForm { // fosite takes some out
		form[name] = slices.Clone(values)
	}
	s.forms = append(s.forms, form)
	request, err := s.provider.NewAccessRequest(ctx, r, session())
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	response, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}

func (s *server) revoke(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s.provider.WriteRevocationResponse(ctx, w, s.provider.NewRevocationRequest(ctx, r))
}

// answer is what the API says of a request that it accepts.
type answer struct {
	Client, User string
	Scopes       []string
}

func (s *server) api(w http.ResponseWriter, r *http.Request) {
	_, token, err := s.provider.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, session())
	if err != nil {
		why := fosite.ErrorToRFC6749Error(err).GetDescription()
		s.refused = append(s.refused, why)
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		http.Error(w, why, http.StatusUnauthorized)
		return
	}
	json.NewEncoder(w).Encode(answer{token.GetClient().GetID(), token.GetSession().GetSubject(), token.GetGrantedScopes()})
}

// config is that of a client registered with the server.
func (s *server) config(grant connectorauth.Grant) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{
		ClientID: s.clientID, ClientSecret: connectorauth.Secret(s.clientSecret),
		TokenURL: s.URL + "/token", Scopes: []string{"offline", "orders"}, Grant: grant,
	}
}

// code is the grant with the server's authorization endpoint.
func (s *server) code() connectorauth.AuthorizationCode {
	return connectorauth.AuthorizationCode{AuthURL: s.URL + "/authorize"}
}

// consent plays the account owner's browser: it opens authURL and returns the
// query of the callback.
func (s *server) consent(t *testing.T, authURL string) url.Values {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(authURL)
	require.NoError(t, err)
	resp.Body.Close()
	callback, err := resp.Location()
	require.NoError(t, err, "the answer was %s", resp.Status)
	require.Equal(t, "7", callback.Query().Get("tenant"), "the redirect URL's own query")
	return callback.Query()
}

// connect goes through the consent flow.
func (s *server) connect(t *testing.T, c *connectorauth.OAuth2) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, s.consent(t, authURL)))
}

// dropAccessTokens makes the API refuse all access tokens issued so far.
func (s *server) dropAccessTokens(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.store.AccessTokenRequestIDs {
		require.NoError(t, s.store.RevokeAccessToken(t.Context(), id))
	}
}

// sent returns the values of a parameter of the token requests with a
// grant_type, in order of arrival.
func (s *server) sent(grantType, name string) (values []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range s.forms {
		if form.Get("grant_type") == grantType {
			values = append(values, form.Get(name))
		}
	}
	return values
}

// refusals returns what the API said to the requests that it refused.
func (s *server) refusals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// call makes an API request that must be accepted.
func (s *server) call(t *testing.T, c connectorauth.Connector) (a answer) {
	t.Helper()
	resp, err := connectorauth.NewClient(c, nil).Get(s.URL + "/api/orders")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&a))
	return a
}

// fails makes an API request that must not be answered, and returns the error.
func (s *server) fails(t *testing.T, c connectorauth.Connector) error {
	t.Helper()
	resp, err := connectorauth.NewClient(c, nil).Get(s.URL + "/api/orders")
	if err == nil {
		resp.Body.Close()
		require.Fail(t, "the request was answered", resp.Status)
	}
	return err
}

func newOAuth2(t *testing.T, config connectorauth.OAuth2Config) *connectorauth.OAuth2 {
	t.Helper()
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	return c
}
