package doors_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/doors"
	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oauthInMemory starts an authorization server and an API in a bubble.
func oauthInMemory(t *testing.T, name string) (*oauth, *http.Client) {
	var s *oauth
	w := door{name, func(w *world) http.Handler { s = newOAuthServer(w); return s }}.openInMemory(t)
	return s, connectorauth.NewClient(w.open(t, nil), &http.Client{Transport: w.transport})
}

func TestVerifierOfTheTestsKnowsRFC7515(t *testing.T) { // appendix A.3
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	point := append([]byte{4}, decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")...)
	point = append(point, decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	require.NoError(t, err)
	const signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	_, claims, err := verified(signed, key)
	require.NoError(t, err)
	assert.Equal(t, "joe", claims["iss"])
	_, _, err = verified(signed[:len(signed)-2]+"AA", key)
	assert.Error(t, err)
}

func TestRefusedAssertionIsAskedForAgainAfterAPause(t *testing.T) {
	for _, name := range []string{"JWT bearer", "private_key_jwt"} {
		synctest.Test(t, func(t *testing.T) {
			s, client := oauthInMemory(t, name)
			s.answer = func(w http.ResponseWriter, r *http.Request) bool { s.refuse(w, r, "invalid_grant"); return true }
			for range 10 {
				_, err := client.Get(s.API)
				require.ErrorContains(t, err, "invalid_grant")
			}
			assert.Equal(t, 1, s.arrived())
			s.answer = nil
			time.Sleep(2 * time.Minute)
			assert.Equal(t, 200, post(t, client, s.API, ""), "no person has to help")
		})
	}
}

func TestAssertionIsForTheIssuerIfThereIsOne(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := doors.NewKey(private, "")
	require.NoError(t, err)
	for _, test := range []struct{ audience, issuer, want string }{
		{"", "", "https://login.example.test/token"},
		{"", "https://login.example.test", "https://login.example.test"},
		{"https://other.example.test", "https://login.example.test", "https://other.example.test"},
	} {
		auth, err := doors.NewPrivateKeyJWT(key, test.audience)
		require.NoError(t, err)
		r := &connectorauth.TokenRequest{
			ClientID: "client", Endpoint: "https://login.example.test/token", Issuer: test.issuer, Params: map[string][]string{},
		}
		require.NoError(t, auth.Authenticate(t.Context(), r))
		header, claims, err := verified(r.Params.Get("client_assertion"), &private.PublicKey)
		require.NoError(t, err)
		assert.Equal(t, test.want, claims["aud"])
		assert.NotContains(t, header, "kid")
	}
}

func TestConfigsOfOAuthDoorsAreChecked(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for _, private := range []*ecdsa.PrivateKey{nil, p384} {
		_, err = doors.NewKey(private, "")
		assert.ErrorContains(t, err, "P-256")
	}
	_, err = doors.NewJWTBearer(doors.JWTBearerConfig{})
	for _, field := range []string{"Key", "Issuer", "Subject", "Audience"} {
		assert.ErrorContains(t, err, field+": is empty")
	}
	_, err = doors.NewPrivateKeyJWT(nil, "")
	assert.Error(t, err)
}

func TestKeyPrintsItsTypeOnly(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := doors.NewKey(private, "k1")
	require.NoError(t, err)
	bearer, err := doors.NewJWTBearer(doors.JWTBearerConfig{Key: key, Issuer: "i", Subject: "s", Audience: "a"})
	require.NoError(t, err)
	auth, err := doors.NewPrivateKeyJWT(key, "")
	require.NoError(t, err)
	secret := private.D.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		assert.Equal(t, "doors.Key", fmt.Sprintf(verb, key))
		config := connectorauth.OAuth2Config{Grant: bearer, ClientAuth: auth}
		assert.NotContains(t, fmt.Sprintf(verb, config), secret)
		assert.NotContains(t, fmt.Sprintf(verb, bearer), secret)
		assert.NotContains(t, fmt.Sprintf(verb, auth), secret)
	}
}
