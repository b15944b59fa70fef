package assertion_test

import (
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
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A provider that refuses a proof has perhaps looked at the refresh token, however the
// provider words the refusal.
func TestRefusedProofOfATokenRequestIsNotSentAgain(t *testing.T) {
	challenge := http.Header{"Www-Authenticate": {`DPoP error="invalid_dpop_proof"`}}
	for name, fault := range map[string]authtest.Fault{
		"in the body":   authtest.Answer(401, challenge, `{"error":"invalid_dpop_proof"}`),
		"in a header":   authtest.Answer(401, challenge, ``),
		"beside a page": authtest.Answer(401, challenge, `<html>`),
	} {
		t.Run(name, func(t *testing.T) {
			a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
			c := a.open(t)
			a.connect(t, c)
			before := len(a.Requests(a.TokenURL))
			a.Inject(a.TokenURL, authtest.Always, fault)
			require.Error(t, c.Renew(t.Context()))
			assert.Len(t, a.Requests(a.TokenURL), before+1)
		})
	}
}

// A refused proof says nothing of the grant: the next proof has the nonce, or the time, of
// the provider.
func TestRefusedProofCostsAMoment(t *testing.T) {
	for name, body := range map[string]string{"a nonce": `{"error":"use_dpop_nonce"}`, "the time": `{"error":"invalid_dpop_proof"}`} {
		synctest.Test(t, func(t *testing.T) {
			p := authtest.New(authtest.Config{InMemory: true, RequireDPoP: true})
			defer p.Close()
			c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
				Proof: newDPoP(t, assertion.DPoPConfig{}), HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
			}))
			p.Inject(p.TokenURL, 2, authtest.Answer(400, http.Header{"Dpop-Nonce": {"n"}}, body))
			_, err := c.Token(t.Context())
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.True(t, failed.Temporary(), name)
			p.ClearFaults()
			time.Sleep(5 * time.Second)
			_, err = c.Token(t.Context())
			require.NoError(t, err, name)
		})
	}
}

// A device waits on although its proofs are refused for now.
func TestDeviceWithAProof(t *testing.T) {
	for name, body := range map[string]string{"a nonce": `{"error":"use_dpop_nonce"}`, "the time": `{"error":"invalid_dpop_proof"}`} {
		synctest.Test(t, func(t *testing.T) {
			p := authtest.New(authtest.Config{InMemory: true, PublicClient: true, RequireDPoP: true})
			defer p.Close()
			c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: p.ClientID, TokenURL: p.TokenURL, Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL},
				Proof: newDPoP(t, assertion.DPoPConfig{}), HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
			}))
			prompt, pending, err := c.BeginDevice(t.Context())
			require.NoError(t, err)
			p.Inject(p.TokenURL, 2, authtest.Answer(400, http.Header{"Dpop-Nonce": {"n"}}, body))
			require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
			require.NoError(t, c.FinishDevice(t.Context(), pending), name)
			get(t, connectorauth.NewClient(c, p.Client()), p.BearerURL)
			require.NoError(t, c.Renew(t.Context()))
			get(t, connectorauth.NewClient(c, p.Client()), p.BearerURL)
		})
	}
}

// A program that takes a Key later keeps the keys of its accounts: the refresh token of a
// public client is bound to the account's key (RFC 9449 section 5).
func TestAccountKeepsItsKeyBesideAKeyOfTheProgram(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	a.connect(t, c)
	own := a.key(t, c)
	a.config.Proof = newDPoP(t, assertion.DPoPConfig{Key: keyFor(t, assertion.ES384)})
	c = a.open(t)
	assert.Equal(t, own, a.key(t, c), "the token is bound to the key")
	require.NoError(t, c.Renew(t.Context()))
	assert.Equal(t, own, a.key(t, c))
	a.connect(t, c)
	assert.Equal(t, keyFor(t, assertion.ES384).Thumbprint(), a.key(t, c), "a consent takes the Key")
}

// A program of before, or a config that lost its Proof, must not lose accounts: nothing is
// sent that the provider must refuse.
func TestAccountOutlivesAConfigWithoutItsKey(t *testing.T) {
	fixed := newDPoP(t, assertion.DPoPConfig{Key: keyFor(t, assertion.ES384)})
	own := newDPoP(t, assertion.DPoPConfig{})
	for name, test := range map[string]struct{ is, then connectorauth.Proof }{
		"no Proof": {own, nil}, "no Proof after a Key": {fixed, nil}, "no Key": {fixed, own},
	} {
		t.Run(name, func(t *testing.T) {
			a := newDPoPAccount(t, authtest.Config{}, test.is)
			a.connect(t, a.open(t))
			requests := a.Stats().TokenRequests
			a.config.Proof = test.then
			err := a.open(t).Renew(t.Context())
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			require.ErrorContains(t, err, "bound to a key")
			assert.Equal(t, requests, a.Stats().TokenRequests)
			a.config.Proof = test.is
			c := a.open(t)
			require.NoError(t, c.Renew(t.Context()))
			assert.NotEmpty(t, a.key(t, c))
		})
	}
}

// No other proof helps a request that has none.
func TestBearerRequestIsNotSentAgainForAProof(t *testing.T) {
	for _, code := range []string{"use_dpop_nonce", "invalid_dpop_proof"} {
		a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{AllowBearer: true}))
		a.Inject(a.TokenURL, authtest.Always, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("DPoP")
				next.ServeHTTP(w, r)
			})
		})
		a.config.Grant = connectorauth.ClientCredentials{}
		a.config.ClientSecret = "unused"
		c := a.open(t)
		a.Inject(a.TokenURL, 1, authtest.Answer(200, nil, `{"access_token":"bearer-token","token_type":"Bearer"}`))
		header := http.Header{"Dpop-Nonce": {"n"}, "Www-Authenticate": {`DPoP error="` + code + `"`}}
		a.Inject(a.BearerURL, authtest.Always, authtest.Answer(401, header, "refused"))
		resp, err := connectorauth.NewClient(c, a.Client()).Get(a.BearerURL)
		require.NoError(t, err)
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		assert.Equal(t, 401, resp.StatusCode)
		assert.Len(t, a.Requests(a.BearerURL), 1, code)
	}
}

// The URL of a proof is that of the request line, also where the caller wrote the path.
func TestProofOfAnOpaqueURL(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{})
	key := must(d.NewKey())
	for opaque, want := range map[string]string{
		"/a%2Fb":                  "https://api.example.com/a%2Fb",
		"/a%2Fb?x=1":              "https://api.example.com/a%2Fb",
		"//api.example.com/a%2Fb": "https://api.example.com/a%2Fb",
		"//api.example.com":       "https://api.example.com/",
		"//api.example.com/a?x#y": "https://api.example.com/a",
	} {
		req := &http.Request{Method: "GET", Header: http.Header{}, URL: &url.URL{Scheme: "https", Host: "api.example.com", Opaque: opaque, RawQuery: "page=2"}}
		require.NoError(t, d.Prove(req, key, "token"))
		assert.Equal(t, want, proofClaims(t, req)["htu"], opaque)
		assert.False(t, strings.Contains(req.Header.Get("DPoP"), " "))
	}
}

// A header of the caller's is replaced however the caller spells the name (I7).
func TestProofOfTheCallerIsReplaced(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	a.connect(t, c)
	for _, name := range []string{"Dpop", "DPoP", "dpop", "DPOP"} {
		req := must(http.NewRequest("GET", a.BearerURL, nil))
		req.Header[name] = []string{"the caller's"}
		resp, err := connectorauth.NewClient(c, a.Client()).Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode, name)
		assert.Equal(t, []string{"the caller's"}, req.Header[name])
	}
}

// Each hop within Hosts has a proof of its own, and a hop elsewhere has none (RFC 9449
// section 4.2, I2).
func TestRedirectedRequestHasAProofOfItsOwn(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	c := a.open(t)
	a.connect(t, c)
	var seen []*http.Request
	base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
		seen = append(seen, r)
		resp := fakehttp.Respond(307, "")
		switch len(seen) {
		case 1:
			resp.Header.Set("Location", "/b?x=1#y")
		case 2:
			resp.Header.Set("Location", "https://evil.example/c")
		case 3:
			resp.Header.Set("Location", "https://api.example.com/d")
		default:
			resp = fakehttp.Respond(200, "")
		}
		resp.Header.Set("DPoP-Nonce", fmt.Sprint("nonce-", len(seen)))
		return resp, nil
	})
	req := must(http.NewRequest("POST", "https://api.example.com/a", strings.NewReader("body")))
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Len(t, seen, 4)
	assert.Equal(t, "https://api.example.com/a", proofClaims(t, seen[0])["htu"])
	second := proofClaims(t, seen[1])
	assert.Equal(t, "https://api.example.com/b", second["htu"])
	assert.Equal(t, "nonce-1", second["nonce"])
	for _, r := range seen[2:] {
		assert.Empty(t, r.Header["Dpop"])
		assert.Empty(t, r.Header["Authorization"])
	}
	resp, err = connectorauth.NewClient(c, &http.Client{Transport: base}).Get("https://evil.example/c")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, "", proofClaims(t, seen[4])["nonce"], "a nonce of a response without credentials is nobody's")
}

// The key of the first proof is not lost with a response that has a refresh token alone:
// the refresh token is bound to the key.
func TestKeyOfARotationIsKept(t *testing.T) {
	for name, change := range map[string]func(response map[string]any){
		"no access token":       func(response map[string]any) { delete(response, "access_token") },
		"a useless one":         func(response map[string]any) { response["access_token"] = "a b" },
		"of a type without use": func(response map[string]any) { response["token_type"] = "mac" },
	} {
		t.Run(name, func(t *testing.T) {
			a := newDPoPAccount(t, authtest.Config{}, nil)
			a.connect(t, a.open(t)) // before the program had a Proof
			a.config.Proof = newDPoP(t, assertion.DPoPConfig{})
			c := a.open(t)
			a.Inject(a.TokenURL, 1, authtest.EditAnswer(change))
			require.Error(t, c.Renew(t.Context()))
			c = a.open(t)
			require.NoError(t, c.Renew(t.Context()))
			assert.NotEmpty(t, a.key(t, c))
		})
	}
}

// A grant that needs no owner helps itself.
func TestPasswordHelpsWhereTheKeyIsGone(t *testing.T) {
	a := newDPoPAccount(t, authtest.Config{}, newDPoP(t, assertion.DPoPConfig{}))
	a.config.Grant = connectorauth.PasswordCredentials{Username: a.Username, Password: connectorauth.Secret(a.Password)}
	assert.NotEmpty(t, a.key(t, a.open(t)))
	a.config.Proof = nil
	c := a.open(t)
	require.NoError(t, c.Renew(t.Context()))
	assert.Empty(t, a.key(t, c))
	assert.Zero(t, a.Stats().Issued["refresh_token"])
}
