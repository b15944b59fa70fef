package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/rs256"
)

// clientID names the app.
const clientID = "Iv23liDemo"

// github stands in for GitHub, with one app that is installed once.
type github struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu      sync.Mutex
	tokens  map[string]bool
	removed bool // the account owner has removed the app
}

// newGitHub starts the stand-in, and returns the private key that GitHub gives for the app.
func newGitHub() (*github, connectorauth.Secret) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	g := &github{key: key, tokens: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /app/installations/4711/access_tokens", g.accessTokens)
	mux.HandleFunc("GET /", g.api)
	g.Server = httptest.NewServer(mux)
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return g, connectorauth.Secret(pemKey)
}

// bearer returns the token of a request.
func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// accessTokens gives the app a token of its installation.
func (g *github) accessTokens(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	claims, err := rs256.Verify(bearer(r), &g.key.PublicKey, 10*time.Minute)
	switch {
	case err != nil || claims.Issuer != clientID:
		w.WriteHeader(http.StatusUnauthorized)
		return
	case g.removed:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	token := "ghs_" + rand.Text()
	g.tokens[token] = true
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
}

// api wants an installation token. The path /forget-tokens ends all tokens.
func (g *github) api(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.tokens[bearer(r)] {
		w.WriteHeader(http.StatusUnauthorized)
	}
	if r.URL.Path == "/forget-tokens" {
		clear(g.tokens)
	}
}
