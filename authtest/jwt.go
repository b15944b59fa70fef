package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// A jwt is an assertion whose signature is right.
type jwt struct {
	kid      string
	issuer   string
	subject  string
	audience string
	id       string
	issued   time.Time
	expires  time.Time
}

// readJWT checks the signature of an assertion (RFC 7515) and its times (RFC 7519),
// by the provider's clock, without any tolerance.
func (p *Provider) readJWT(text string) (*jwt, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errors.New("an assertion has three parts (RFC 7515 section 7.1)")
	}
	var header struct {
		Alg, Kid string
	}
	if err := decodePart(parts[0], &header); err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return nil, errors.New("the signature is not in base64url")
	}
	if err := p.checkSignature(header.Alg, header.Kid, parts[0]+"."+parts[1], signature); err != nil {
		return nil, err
	}
	var claims struct {
		Iss, Sub, Jti string
		Aud           any
		Iat, Exp      json.Number
	}
	if err := decodePart(parts[1], &claims); err != nil {
		return nil, fmt.Errorf("the claims: %w", err)
	}
	t := &jwt{kid: header.Kid, issuer: claims.Iss, subject: claims.Sub, id: claims.Jti}
	var isText bool
	if t.audience, isText = claims.Aud.(string); !isText {
		return nil, errors.New("aud must be one text")
	}
	now := time.Now().Add(p.config.ClockSkew)
	issued, issuedErr := claims.Iat.Int64()
	expires, expiresErr := claims.Exp.Int64()
	t.issued, t.expires = time.Unix(issued, 0), time.Unix(expires, 0)
	switch {
	case issuedErr != nil || expiresErr != nil:
		return nil, errors.New("iat and exp must be whole seconds since 1970")
	case t.issued.After(now):
		return nil, errors.New("iat is in the future: the clock of the client is ahead")
	case !now.Before(t.expires):
		return nil, errors.New("the assertion has expired: the clock of the client is behind, or exp too early")
	case t.expires.Sub(t.issued) > maxAssertion:
		return nil, fmt.Errorf("the assertion lives longer than %v", maxAssertion)
	}
	return t, nil
}

// maxAssertion is how long an assertion may live.
const maxAssertion = 10 * time.Minute

// decodePart decodes JSON in base64url.
func decodePart(part string, into any) error {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return errors.New("is not JSON in base64url")
	}
	return nil
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// curveOf is the curve of each ECDSA algorithm (RFC 7518 section 3.4).
var curveOf = map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

// checkSignature checks a signature with the key of Config.AssertionKeys, or with the
// client secret (RFC 7518 section 3).
func (p *Provider) checkSignature(algorithm, kid, signed string, signature []byte) error {
	key := p.config.AssertionKeys[kid]
	_, edwards := key.(ed25519.PublicKey)
	ok := false
	switch {
	case algorithm == "EdDSA" && !edwards:
		return fmt.Errorf("no Ed25519 key has the kid %q", kid)
	case algorithm != "EdDSA" && (len(algorithm) != 5 || hashes[algorithm[2:]] == 0):
		return fmt.Errorf("the algorithm %q is unknown", algorithm)
	case strings.HasPrefix(algorithm, "HS"):
		mac := hmac.New(hashes[algorithm[2:]].New, []byte(p.ClientSecret))
		mac.Write([]byte(signed))
		ok = p.ClientSecret != "" && hmac.Equal(mac.Sum(nil), signature)
	case key == nil:
		return fmt.Errorf("no key of AssertionKeys has the kid %q", kid)
	default:
		ok = verify(algorithm, key, signed, signature)
	}
	if !ok {
		return errors.New("the signature is wrong")
	}
	return nil
}

// verify checks a signature with a public key (RFC 7518 section 3, RFC 8037 section 3.1).
func verify(algorithm string, key crypto.PublicKey, signed string, signature []byte) (ok bool) {
	if algorithm == "EdDSA" {
		public, found := key.(ed25519.PublicKey)
		return found && ed25519.Verify(public, []byte(signed), signature)
	}
	if len(algorithm) != 5 || hashes[algorithm[2:]] == 0 {
		return false
	}
	hash := hashes[algorithm[2:]]
	h := hash.New()
	h.Write([]byte(signed))
	digest := h.Sum(nil)
	switch algorithm[:2] {
	case "RS":
		public, found := key.(*rsa.PublicKey)
		ok = found && rsa.VerifyPKCS1v15(public, hash, digest, signature) == nil
	case "PS":
		public, found := key.(*rsa.PublicKey)
		ok = found && rsa.VerifyPSS(public, hash, digest, signature, &rsa.PSSOptions{SaltLength: hash.Size()}) == nil
	case "ES":
		public, found := key.(*ecdsa.PublicKey)
		if !found || public.Curve.Params().Name != curveOf[algorithm] {
			break
		}
		width := (public.Curve.Params().BitSize + 7) / 8
		ok = len(signature) == 2*width &&
			ecdsa.Verify(public, digest, new(big.Int).SetBytes(signature[:width]), new(big.Int).SetBytes(signature[width:]))
	}
	return ok
}
