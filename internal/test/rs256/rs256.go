// Package rs256 is the server's side of an assertion: it verifies a JWT that a client
// has signed by RS256, for examples that bring their own service.
package rs256

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// Claims are what an assertion says (RFC 7519 section 4.1).
type Claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Scope    string `json:"scope"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// Verify returns the claims of an assertion that key has signed, that is valid now, and
// that lives no longer than longest.
func Verify(assertion string, key *rsa.PublicKey, longest time.Duration) (c Claims, err error) {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return c, errors.New("a JWT has three parts")
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err := errors.Join(err, decode(parts[0], &header), decode(parts[1], &c)); err != nil {
		return c, err
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := time.Now().Unix()
	switch {
	case header.Algorithm != "RS256":
		return c, errors.New("the algorithm is not RS256")
	case rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil:
		return c, errors.New("the signature is wrong")
	case c.Issued > now || c.Expires <= now:
		return c, errors.New("the JWT is not valid now")
	case time.Duration(c.Expires-c.Issued)*time.Second > longest:
		return c, errors.New("the JWT lives too long")
	}
	return c, nil
}

// decode decodes JSON in base64url.
func decode(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
