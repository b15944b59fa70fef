package assertion_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusal returns a response to req.
func refusal(req *http.Request, status int, header http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}
}

// A client authentication by a Bearer token is no Bearer access token.
func TestRequestToTheProviderWithABearerTokenHasAProof(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{AllowBearer: true})
	req := must(http.NewRequest("POST", "https://login.example.com/token", nil))
	req.Header.Set("Authorization", "Bearer of-the-client")
	require.NoError(t, d.Prove(req, must(d.NewKey()), ""))
	assert.NotEmpty(t, req.Header.Get("DPoP"))
}

// RFC 9449 section 8.1 has the characters of a nonce.
func TestNonceHasCharactersOfRFC9449(t *testing.T) {
	for nonce, kept := range map[string]bool{
		"!#[]~": true, strings.Repeat("x", 1<<10): true,
		"a b": false, `a\b`: false, "a\x7f": false, "ä": false, strings.Repeat("x", 1<<10+1): false,
	} {
		d := newDPoP(t, assertion.DPoPConfig{})
		key := must(d.NewKey())
		req := must(http.NewRequest("GET", "https://api.example.com", nil))
		d.Again(refusal(req, 200, http.Header{"Dpop-Nonce": {nonce}}, ""))
		require.NoError(t, d.Prove(req, key, "token"))
		assert.Equal(t, map[bool]string{true: nonce, false: ""}[kept], proofClaims(t, req)["nonce"], "%.20q", nonce)
	}
}

// The body of a provider's response says what was refused: a challenge beside the body says
// nothing more. A body without an end is not read.
func TestBodyOfARefusalWins(t *testing.T) {
	header := http.Header{"Dpop-Nonce": {"fresh"}, "Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}
	for name, test := range map[string]struct {
		body  string
		again bool
	}{
		"no body":         {"", true},
		"no JSON":         {"<html>", true},
		"the same":        {`{"error":"use_dpop_nonce"}`, true},
		"another refusal": {`{"error":"invalid_grant"}`, false},
		"too long":        {`{"pad":"` + strings.Repeat("x", 64<<10) + `","error":"invalid_grant"}`, true},
	} {
		d := newDPoP(t, assertion.DPoPConfig{})
		req := must(http.NewRequest("POST", "https://login.example.com/token", nil))
		require.NoError(t, d.Prove(req, must(d.NewKey()), ""))
		assert.Equal(t, test.again, d.Again(refusal(req, 400, header, test.body)), name)
	}
}

// The nonces of 4,096 origins are kept.
func TestNoncesOfAtMost4096Origins(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{Algorithm: assertion.EdDSA})
	key, kept := must(d.NewKey()), 0
	const origins = 4096 + 1000
	at := func(n int) *http.Request {
		return must(http.NewRequest("GET", fmt.Sprintf("https://a%d.example.com", n), nil))
	}
	for n := range origins {
		d.Again(refusal(at(n), 200, http.Header{"Dpop-Nonce": {"nonce"}}, ""))
	}
	for n := range origins {
		req := at(n)
		require.NoError(t, d.Prove(req, key, ""))
		if proofClaims(t, req)["nonce"] == "nonce" {
			kept++
		}
	}
	assert.Equal(t, 4096, kept)
}

// A clock that follows a server is given up where the server refuses the proof all the same,
// however long the response takes and whichever way the clock is wrong.
func TestClockThatDoesNotHelpIsGivenUp(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d := newDPoP(t, assertion.DPoPConfig{})
			key := must(d.NewKey())
			issued := func(takes time.Duration) time.Duration {
				req := must(http.NewRequest("GET", "https://api.example.com", nil))
				require.NoError(t, d.Prove(req, key, "token"))
				ahead := time.Until(time.Unix(int64(proofClaims(t, req)["iat"].(float64)), 0))
				time.Sleep(takes)
				header := http.Header{"Date": {time.Now().Add(skew).UTC().Format(http.TimeFormat)}, "Www-Authenticate": {`DPoP error="invalid_dpop_proof"`}}
				require.True(t, d.Again(refusal(req, 401, header, "")))
				return ahead
			}
			assert.Zero(t, issued(5*time.Second))
			assert.Equal(t, skew, issued(20*time.Second))
			assert.Zero(t, issued(0), "the correction has not helped")
		})
	}
}

// Two requests are under way, and both are refused: the second refusal keeps the clock that
// the first one has set.
func TestClockOfTwoRequestsAtATime(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		d := newDPoP(t, assertion.DPoPConfig{})
		key := must(d.NewKey())
		prove := func() *http.Request {
			req := must(http.NewRequest("GET", "https://api.example.com", nil))
			require.NoError(t, d.Prove(req, key, "token"))
			return req
		}
		header := http.Header{"Date": {time.Now().Add(skew).UTC().Format(http.TimeFormat)}, "Www-Authenticate": {`DPoP error="invalid_dpop_proof"`}}
		for _, req := range []*http.Request{prove(), prove()} {
			require.True(t, d.Again(refusal(req, 401, header, "")))
		}
		ahead := time.Until(time.Unix(int64(proofClaims(t, prove())["iat"].(float64)), 0))
		assert.InDelta(t, skew.Seconds(), ahead.Seconds(), 10)
	}
}
