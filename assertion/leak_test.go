package assertion_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A private key that is given as a Signer prints as little as one that is given as text.
func TestConfigPrintsNoKey(t *testing.T) {
	private := privates["RSA"].(*rsa.PrivateKey)
	config := assertion.KeyConfig{Signer: private, ID: "k1", Private: "secret-word", Secret: "secret-word"}
	key := keyFor(t, assertion.RS256)
	edwards := assertion.KeyConfig{Signer: privates["Ed25519"]}
	values := []any{config, &config, edwards, key, *key,
		assertion.JWTConfig{Key: key}, assertion.JWTBearerConfig{Key: key}, assertion.ClientAuthConfig{Key: key},
		must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: assertion.Claims{Issuer: "i", Audience: "a"}})),
		assertion.Token{Value: "secret-word", Type: "t"},
		assertion.GoogleConfig{File: "secret-word"},
	}
	for _, value := range values {
		var all strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&all, verb+"\n", value)
			fmt.Fprintf(&all, verb+"\n", []any{value})
		}
		text, _ := json.Marshal(value)
		all.Write(text)
		slog.New(slog.NewTextHandler(&all, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&all, nil)).Info("x", "value", value)
		for _, secret := range []string{"secret-word", fmt.Sprintf("%x", "secret-word"), private.D.String(), strings.Trim(fmt.Sprint(privates["Ed25519"].(ed25519.PrivateKey).Seed()), "[]"), private.Primes[0].String(), fmt.Sprintf("%x", private.D), fmt.Sprintf("%d", new(big.Int).Set(private.D).Bits())} {
			assert.NotContains(t, all.String(), secret, "%T", value)
		}
	}
}

// What a function returns beside an error shows nowhere.
func TestErrorThatQuotesATokenIsWithheld(t *testing.T) {
	err := errors.New("the file has secret-word.of.a.pod in it")
	grants := []connectorauth.Grant{
		must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: func(context.Context) (connectorauth.Secret, error) { return "secret-word.of.a.pod", err }})),
		must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{Subject: func(context.Context) (assertion.Token, error) {
			return assertion.Token{Value: "secret-word.of.a.pod"}, err
		}})),
	}
	for _, grant := range grants {
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", TokenURL: "https://login.example.test/token", Grant: grant, ClientAuth: assertion.NoClientAuth{}, Shared: new(connectorauth.Shared),
		}))
		_, got := c.Token(t.Context())
		require.ErrorIs(t, got, err)
		assert.NotContains(t, got.Error(), "secret-word")
	}
}

// A Key that NewKey has not made signs nothing, and says so at construction.
func TestEmptyKeyIsRefused(t *testing.T) {
	key, claims := new(assertion.Key), assertion.Claims{Issuer: "i", Audience: "a"}
	_, err := assertion.NewJWT(assertion.JWTConfig{Key: key, Claims: claims})
	assert.ErrorContains(t, err, "Key: is empty; use NewKey")
	_, err = assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: claims})
	assert.ErrorContains(t, err, "Key: is empty; use NewKey")
	_, err = assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: "a"}})
	assert.ErrorContains(t, err, "Key: is empty; use NewKey")
	assert.Empty(t, key.Algorithm())
	assert.Empty(t, key.PublicJWK())
	assert.Empty(t, key.Thumbprint())
	assert.Empty(t, key.Fingerprint())
}

// What is not text would be signed as another text.
func TestClaimsThatAreNoTextAreRefused(t *testing.T) {
	key := keyFor(t, assertion.ES256)
	for field, claims := range map[string]assertion.Claims{
		"Claims.Issuer":   {Issuer: "alice\xff", Audience: "a"},
		"Claims.Subject":  {Issuer: "i", Subject: "line\nbreak", Audience: "a"},
		"Claims.Audience": {Issuer: "i", Audience: "a\x00"},
		`"b64"`:           {Issuer: "i", Audience: "a", Header: map[string]any{"b64": false}},
	} {
		_, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: claims})
		assert.ErrorContains(t, err, field)
	}
	_, err := assertion.NewKey(assertion.KeyConfig{Private: pemOf(privates["P-256"]), ID: "k\xff"})
	assert.ErrorContains(t, err, "ID: ")
}

// Claims are a snapshot, however deep, and numbers stay what they are.
func TestClaimsAreASnapshot(t *testing.T) {
	roles, inner := []string{"reader"}, map[string]any{"big": int64(1)<<60 + 1}
	grant := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: keyFor(t, assertion.ES256), Claims: assertion.Claims{
		Issuer: "i", Audience: "a", More: map[string]any{"roles": roles, "inner": inner}, Header: map[string]any{"x": roles},
	}}))
	roles[0], inner["big"] = "admin", 2
	r := &connectorauth.TokenRequest{Params: map[string][]string{}}
	require.NoError(t, grant.Parameters(t.Context(), r))
	header, claims := decoded(t, r.Params.Get("assertion"))
	assert.Equal(t, []any{"reader"}, claims["roles"])
	assert.Equal(t, []any{"reader"}, header["x"])
	assert.Contains(t, payloadOf(t, r.Params.Get("assertion")), `"big":1152921504606846977`)
}

// A Date that is wrong, as that of a cache, does not lock the connector out.
func TestJWTGivesUpACorrectionThatDoesNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuses := true
		base := &fakehttp.Base{Answer: func(r *http.Request) (*http.Response, error) {
			_, claims := decoded(t, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			off := int64(claims["iat"].(float64)) + 10 - time.Now().Unix()
			resp := fakehttp.Respond(200, "")
			if refuses || off < -60 || off > 60 {
				resp = fakehttp.Respond(401, "")
			}
			resp.Header.Set("Date", time.Now().Add(-5*time.Hour).UTC().Format(http.TimeFormat))
			return resp, nil
		}}
		jwt := must(assertion.NewJWT(assertion.JWTConfig{Key: keyFor(t, assertion.ES256), Claims: assertion.Claims{Issuer: "i"}, Hosts: []string{"api.example.test"}}))
		client := connectorauth.NewClient(jwt, &http.Client{Transport: base})
		call := func() int {
			resp, err := client.Get("https://api.example.test/")
			require.NoError(t, err)
			resp.Body.Close()
			return resp.StatusCode
		}
		require.Equal(t, 401, call())
		refuses = false // the key is registered now
		time.Sleep(time.Minute)
		assert.Equal(t, 200, call())
	})
}

// slowSigner is a KMS that does not come back, or fails.
type slowSigner struct {
	crypto.Signer
	wait chan struct{}
}

func (s slowSigner) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	<-s.wait
	return s.Signer.Sign(r, digest, o)
}

// A signer has no context. The caller leaves with its own, and requests do not wait for
// ever.
func TestSignerThatDoesNotComeBackKeepsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := make(chan struct{})
		key := must(assertion.NewKey(assertion.KeyConfig{Signer: slowSigner{privates["P-256"], wait}}))
		claims := assertion.Claims{Issuer: "i", Audience: "a"}
		jwt := must(assertion.NewJWT(assertion.JWTConfig{Key: key, Claims: claims}))
		oauth2 := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", TokenURL: "https://login.example.test/token", Shared: new(connectorauth.Shared),
			Grant: must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: claims})),
		}))
		for _, c := range []connectorauth.Connector{jwt, oauth2} {
			client := connectorauth.NewClient(c, &http.Client{Transport: &fakehttp.Base{}})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.test/", nil)
			require.NoError(t, err)
			_, err = client.Do(req)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			cancel()
			began := time.Now()
			_, err = client.Get("https://api.example.test/")
			assert.Error(t, err)
			assert.Less(t, time.Since(began), 3*time.Minute)
		}
		close(wait)
		synctest.Wait()
	})
}
