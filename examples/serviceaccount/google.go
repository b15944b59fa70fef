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

	"github.com/connectorauth/connectorauth/internal/test/rs256"
)

const (
	robot = "robot@demo.iam.gserviceaccount.com"
	scope = "https://www.googleapis.com/auth/devstorage.read_only"
)

// google stands in for Google's token endpoint and one API, with one service account.
type google struct {
	*httptest.Server
	key *rsa.PrivateKey

	mu     sync.Mutex
	tokens map[string]bool
}

// newGoogle starts the stand-in.
func newGoogle() *google {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	g := &google{key: key, tokens: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.token)
	mux.HandleFunc("GET /storage/v1/b", g.buckets)
	g.Server = httptest.NewServer(mux)
	return g
}

// keyFile returns what Google gives when an administrator creates a key.
func (g *google) keyFile() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(g.key)
	if err != nil {
		log.Fatal(err)
	}
	text, err := json.MarshalIndent(map[string]string{
		"type":            "service_account",
		"project_id":      "demo",
		"private_key_id":  "0123456789abcdef",
		"private_key":     string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":    robot,
		"client_id":       "100000000000000000000",
		"token_uri":       g.URL + "/token",
		"universe_domain": "googleapis.com",
	}, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	return text
}

// token exchanges an assertion for an access token.
func (g *google) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	claims, err := rs256.Verify(r.PostFormValue("assertion"), &g.key.PublicKey, time.Hour)
	if err != nil || r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" ||
		claims.Issuer != robot || claims.Audience != g.URL+"/token" || claims.Scope != scope {
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`))
		return
	}
	token := "ya29." + rand.Text()
	g.mu.Lock()
	g.tokens[token] = true
	g.mu.Unlock()
	json.NewEncoder(w).Encode(map[string]any{"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
}

// buckets is the API.
func (g *google) buckets(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.mu.Lock()
	known := g.tokens[token]
	g.mu.Unlock()
	if !known {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
	}
}
