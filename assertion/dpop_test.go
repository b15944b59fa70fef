package assertion_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
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

func TestNoncesCostOneRequestForEachOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newDPoPAccount(t, authtest.Config{DPoPNonce: true}, newDPoP(t, assertion.DPoPConfig{}))
		c := a.open(t)
		a.connect(t, c) // learns the nonce
		assert.Equal(t, 1, a.Stats().NoncesDemanded)
		requests := func() int {
			before := len(a.Requests(""))
			a.key(t, c)
			return len(a.Requests("")) - before
		}
		assert.Equal(t, 1, requests(), "one origin has one nonce")
		a.RotateNonces()
		assert.Equal(t, 2, requests())
		assert.Equal(t, 1, requests(), "the nonce of the refusal counts")
		time.Sleep(2 * time.Hour)
		a.RotateNonces()
		assert.Equal(t, 3, requests(), "two token requests; the response brings the nonce for the API")
		assert.Equal(t, 1, a.Stats().Issued["refresh_token"], "the refresh token was not looked at")
		assert.Zero(t, a.Stats().ReuseDetected)
	})
}

// A server may give a new nonce with each response (RFC 9449 section 8.2).
func TestNonceOfASuccessIsTheNewest(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	a.connect(t, c)
	var seen []string
	next := "one"
	a.Inject(a.BearerURL, authtest.Always, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, proofClaims(t, r)["nonce"].(string))
			w.Header().Set("DPoP-Nonce", next)
			h.ServeHTTP(w, r)
		})
	})
	a.Inject(a.BearerURL, 1, authtest.Answer(401, http.Header{"Dpop-Nonce": {"zero"}, "Www-Authenticate": {`Bearer realm="x", DPOP error="use_dpop_nonce"`}}, ""))
	for _, next = range []string{"two", "three", "", `a"b`, strings.Repeat("x", 4000)} {
		a.key(t, c)
	}
	a.key(t, c)
	assert.Equal(t, []string{"zero", "two", "three", "three", "three", "three"}, seen)
}

// proofClaims returns the claims of the proof in r.
func proofClaims(t *testing.T, r *http.Request) map[string]any {
	parts := strings.Split(r.Header.Get("DPoP"), ".")
	if !assert.Len(t, parts, 3) {
		return map[string]any{"nonce": "no proof"}
	}
	var claims map[string]any
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(text, &claims))
	if claims["nonce"] == nil {
		claims["nonce"] = ""
	}
	return claims
}

func TestRefusalOfAProofRenewsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		header http.Header
		sends  int
	}{
		"a new nonce for ever": {http.Header{"Dpop-Nonce": {"fresh"}, "Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}, 2},
		"no nonce":             {http.Header{"Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}, 1},
		"two nonces":           {http.Header{"Dpop-Nonce": {"a", "b"}, "Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}, 1},
		"an invalid proof":     {http.Header{"Www-Authenticate": {`DPoP error="invalid_dpop_proof"`}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
			c := a.open(t)
			a.connect(t, c)
			a.Inject(a.BearerURL, authtest.Always, authtest.Answer(401, test.header, "refused"))
			client := connectorauth.NewClient(c, a.Client())
			for n := range 2 {
				resp, err := client.Get(a.BearerURL)
				require.NoError(t, err)
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				require.NoError(t, err)
				assert.Equal(t, "refused", string(body))
				assert.Equal(t, 401, resp.StatusCode)
				if n == 0 {
					assert.Len(t, a.Requests(a.BearerURL), test.sends)
				}
			}
			assert.Equal(t, 1, a.Stats().TokenRequests, "the code alone")
		})
	}
}

func TestTokenEndpointThatAlwaysWantsANonceGetsTwoRequests(t *testing.T) {
	for name, test := range map[string]struct {
		status, sends int
		header        http.Header
	}{
		"400":         {400, 2, http.Header{"Dpop-Nonce": {"fresh"}}},
		"401":         {401, 2, http.Header{"Dpop-Nonce": {"fresh"}}},
		"no nonce":    {400, 1, nil},
		"not refused": {500, 1, http.Header{"Dpop-Nonce": {"fresh"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
			c := a.open(t)
			a.connect(t, c)
			a.Inject(a.TokenURL, authtest.Always, authtest.Answer(test.status, test.header, `{"error":"use_dpop_nonce"}`))
			before := a.Stats().TokenRequests
			err := c.Renew(t.Context())
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "use_dpop_nonce", failed.Code)
			assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired, "nobody has looked at the refresh token")
			assert.Equal(t, test.sends, a.Stats().TokenRequests-before)
			a.ClearFaults()
			require.NoError(t, c.Renew(t.Context()))
		})
	}
}

// A process that starts knows no nonce, and its stored token may be revoked.
func TestNonceAndRenewalInOneRequest(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	a.connect(t, a.open(t))
	a.config.Proof = newDPoP(t, assertion.DPoPConfig{})
	c := a.open(t)
	a.key(t, c)
	nonce := func(status int, code string) authtest.Fault {
		return authtest.Answer(status, http.Header{"Dpop-Nonce": {rand.Text()}, "Www-Authenticate": {fmt.Sprintf("DPoP error=%q", code)}}, "")
	}
	for name, faults := range map[string][]authtest.Fault{
		"nonce, then token": {nonce(401, "use_dpop_nonce"), nonce(401, "invalid_token")},
		"token, then nonce": {nonce(401, "invalid_token"), nonce(401, "use_dpop_nonce")},
	} {
		issued := a.Stats().Issued["refresh_token"]
		for _, fault := range faults {
			a.Inject(a.BearerURL, 1, fault)
		}
		a.key(t, c)
		assert.Equal(t, issued+1, a.Stats().Issued["refresh_token"], name)
	}
}

func TestBodyThatCannotBeSentAgainIsNot(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{DPoPNonce: true}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	a.connect(t, c)
	a.RotateNonces()
	client := connectorauth.NewClient(c, a.Client())
	post := func() *http.Response {
		resp, err := client.Post(a.BearerURL, "text/plain", struct{ io.Reader }{strings.NewReader("once")})
		require.NoError(t, err)
		resp.Body.Close()
		return resp
	}
	resp := post()
	assert.Equal(t, 401, resp.StatusCode)
	require.ErrorContains(t, connectorauth.RenewalError(resp), "another proof")
	assert.Equal(t, 200, post().StatusCode)
	assert.Equal(t, 1, a.Stats().Issued["authorization_code"]+a.Stats().Issued["refresh_token"])
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

func TestProofOfAForeignTokenIsAnError(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "foreign-1a2b", TokenType: "dpop"}))
	_, err := connectorauth.NewClient(c, a.Client()).Get(a.BearerURL)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	require.ErrorContains(t, err, "no DPoP key")
	assert.Empty(t, a.Requests(""))
}

func TestProofsFollowTheClockOfTheServer(t *testing.T) {
	for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p := authtest.New(authtest.Config{InMemory: true, RequireDPoP: true, ClockSkew: skew})
			defer p.Close()
			c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
				Proof: newDPoP(t, assertion.DPoPConfig{}), HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
			}))
			_, err := c.Token(t.Context())
			require.ErrorContains(t, err, "invalid_dpop_proof")
			assert.Equal(t, 1, p.Stats().TokenRequests, "nothing says that the grant was not looked at")
			require.NoError(t, c.Renew(t.Context()))
			get(t, connectorauth.NewClient(c, p.Client()), p.BearerURL)
		})
	}
}

func TestProofSaysWhatRFC9449Wants(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{})
	key := must(d.NewKey())
	jtis := map[string]bool{}
	for _, test := range []struct{ method, url, host, htu string }{
		{"", "https://api.example.com", "", "https://api.example.com/"},
		{"POST", "https://API.example.com:443/a%2Fb/%C3%BC?x=1&y=/#z", "", "https://API.example.com:443/a%2Fb/%C3%BC"},
		{"DELETE", "https://10.0.0.1/a\"b", "api.example.com", "https://api.example.com/a%22b"},
		{"GET", "http://127.0.0.1:8080/<&>", "", "http://127.0.0.1:8080/%3C&%3E"},
	} {
		req := must(http.NewRequest(test.method, test.url, nil))
		req.Method = test.method
		if test.host != "" {
			req.Host = test.host
		}
		req.Header.Set("DPoP", "another")
		req.Header.Set("Authorization", "DPoP Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")
		require.NoError(t, d.Prove(req, key, "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"))
		require.Len(t, req.Header.Values("DPoP"), 1)
		claims := proofClaims(t, req)
		assert.Equal(t, test.htu, claims["htu"])
		assert.Equal(t, map[bool]string{true: "GET", false: test.method}[test.method == ""], claims["htm"])
		assert.Equal(t, "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", claims["ath"], "section 7.1")
		jti := claims["jti"].(string)
		assert.False(t, jtis[jti] || len(jti) < 16, "96 bits at least (section 4.2)")
		jtis[jti] = true
		header := strings.Split(req.Header.Get("DPoP"), ".")[0]
		text := string(must(base64.RawURLEncoding.DecodeString(header)))
		assert.Contains(t, text, `"typ":"dpop+jwt"`)
		assert.NotContains(t, text, `"d":`)
	}
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
	}
	assert.Equal(t, "assertion.DPoP assertion.DPoP assertion.DPoP", fmt.Sprintf("%v %#v %d", d, d, d))
}

func TestManyOriginsAndAccounts(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{Algorithm: assertion.EdDSA})
	req := func(n int) *http.Request {
		return must(http.NewRequest("GET", fmt.Sprintf("https://shop%d.example.com/", n), nil))
	}
	nonce := func(n int, key connectorauth.Secret) any {
		r := req(n)
		require.NoError(t, d.Prove(r, key, ""))
		return proofClaims(t, r)["nonce"]
	}
	key := must(d.NewKey())
	for n := range 5000 {
		resp := &http.Response{StatusCode: 200, Header: http.Header{"Dpop-Nonce": {fmt.Sprint("n", n)}}, Body: http.NoBody, Request: req(n)}
		require.False(t, d.Again(resp))
		require.Equal(t, fmt.Sprint("n", n), nonce(n, key))
	}
	known := 0
	for n := range 5000 {
		if nonce(n, key) != "" {
			known++
		}
	}
	assert.Equal(t, 4096, known, "bounded")
	for range 4200 {
		nonce(0, must(d.NewKey()))
	}
	nonce(0, key)
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

	// The program changes its key: the client authenticates, so the refresh token is not bound.
	a.config.Proof = newDPoP(t, assertion.DPoPConfig{Key: keyFor(t, assertion.ES384)})
	c = a.open(t)
	assert.Equal(t, keyFor(t, assertion.ES384).Thumbprint(), a.key(t, c))
	assert.Equal(t, 1, p.Stats().Issued["refresh_token"])
	require.NoError(t, c.Revoke(context.Background()))
}

// The repetition with a nonce has a new assertion too, because a jti serves once.
func TestPushedRequestHasAProof(t *testing.T) {
	p := provider(t, authtest.Config{RequireDPoP: true, DPoPNonce: true, RequirePushed: true}, assertion.ES256)
	key := keyFor(t, assertion.ES256)
	a := &dpopAccount{p, connectorauth.OAuth2Config{
		ClientID: p.ClientID, TokenURL: p.TokenURL, HTTPClient: p.Client(), Store: new(tokenstore.Memory), Account: "alice",
		Grant:      connectorauth.AuthorizationCode{AuthURL: p.AuthURL, PushedAuthorizationRequestURL: p.PushedAuthorizationRequestURL},
		ClientAuth: must(assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: p.URL}})),
		Proof:      newDPoP(t, assertion.DPoPConfig{}),
	}}
	c := a.open(t)
	a.connect(t, c)
	assert.Len(t, p.Requests(p.PushedAuthorizationRequestURL), 2, "the first request learns the nonce")
	assert.Equal(t, 1, p.Stats().TokenRequests)
	a.RotateNonces()
	require.NoError(t, c.Renew(t.Context()))
	assert.Equal(t, 3, p.Stats().TokenRequests)
	assert.NotEmpty(t, a.key(t, c))
}
