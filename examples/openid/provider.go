package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// A provider stands for a real one: authtest, which gives an ID token with each access token.
type provider struct {
	*authtest.Provider
	keys   *httptest.Server // the provider's public keys
	signer jose.Signer
	nonce  string               // of the latest consent
	change func(map[string]any) // what a test changes in an ID token; may be nil
}

func newProvider() *provider {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	public := must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}}))
	p := &provider{
		Provider: authtest.New(authtest.Config{SendIssuer: true}),
		signer:   must(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: "1"}}, nil)),
		keys: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write(public)
		})),
	}
	p.Inject(p.OpenIDMetadataURL, authtest.Always, authtest.EditAnswer(func(metadata map[string]any) {
		metadata["jwks_uri"], metadata["id_token_signing_alg_values_supported"] = p.keys.URL, []string{"ES256"}
	}))
	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
		response["id_token"] = p.idToken(response["access_token"].(string))
	}))
	return p
}

func (p *provider) close() {
	p.keys.Close()
	p.Close()
}

// client is the client that is registered at p. Its person presses Allow.
func (p *provider) client() client {
	return client{issuer: p.URL, id: p.ClientID, secret: connectorauth.Secret(p.ClientSecret), http: p.Client(), open: func(authURL string) error {
		asked, err := url.Parse(authURL)
		if err != nil {
			return err
		}
		p.nonce = asked.Query().Get("nonce")
		callback, err := p.Authorize(authURL)
		if err != nil {
			return err
		}
		go func() {
			if resp, err := http.Get(callback.String()); err == nil {
				resp.Body.Close()
			}
		}()
		return nil
	}}
}

// idToken signs an ID token (OpenID Connect Core sections 2 and 3.1.3.6).
func (p *provider) idToken(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	claims := map[string]any{
		"iss": p.URL, "sub": "248289761001", "aud": p.ClientID, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"nonce": p.nonce, "at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]), "email": "alice@example.com",
	}
	if p.change != nil {
		p.change(claims)
	}
	return must(jwt.Signed(p.signer).Claims(claims).Serialize())
}

// must returns v, and ends the program if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
