package authtest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// accessKeyID is the kid of the key that signs access tokens.
const accessKeyID = "access"

// signer signs access tokens as JWTs (RFC 9068), by ES256.
type signer struct {
	key              *ecdsa.PrivateKey
	owners           owners
	issuer, clientID string
}

func newSigner(owners owners, issuer, clientID string) *signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("authtest: cannot make a key: " + err.Error())
	}
	return &signer{key, owners, issuer, clientID}
}

// sign returns an access token of a user. The subject is the ID or the name of the user,
// and without a user the application (RFC 9068 section 2.2).
func (s *signer) sign(user, scope string, issued, expires time.Time) string {
	subject := cmp.Or(s.owners.identity("", user).ID, user, s.clientID)
	claims := map[string]any{
		"iss": s.issuer, "aud": s.issuer, "sub": subject, "client_id": s.clientID,
		"iat": issued.Unix(), "exp": expires.Unix(), "jti": rand.Text(),
	}
	if scope != "" {
		claims["scope"] = scope
	}
	signed := encodePart(map[string]any{"typ": "at+jwt", "alg": "ES256", "kid": accessKeyID}) + "." + encodePart(claims)
	digest := sha256.Sum256([]byte(signed))
	r, t, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		panic("authtest: cannot sign: " + err.Error())
	}
	signature := make([]byte, 64) // RFC 7518 section 3.4
	r.FillBytes(signature[:32])
	t.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encodePart(part map[string]any) string {
	text, _ := json.Marshal(part) // texts and numbers
	return base64.RawURLEncoding.EncodeToString(text)
}

// serveKeys serves the public key as a JWK Set (RFC 7517 section 5).
func (s *signer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	if s == nil {
		http.Error(w, "authtest: access tokens are JWTs with Config.JWTAccessTokens only", http.StatusNotFound)
		return
	}
	point, err := s.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		panic("authtest: the key is not on its curve: " + err.Error())
	}
	coordinate := base64.RawURLEncoding.EncodeToString
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": accessKeyID, "x": coordinate(point[1:33]), "y": coordinate(point[33:]),
	}}})
}
