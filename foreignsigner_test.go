package connectorauth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	dghubble "github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spoiltSigner is a signature of foreign code.
type spoiltSigner struct{ fail func(secret string) error }

func (spoiltSigner) Name() string { return "SPOILT" }
func (s spoiltSigner) Sign(tokenSecret, _ string) (string, error) {
	return "", s.fail(tokenSecret + " " + clientSecret)
}

// spoiltKey is an RSA key in a device that fails.
type spoiltKey struct {
	crypto.Signer
	fail func(secret string) error
}

func (k spoiltKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, k.fail(clientSecret)
}

func TestForeignSignaturesThatPanicOrQuoteTheirSecret(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	for name, fail := range map[string]func(string) error{"quote": quoting, "panic": func(secret string) error { panic(secret) }} {
		for kind, config := range map[string]connectorauth.OAuth1Config{
			"Signer":     {Signer: spoiltSigner{fail: fail}},
			"PrivateKey": {SignatureMethod: dialect.RSASHA256, PrivateKey: spoiltKey{key, fail}},
		} {
			config.ClientID, config.ClientSecret, config.Token, config.TokenSecret = "client", clientSecret, "token", tokenSecret
			for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InBody} {
				config.In = in
				var sent fakehttp.Bodies
				_, err := must(connectorauth.NewOAuth1(config)).Wrap(&fakehttp.Base{}).RoundTrip(
					sent.Request(t, http.MethodPost, home, "application/x-www-form-urlencoded", "a=b", true))
				require.Error(t, err, kind+name)
				assert.Empty(t, canary.Found(err.Error(), clientSecret, tokenSecret), kind+name)
				assert.Equal(t, name == "quote", errors.Is(err, errBroken), "%v", err)
				sent.RequireClosedOnce(t)
			}
			config.Token, config.TokenSecret, config.In = "", "", ""
			config.RequestTokenURL, config.AuthorizeURL, config.AccessTokenURL = providerURL+"/request", providerURL+"/authorize", providerURL+"/access"
			_, _, err := must(connectorauth.NewOAuth1(config)).Begin(t.Context(), redirectURL)
			require.Error(t, err, kind+name)
			assert.Empty(t, canary.Found(err.Error(), clientSecret), kind+name)
		}
	}
}

// nameless is a Signer, and a key, that panics when it is asked what it is.
type nameless struct{ dghubble.Signer }

func (nameless) Name() string { panic(clientSecret) }

type faceless struct{ crypto.Signer }

func (faceless) Public() crypto.PublicKey { panic(clientSecret) }

func TestSignerThatPanicsAtOnceIsAMistakeOfTheConfig(t *testing.T) {
	for field, config := range map[string]connectorauth.OAuth1Config{
		"Signer": {Signer: nameless{}}, "PrivateKey": {SignatureMethod: dialect.RSASHA256, PrivateKey: faceless{}},
	} {
		config.ClientID, config.ClientSecret = "client", clientSecret
		_, err := connectorauth.NewOAuth1(config)
		require.ErrorContains(t, err, field+": panic")
		assert.Empty(t, canary.Found(err.Error(), clientSecret))
	}
}
