package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// ownProof is a Proof of another package.
type ownProof func(req *http.Request) error

func (ownProof) TokenTypes() []string                                       { return []string{"Bearer"} }
func (ownProof) Bind(connectorauth.Secret) (url.Values, error)              { return nil, nil }
func (ownProof) NewKey() (connectorauth.Secret, error)                      { return "proof-key", nil }
func (f ownProof) Prove(req *http.Request, _, _ connectorauth.Secret) error { return f(req) }
func (ownProof) Again(*http.Response) bool                                  { return false }

func proven(prove func(*http.Request) error) *connectorauth.OAuth2 {
	return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		Proof: ownProof(prove), HTTPClient: &http.Client{Transport: tokenEndpoint()}, Hosts: []string{"api.example.test"},
	}))
}

func TestProofWorksOnACopyAndWithinHosts(t *testing.T) {
	req := must(http.NewRequest(http.MethodGet, "https://api.example.test/x", nil))
	req.Header["X-A"] = []string{"mine"}
	base := &fakehttp.Base{}
	_, err := proven(func(r *http.Request) error {
		if r.URL.Host == "api.example.test" { // not the token request
			r.URL.RawQuery = "proof=1"
			r.Header["X-A"][0] = "changed"
		}
		return nil
	}).Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, "https://api.example.test/x", req.URL.String())
	assert.Equal(t, []string{"mine"}, req.Header["X-A"])
	assert.Equal(t, "proof=1", base.Requests()[0].URL.RawQuery)

	_, err = proven(func(r *http.Request) error { r.URL.Host = "evil.example"; return nil }).Wrap(base).RoundTrip(req)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Len(t, base.Requests(), 1)
}

// binder is a Proof that binds the code to a key.
type binder struct {
	ownProof
	err error
}

func (b binder) Bind(key connectorauth.Secret) (url.Values, error) {
	return url.Values{"key_hash": {"of " + string(key[:5])}}, b.err
}

func TestProofBindsTheCode(t *testing.T) {
	config := connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: "https://p.example/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
		Proof: binder{}, Account: "alice",
	}
	c := must(connectorauth.NewOAuth2(config))
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	assert.Equal(t, "of proof", must(url.Parse(authURL)).Query().Get("key_hash"))
	assert.Contains(t, string(pending), "proof-key")

	hooked := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error {
		u.RawQuery = strings.ReplaceAll(u.RawQuery, "key_hash", "other")
		return nil
	}}).(*connectorauth.OAuth2)
	_, _, err = hooked.Begin(t.Context(), "http://127.0.0.1/callback")
	require.ErrorContains(t, err, "changed the parameter key_hash")

	config.Proof = binder{err: errors.New("the key proof-key is of no use")}
	_, _, err = must(connectorauth.NewOAuth2(config)).Begin(t.Context(), "http://127.0.0.1/callback")
	require.ErrorContains(t, err, `account "alice"`)
	assert.NotContains(t, err.Error(), "proof-key")

	config.Proof = binder{err: errBroken}
	_, _, err = must(connectorauth.NewOAuth2(config)).Begin(t.Context(), "http://127.0.0.1/callback")
	require.ErrorIs(t, err, errBroken)
}

func TestLocationOfAResponseThatIsNoRedirectIsNoError(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "production-key", In: dialect.InQuery, Name: "key"}))
	resp, err := key.Wrap(fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(201, "created")
		resp.Header.Set("Location", "/production-key/orders/7")
		return resp, nil
	})).RoundTrip(must(http.NewRequest(http.MethodPost, home, nil)))
	require.NoError(t, err)
	assert.Equal(t, 201, resp.StatusCode)
}

func TestCorrectedPasswordIsTriedAtOnce(t *testing.T) {
	store := new(tokenstore.Memory)
	connector := func(secret connectorauth.Secret) *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Store: store, Account: "a",
			Grant: connectorauth.PasswordCredentials{Username: "u", Password: secret},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				if err := req.ParseForm(); err != nil || req.PostForm.Get("password") != "right" {
					return fakehttp.Respond(400, `{"error":"invalid_grant"}`), nil
				}
				return fakehttp.Respond(200, `{"access_token":"a"}`), nil
			})},
		}))
	}
	wrong := connector("wrong")
	_, err := wrong.Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	assert.Equal(t, "a", must(connector("right").Token(t.Context())).AccessToken)
	_, err = wrong.Token(context.Background())
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "the stored token was obtained with another password")
}

func TestOddValuesAreProblemsAndNoPanics(t *testing.T) {
	valid := connectorauth.OAuth2Config{ClientID: "client", ClientSecret: "s", TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{}}
	for _, auth := range []connectorauth.ClientAuth{(*connectorauth.ClientAuthMethod)(nil), new(connectorauth.ClientAuthMethod)} {
		config := valid
		config.ClientAuth = auth
		_, err := connectorauth.NewOAuth2(config)
		require.ErrorContains(t, err, "ClientAuth: ")
	}
	for _, c := range []connectorauth.Connector{(*connectorauth.APIKey)(nil), new(connectorauth.OAuth2)} {
		_, err := connectorauth.Join(c)
		require.ErrorContains(t, err, "use the constructor")
	}
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		req.URL = nil
		return nil
	}}))
	var sent fakehttp.Bodies
	_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "x", true))
	require.ErrorContains(t, err, "took the URL")
	sent.RequireClosedOnce(t)
}

// failsOnce is a store whose first Load fails.
type failsOnce struct {
	*tokenstore.Memory
	failed bool
}

func (s *failsOnce) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if !s.failed {
		s.failed = true
		return nil, false, errors.New("store down")
	}
	return s.Memory.Load(ctx, key)
}

func TestNewConnectorLooksAgainAfterAStoreThatFailed(t *testing.T) {
	store := &failsOnce{Memory: new(tokenstore.Memory), failed: true}
	connector := func() *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: "https://p.example/token", Store: store, Account: "alice",
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
		}))
	}
	old := connector()
	require.NoError(t, old.SetToken(t.Context(), &oauth2.Token{AccessToken: "one", Expiry: time.Now().Add(time.Hour)}))
	require.NoError(t, store.Delete(t.Context(), "alice"))
	store.failed = false
	c := connector()
	_, err := c.Token(t.Context())
	require.NoError(t, err, "the store is down, and the token in memory is good")
	_, err = c.Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	assert.Equal(t, connectorauth.AuthTypeOAuth2, old.AuthType())
}
