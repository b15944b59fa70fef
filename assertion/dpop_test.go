package assertion_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// dpopAccount is an account at a provider in memory.
type dpopAccount struct {
	*authtest.Provider
	config connectorauth.OAuth2Config
}

// newDPoPAccount returns a public client's account that needs a consent.
func newDPoPAccount(t *testing.T, config authtest.Config, proof connectorauth.Proof) *dpopAccount {
	t.Helper()
	config.InMemory, config.PublicClient = true, true
	p := authtest.New(config)
	t.Cleanup(p.Close)
	return &dpopAccount{p, connectorauth.OAuth2Config{
		ClientID: p.ClientID, TokenURL: p.TokenURL, Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		Proof: proof, Store: new(tokenstore.Memory), Account: "alice", HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
	}}
}

// open returns a connector of another process, with the same store.
func (a *dpopAccount) open(t *testing.T) *connectorauth.OAuth2 {
	t.Helper()
	config := a.config
	config.Shared = new(connectorauth.Shared)
	return must(connectorauth.NewOAuth2(config))
}

// connect leads the account owner through a consent.
func (a *dpopAccount) connect(t *testing.T, c *connectorauth.OAuth2) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := a.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
}

// key requires that c may use the API, and returns the thumbprint of the key.
func (a *dpopAccount) key(t *testing.T, c connectorauth.Connector) string {
	t.Helper()
	var identity authtest.Identity
	require.NoError(t, json.Unmarshal([]byte(get(t, connectorauth.NewClient(c, a.Client()), a.BearerURL+"/x?page=2#top")), &identity))
	return identity.Key
}

func newDPoP(t *testing.T, config assertion.DPoPConfig) *assertion.DPoP {
	t.Helper()
	d, err := assertion.NewDPoP(config)
	require.NoError(t, err)
	return d
}

func TestDPoPWithEachAlgorithm(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(string(algorithm), func(t *testing.T) {
			config := assertion.DPoPConfig{Algorithm: algorithm}
			if algorithm[0] == 'R' || algorithm[0] == 'P' {
				config = assertion.DPoPConfig{Key: keyFor(t, algorithm)}
			}
			a := newDPoPAccount(t, authtest.Config{RequireDPoP: true}, newDPoP(t, config))
			c := a.open(t)
			a.connect(t, c)
			key := a.key(t, c)
			assert.NotEmpty(t, key)
			require.NoError(t, c.Renew(t.Context()))
			assert.Equal(t, key, a.key(t, c))
			if config.Key != nil {
				assert.Equal(t, config.Key.Thumbprint(), key)
			}
		})
	}
}

func TestDPoPKeyIsTheAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newDPoPAccount(t, authtest.Config{RequireDPoP: true, DPoPNonce: true}, newDPoP(t, assertion.DPoPConfig{}))
		c := a.open(t)
		a.connect(t, c)
		key := a.key(t, c)
		for range 3 { // the refresh token of a public client is bound to the key
			time.Sleep(2 * time.Hour)
			a.config.Proof = newDPoP(t, assertion.DPoPConfig{})
			assert.Equal(t, key, a.key(t, a.open(t)), "each process finds the key in the record")
		}
		assert.Equal(t, 3, a.Stats().Issued["refresh_token"])
		a.config.Account = "bob"
		bob := a.open(t)
		a.connect(t, bob)
		assert.NotEqual(t, key, a.key(t, bob))
		assert.Equal(t, key, a.key(t, c))
	})
}

func TestCodeIsBoundToTheKey(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{RequireDPoP: true}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	assert.Len(t, must(url.Parse(authURL)).Query().Get("dpop_jkt"), 43)
	_, other, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := a.Authorize(authURL)
	require.NoError(t, err)
	var mixed, foreign map[string]any
	require.NoError(t, json.Unmarshal([]byte(pending), &mixed))
	require.NoError(t, json.Unmarshal([]byte(other), &foreign))
	mixed["key"] = foreign["key"]
	err = c.Finish(t.Context(), connectorauth.Secret(must(json.Marshal(mixed))), callback.Query())
	require.ErrorContains(t, err, "bound to another key")
}

func TestBearerTokensAreRefusedUnlessAllowed(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	ignore := func(next http.Handler) http.Handler { // as a provider that does not know DPoP
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("DPoP")
			next.ServeHTTP(w, r)
		})
	}
	a.Inject(a.TokenURL, authtest.Always, ignore)
	a.Inject(a.AuthURL, authtest.Always, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "dpop_jkt=", "x=")
			next.ServeHTTP(w, r)
		})
	})
	c := a.open(t)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := a.Authorize(authURL)
	require.NoError(t, err)
	require.ErrorContains(t, c.Finish(t.Context(), pending, callback.Query()), `the token type is "Bearer", not DPoP`)

	a.config.Proof = newDPoP(t, assertion.DPoPConfig{AllowBearer: true})
	c = a.open(t)
	a.connect(t, c)
	assert.Empty(t, a.key(t, c))
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Bearer", token.TokenType)
	requests := a.Requests(a.BearerURL)
	assert.Empty(t, requests[0].Header.Get("DPoP"), "a Bearer token needs no proof")
	req := must(http.NewRequest("GET", a.BearerURL, nil))
	req.Header.Set("DPoP", "of the caller's")
	resp, err := connectorauth.NewClient(c, a.Client()).Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Empty(t, a.Requests(a.BearerURL)[1].Header.Values("DPoP"), "I7: what the caller has set is replaced")

	a.ClearFaults() // the provider learns DPoP
	a.config.Proof = newDPoP(t, assertion.DPoPConfig{})
	c = a.open(t)
	assert.NotEmpty(t, a.key(t, c), "an account of before is renewed first")
	token, err = c.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "DPoP", token.TokenType)

	a.config.Proof = nil // the program goes back
	_, err = a.open(t).Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "the refresh token is bound to the key")
}

// The key of a token from elsewhere stayed there.
func TestProofOfAForeignToken(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	for _, kind := range []string{"dpop", "Bearer", ""} {
		err := c.SetToken(t.Context(), &oauth2.Token{AccessToken: "foreign-1a2b", TokenType: kind})
		require.ErrorContains(t, err, "SetToken", kind)
		assert.NotContains(t, err.Error(), "foreign-1a2b")
	}
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, connectorauth.StateNotConnected, status.State)
	assert.Empty(t, a.Requests(""))

	// With a refresh token, the account moves in under a new key, if the client authenticates.
	p := authtest.New(authtest.Config{InMemory: true})
	t.Cleanup(p.Close)
	config := connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		Proof: newDPoP(t, assertion.DPoPConfig{}), Store: new(tokenstore.Memory), Account: "alice", HTTPClient: p.Client(),
	}
	elsewhere := &dpopAccount{p, config}
	old := elsewhere.open(t)
	elsewhere.connect(t, old)
	former := elsewhere.key(t, old)
	stored, _, err := config.Store.Load(t.Context(), "alice")
	require.NoError(t, err)
	var record struct {
		Value struct {
			Refresh string `json:"refresh_token"`
		} `json:"value"`
	}
	require.NoError(t, json.Unmarshal(stored, &record))
	require.NotEmpty(t, record.Value.Refresh, "%s", stored)
	for _, kind := range []string{"DPoP", "Bearer"} {
		here := &dpopAccount{p, config}
		here.config.Store = new(tokenstore.Memory)
		moved := here.open(t)
		token := must(old.Token(t.Context()))
		require.NoError(t, moved.SetToken(t.Context(), &oauth2.Token{AccessToken: token.AccessToken, TokenType: kind, RefreshToken: record.Value.Refresh, Expiry: token.Expiry}))
		before := p.Stats().TokenRequests
		key := here.key(t, moved)
		assert.NotEmpty(t, key)
		assert.NotEqual(t, former, key)
		assert.Equal(t, before+1, p.Stats().TokenRequests)
		stored, _, err = here.config.Store.Load(t.Context(), "alice")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(stored, &record))
	}

	// A key of the program is here, whoever has obtained the token.
	fixed := newDPoP(t, assertion.DPoPConfig{Key: keyFor(t, assertion.ES256)})
	elsewhere.config.Proof, elsewhere.config.Store = fixed, new(tokenstore.Memory)
	old = elsewhere.open(t)
	elsewhere.connect(t, old)
	elsewhere.config.Store = new(tokenstore.Memory)
	moved := elsewhere.open(t)
	require.NoError(t, moved.SetToken(t.Context(), must(old.Token(t.Context()))))
	before := p.Stats().TokenRequests
	assert.Equal(t, keyFor(t, assertion.ES256).Thumbprint(), elsewhere.key(t, moved))
	assert.Equal(t, before, p.Stats().TokenRequests)
	require.ErrorContains(t, moved.SetToken(t.Context(), &oauth2.Token{AccessToken: "a", TokenType: "Bearer"}), `the token type is "Bearer", not DPoP`)

	// Bearer tokens that are allowed need no key.
	elsewhere.config.Proof, elsewhere.config.Store = newDPoP(t, assertion.DPoPConfig{AllowBearer: true}), new(tokenstore.Memory)
	require.NoError(t, elsewhere.open(t).SetToken(t.Context(), &oauth2.Token{AccessToken: "a"}))
}

func TestDPoPConfigRules(t *testing.T) {
	secret := must(assertion.NewKey(assertion.KeyConfig{Secret: "a secret of thirty-two bytes or more"}))
	for want, config := range map[string]assertion.DPoPConfig{
		"Key: is a secret":           {Key: secret},
		"Key: is empty":              {Key: new(assertion.Key)},
		`Algorithm: is "RS256"`:      {Algorithm: assertion.RS256},
		`Algorithm: is "none"`:       {Algorithm: "none"},
		"Algorithm: is for new keys": {Key: keyFor(t, assertion.ES256), Algorithm: assertion.ES256},
	} {
		_, err := assertion.NewDPoP(config)
		assert.ErrorContains(t, err, want)
	}
}

func TestDamagedKeysSayNothingOfTheKey(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{})
	rsaKey := base64.RawStdEncoding.EncodeToString([]byte(pemOf(privates["RSA"])))
	for _, key := range []connectorauth.Secret{"not base64: secret", "c2VjcmV0", connectorauth.Secret(rsaKey)} {
		req := must(http.NewRequest("GET", "https://api.example.com", nil))
		err := d.Prove(req, key, "")
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.NotContains(t, err.Error(), "secret")
		assert.NotContains(t, err.Error(), string(key[:8]), "the beginning of the key")
	}
	assert.Equal(t, "assertion.DPoP assertion.DPoP assertion.DPoP", fmt.Sprintf("%v %#v %d", d, d, d))
}

func TestSignerOfTheProgramProves(t *testing.T) {
	signer := &counting{Signer: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	key := must(assertion.NewKey(assertion.KeyConfig{Signer: signer}))
	p := authtest.New(authtest.Config{RequireDPoP: true})
	t.Cleanup(p.Close)
	config := connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, RevokeURL: p.RevokeURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		Proof: newDPoP(t, assertion.DPoPConfig{Key: key}), Store: new(tokenstore.Memory), Account: "alice", Shared: new(connectorauth.Shared),
	}
	a := &dpopAccount{p, config}
	c := a.open(t)
	a.connect(t, c)
	assert.Equal(t, key.Thumbprint(), a.key(t, c))
	assert.EqualValues(t, 2, signer.signatures.Load(), "for the code, and for the API")

	// A token that is bound to the key of the program is of no use to accounts with keys.
	a.config.Proof = newDPoP(t, assertion.DPoPConfig{})
	_, err := connectorauth.NewClient(a.open(t), p.Client()).Get(p.BearerURL)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	require.ErrorContains(t, err, "no DPoP key")

	// The program changes its key: the client authenticates, so the refresh token is not bound.
	a.config.Proof = newDPoP(t, assertion.DPoPConfig{Key: keyFor(t, assertion.ES384)})
	c = a.open(t)
	assert.Equal(t, keyFor(t, assertion.ES384).Thumbprint(), a.key(t, c))
	assert.Equal(t, 1, p.Stats().Issued["refresh_token"])
	require.NoError(t, c.Revoke(context.Background()))
}
