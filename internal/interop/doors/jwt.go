package doors

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Key signs JSON Web Tokens with ES256 (RFC 7518 section 3.4). A Key is
// immutable and prints only its type.
type Key struct {
	id      string
	private *ecdsa.PrivateKey
}

// NewKey returns a key for JSON Web Tokens. private must be on the curve P-256.
// id is the name of the key at the server (kid). Empty means no name.
func NewKey(private *ecdsa.PrivateKey, id string) (*Key, error) {
	if private == nil || private.Curve != elliptic.P256() {
		return nil, errors.New("doors: private: ES256 needs a key on the curve P-256")
	}
	return &Key{id, private}, nil
}

// Format prints the type for every verb.
func (*Key) Format(f fmt.State, _ rune) { io.WriteString(f, "doors.Key") }

// jwk returns the public key as a JSON Web Key (RFC 7517).
func (k *Key) jwk() (map[string]string, error) {
	point, err := k.private.PublicKey.Bytes() // 4, then x and y with 32 bytes each
	if err != nil {
		return nil, err
	}
	return map[string]string{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}, nil
}

// sign returns a JSON Web Token (RFC 7515 section 7.1). sign adds alg to header.
func (k *Key) sign(header, claims map[string]any) (string, error) {
	header["alg"] = "ES256"
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode(h) + "." + encode(c)
	hash := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, hash[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode(signature[:]), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// assertionLifetime is how long an assertion is valid. An assertion is used at
// once, so the time covers the difference of two clocks.
const assertionLifetime = time.Minute

// assertion returns a new assertion (RFC 7523 section 3). The jti makes each
// assertion different, for servers that accept an assertion once.
func (k *Key) assertion(issuer, subject, audience string) (string, error) {
	now := time.Now()
	header := map[string]any{"typ": "JWT"}
	if k.id != "" {
		header["kid"] = k.id
	}
	return k.sign(header, map[string]any{
		"iss": issuer, "sub": subject, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(),
	})
}
