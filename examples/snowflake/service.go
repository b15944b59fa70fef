package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/rs256"
)

// newSnowflake starts a stand-in for Snowflake, and returns the private key of the one
// user, MYORG-ACCOUNT123.ROBOT.
func newSnowflake() (*httptest.Server, connectorauth.Secret) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		log.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		log.Fatal(err)
	}
	fingerprint := sha256.Sum256(public)
	const user = "MYORG-ACCOUNT123.ROBOT"
	issuer := user + ".SHA256:" + base64.StdEncoding.EncodeToString(fingerprint[:])
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/statements", func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		claims, err := rs256.Verify(token, &key.PublicKey, time.Hour)
		if err != nil || claims.Issuer != issuer || claims.Subject != user ||
			r.Header.Get("X-Snowflake-Authorization-Token-Type") != "KEYPAIR_JWT" {
			http.Error(w, "JWT token is invalid.", http.StatusUnauthorized)
		}
	})
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	return httptest.NewServer(mux), connectorauth.Secret(pemKey)
}
