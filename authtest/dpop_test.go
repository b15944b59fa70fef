package authtest

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The proofs of RFC 9449, whose key has the thumbprint of section 6.1.
const (
	proofOfSection41 = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	proofOfSection71 = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	keyOfSection61   = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	tokenOfSection71 = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
)

func TestProofsOfRFC9449(t *testing.T) {
	p := New(Config{TLS: true, InMemory: true, ClockSkew: time.Until(time.Unix(1562262616, 0))})
	defer p.Close()
	check := func(method, url, access, proof string) (string, *oauth2Error) {
		r := httptest.NewRequest(method, url, nil)
		r.Header.Set("DPoP", proof)
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.proof(httptest.NewRecorder(), r, access)
	}
	for _, test := range []struct{ method, url, access, proof, refusal string }{
		{http.MethodGet, "https://server.example.com/token", "", proofOfSection41, "htm must be"},
		{http.MethodPost, "https://server.example.com/tokens", "", proofOfSection41, "htu must be"},
		{http.MethodPost, "https://server.example.com/token", "x", proofOfSection41, "ath must be"},
		{http.MethodPost, "https://server.example.com/token", "", proofOfSection41 + "A", "the signature is wrong"},
		{http.MethodPost, "https://server.example.com/token", "", proofOfSection41[:40] + proofOfSection41[41:], "not JSON"},
		{http.MethodPost, "https://server.example.com/token?a=b", "", proofOfSection41, ""},
		{http.MethodPost, "https://server.example.com/token", "", proofOfSection41, "jti must be there, and new"},
		{http.MethodGet, "https://resource.example.org/protectedresource", "", proofOfSection71, "ath is for requests"},
		{http.MethodGet, "https://resource.example.org/protectedresource", tokenOfSection71, proofOfSection71, ""},
	} {
		thumbprint, problem := check(test.method, test.url, test.access, test.proof)
		if test.refusal != "" {
			require.NotNil(t, problem, test.refusal)
			assert.Contains(t, problem.description, test.refusal)
			continue
		}
		require.Nil(t, problem)
		assert.Equal(t, keyOfSection61, thumbprint)
	}
	p.config.ClockSkew = 0
	_, problem := check(http.MethodPost, "https://server.example.com/token", "", proofOfSection41)
	require.NotNil(t, problem)
	assert.Contains(t, problem.description, "iat is more than")
}

func TestKeysThatAreNoPublicKeys(t *testing.T) {
	x := "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"
	for name, jwk := range map[string]map[string]any{
		"a private key":       {"kty": "EC", "crv": "P-256", "x": x, "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA", "d": x},
		"a secret":            {"kty": "oct", "k": x},
		"no key":              nil,
		"not on the curve":    {"kty": "EC", "crv": "P-256", "x": x, "y": x},
		"another curve":       {"kty": "EC", "crv": "P-384", "x": x, "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"},
		"a short RSA key":     {"kty": "RSA", "n": x, "e": "AQAB"},
		"a short Ed25519 key": {"kty": "OKP", "crv": "Ed25519", "x": x[:20]},
	} {
		_, _, problem := publicKey(jwk)
		assert.NotEmpty(t, problem, name)
	}
}
