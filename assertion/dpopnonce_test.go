package assertion_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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

func TestRefusalOfAProofRenewsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		header       http.Header
		sends, total int // for the first request, and for two
	}{
		"the same nonce for ever": {http.Header{"Dpop-Nonce": {"fresh"}, "Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}, 2, 3},
		"no nonce":                {http.Header{"Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}, 1, 2},
		"two nonces":              {http.Header{"Dpop-Nonce": {"a", "b"}, "Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}, 1, 2},
		"an invalid proof":        {http.Header{"Www-Authenticate": {`DPoP error="invalid_dpop_proof"`}}, 2, 4},
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
			assert.Len(t, a.Requests(a.BearerURL), test.total, "a nonce that the proof had is no reason to repeat")
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

// An origin is scheme, host and port, however they are spelled.
func TestNonceIsThatOfTheOrigin(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{})
	key := must(d.NewKey())
	give := func(url string) {
		d.Again(&http.Response{StatusCode: 200, Header: http.Header{"Dpop-Nonce": {url[:5]}}, Body: http.NoBody, Request: must(http.NewRequest("GET", url, nil))})
	}
	give("https://API.example.com:443/a")
	give("http://api.example.com:80/")
	for url, want := range map[string]string{
		"https://api.example.com/b": "https", "https://api.example.COM:443": "https", "http://api.example.com": "http:",
		"https://api.example.com:8443/": "", "https://api.example.com:80/": "", "https://other.example.com": "",
	} {
		req := must(http.NewRequest("GET", url, nil))
		require.NoError(t, d.Prove(req, key, ""))
		assert.Equal(t, want, proofClaims(t, req)["nonce"], url)
	}
}

// Only an API's 401 proves that the request was not carried out.
func TestInvalidProofIsRepeatedAfterA401Alone(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{})
	key := must(d.NewKey())
	for status, again := range map[int]bool{401: true, 400: false, 403: false, 200: false} {
		req := must(http.NewRequest("GET", "https://api.example.com", nil))
		resp := &http.Response{
			StatusCode: status, Header: http.Header{"Www-Authenticate": {`DPoP error="invalid_dpop_proof"`}}, Body: http.NoBody, Request: req,
		}
		assert.False(t, d.Again(resp), "without a proof: %d", status)
		require.NoError(t, d.Prove(req, key, "token"))
		assert.Equal(t, again, d.Again(resp), status)
	}
}

// The device, the polls and the API see one key.
func TestDeviceWithAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newDPoPAccount(t, authtest.Config{RequireDPoP: true, DPoPNonce: true}, newDPoP(t, assertion.DPoPConfig{}))
		defer a.Close()
		a.config.Grant = connectorauth.DeviceCode{DeviceURL: a.DeviceURL}
		prompt, pending, err := a.open(t).BeginDevice(t.Context())
		require.NoError(t, err)
		require.NoError(t, a.AuthorizeDevice(prompt.UserCode))
		require.NoError(t, a.open(t).FinishDevice(t.Context(), pending))
		key := a.key(t, a.open(t))
		assert.NotEmpty(t, key)
		var text struct {
			Key connectorauth.Secret `json:"key"`
		}
		require.NoError(t, json.Unmarshal([]byte(pending), &text))
		bound, err := newDPoP(t, assertion.DPoPConfig{}).Bind(text.Key)
		require.NoError(t, err)
		assert.Equal(t, bound.Get("dpop_jkt"), key)
	})
}
