package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
)

// minRSA and maxRSA are the lengths in bits of the shortest RSA key (RFC 7518 section
// 3.3), and of the longest that signs in less than a second or so.
const (
	minRSA = 2048
	maxRSA = 16 << 10
)

// A jwk is a public key as a JSON Web Key (RFC 7517) has it. The coordinates of an EC
// key are as long as the curve's field.
type jwk struct {
	kty, crv string
	n, e     []byte // RSA
	x, y     []byte // EC; x alone for Ed25519
}

// publicOf returns the public key of signer, which may be foreign code.
func publicOf(signer crypto.Signer) (k jwk, public crypto.PublicKey, err error) {
	if signer == nil {
		return jwk{}, nil, errors.New("the key is nil")
	}
	if v := reflect.ValueOf(signer); v.Kind() == reflect.Pointer && v.IsNil() {
		return jwk{}, nil, errors.New("the key is nil")
	}
	defer func() {
		if recover() != nil { // the value may contain a secret
			k, public, err = jwk{}, nil, errors.New("the key is damaged: the key has no public half")
		}
	}()
	public = signer.Public()
	k, err = newJWK(public)
	return k, public, err
}

// newJWK returns a public key that can verify. A key that is nil or damaged may be a panic.
func newJWK(public crypto.PublicKey) (jwk, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		switch bits := public.N.BitLen(); {
		case bits < minRSA:
			return jwk{}, fmt.Errorf("the RSA key has %d bits; at least %d are needed (RFC 7518 section 3.3)", bits, minRSA)
		case bits > maxRSA:
			return jwk{}, fmt.Errorf("the RSA key has %d bits; more than %d would take too long", bits, maxRSA)
		case public.E < 3 || public.E%2 == 0:
			return jwk{}, errors.New("the RSA key is damaged: its exponent is too small or even")
		}
		return jwk{kty: "RSA", n: public.N.Bytes(), e: big.NewInt(int64(public.E)).Bytes()}, nil
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			return jwk{}, errors.New("the EC key is not a point of its curve")
		}
		point = point[1:] // without the mark of an uncompressed point
		k := jwk{kty: "EC", crv: public.Curve.Params().Name, x: point[:len(point)/2], y: point[len(point)/2:]}
		if k.algorithm() == "" {
			return jwk{}, fmt.Errorf("no algorithm uses the curve %s; use P-256, P-384 or P-521", k.crv)
		}
		return k, nil
	case ed25519.PublicKey:
		if len(public) != ed25519.PublicKeySize {
			return jwk{}, errors.New("the Ed25519 key has a wrong length")
		}
		return jwk{kty: "OKP", crv: "Ed25519", x: slices.Clone(public)}, nil
	default:
		return jwk{}, fmt.Errorf("a public key of the type %T signs with no known algorithm; use RSA, ECDSA or Ed25519", public)
	}
}

// kind names the kind of the key for a person.
func (k jwk) kind() string {
	if k.kty == "RSA" {
		return "RSA"
	}
	return k.crv
}

// algorithm returns the name of the algorithm that is usual with the key.
func (k jwk) algorithm() string {
	return map[string]string{"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}[k.kind()]
}

// fits reports whether the key can sign with a.
func (k jwk) fits(a algorithm) bool {
	switch a.family {
	case rsaPKCS1, rsaPSS:
		return k.kty == "RSA"
	case ec:
		return k.crv == a.curve
	}
	return k.crv == a.family
}

// text returns the key as JSON: the required members in the order of their names,
// without spaces, as RFC 7638 section 3 wants.
func (k jwk) text() []byte {
	encode := base64.RawURLEncoding.EncodeToString
	var text []byte
	switch k.kty {
	case "RSA":
		text, _ = json.Marshal(struct {
			E string `json:"e"`
			T string `json:"kty"`
			N string `json:"n"`
		}{encode(k.e), k.kty, encode(k.n)})
	case "EC", "OKP":
		text, _ = json.Marshal(struct {
			C string `json:"crv"`
			T string `json:"kty"`
			X string `json:"x"`
			Y string `json:"y,omitempty"`
		}{k.crv, k.kty, encode(k.x), encode(k.y)})
	}
	return text
}

// PublicJWK returns the public key as a JSON Web Key with its required members
// alone. The result of an HMAC key is empty.
func (k *Key) PublicJWK() json.RawMessage { return k.public.text() }

// Public returns the public key, as New saw the key. The result of an HMAC key is nil.
func (k *Key) Public() crypto.PublicKey { return k.verifier }

// Thumbprint returns the SHA-256 thumbprint of the public key (RFC 7638), in
// base64url. The result of an HMAC key is empty.
func (k *Key) Thumbprint() string {
	text := k.public.text()
	if text == nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// CertificateThumbprint returns x5t#S256 (RFC 7515 section 4.1.8): the SHA-256 hash of
// a certificate, in base64url. A certificate of another key is an error.
func (k *Key) CertificateThumbprint(certificate *x509.Certificate) (string, error) {
	own, ok := any(certificate.PublicKey).(interface{ Equal(crypto.PublicKey) bool })
	if k.signer == nil || !ok || !own.Equal(k.Public()) {
		return "", errors.New("the certificate belongs to another key")
	}
	sum := sha256.Sum256(certificate.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// privateJWK is a JSON Web Key that signs (RFC 7517, RFC 7518 section 6, RFC 8037
// section 2).
type privateJWK struct {
	Keys    json.RawMessage `json:"keys"`
	Kty     string          `json:"kty"`
	Use     string          `json:"use"`
	Ops     []string        `json:"key_ops"`
	Alg     string          `json:"alg"`
	ID      string          `json:"kid"`
	Crv     string          `json:"crv"`
	N, E, D octets          // D is the private part of EC and OKP too
	P, Q    octets
	X, Y    octets
	K       octets
	Google  json.RawMessage `json:"private_key"` // of an account file, which is no key
}

// octets are a member in base64url.
type octets []byte

// UnmarshalText reads base64url, with or without padding.
func (b *octets) UnmarshalText(text []byte) (err error) {
	for len(text) > 0 && text[len(text)-1] == '=' {
		text = text[:len(text)-1]
	}
	*b, err = base64.RawURLEncoding.AppendDecode(nil, text)
	if err != nil {
		return errors.New("a member is not in base64url")
	}
	return nil
}

// parseJWK reads a JSON Web Key.
func parseJWK(text []byte) (Parsed, error) {
	var k privateJWK
	if err := json.Unmarshal(text, &k); err != nil {
		return Parsed{}, errors.New("the key is not a JSON Web Key: its JSON cannot be read")
	}
	none := Parsed{Algorithm: k.Alg, ID: k.ID}
	switch {
	case k.Keys != nil:
		return Parsed{}, errors.New("the text is a set of keys; give the one JSON Web Key that signs")
	case k.Use != "" && k.Use != "sig":
		return Parsed{}, fmt.Errorf("the JSON Web Key is not for signatures: its use is %.20q", k.Use)
	case k.Ops != nil && !slices.Contains(k.Ops, "sign"):
		return Parsed{}, errors.New(`the JSON Web Key is not for signing: its key_ops lack "sign"`)
	case k.Kty == "oct":
		if len(k.K) == 0 {
			return Parsed{}, errors.New("the JSON Web Key has no k")
		}
		none.Secret = k.K
		return none, nil
	case k.Kty == "" && k.Google != nil:
		return Parsed{}, errors.New("the text is an account file of Google; NewGoogle reads the account files, and the member private_key is the key alone")
	case k.Kty == "":
		return Parsed{}, errors.New("the JSON is no JSON Web Key: it has no kty")
	case k.Kty != "RSA" && k.Kty != "EC" && k.Kty != "OKP":
		return Parsed{}, fmt.Errorf("the JSON Web Key has the kty %.20q; use RSA, EC, OKP or oct", k.Kty)
	case len(k.D) == 0:
		return Parsed{}, errors.New("the JSON Web Key is a public key; signing needs the private key, with d")
	}
	var err error
	switch k.Kty {
	case "RSA":
		none.Signer, err = k.rsa()
	case "EC":
		none.Signer, err = k.ec()
	default:
		none.Signer, err = k.ed25519()
	}
	return none, err
}

var errDamaged = errors.New("the JSON Web Key is damaged: its numbers do not belong together")

func (k *privateJWK) rsa() (crypto.Signer, error) {
	number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	e := number(k.E)
	if len(k.P) == 0 || len(k.Q) == 0 {
		return nil, errors.New("the JSON Web Key has no p and q")
	}
	if !e.IsInt64() || e.Int64() > 1<<31-1 {
		return nil, errDamaged
	}
	private := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: number(k.N), E: int(e.Int64())},
		D:         number(k.D), Primes: []*big.Int{number(k.P), number(k.Q)},
	}
	if bits := private.N.BitLen(); bits < minRSA {
		return private, nil // New says what is wrong with short keys
	}
	if private.N.BitLen() > maxRSA || len(k.D)+len(k.P)+len(k.Q) > maxRSA/4 || private.Validate() != nil {
		return nil, errDamaged
	}
	private.Precompute()
	return private, nil
}

func (k *privateJWK) ec() (crypto.Signer, error) {
	curve := curves[k.Crv]
	if curve == nil {
		return nil, fmt.Errorf("the JSON Web Key has the crv %.20q; use P-256, P-384 or P-521", k.Crv)
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(k.D) > size || len(k.X) > size || len(k.Y) > size {
		return nil, errDamaged
	}
	fill := func(b []byte) []byte { return append(make([]byte, size-len(b)), b...) }
	private, err := ecdsa.ParseRawPrivateKey(curve, fill(k.D))
	if err != nil {
		return nil, errDamaged
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, fill(k.X), fill(k.Y)))
	if err != nil || !public.Equal(private.Public()) {
		return nil, errDamaged
	}
	return private, nil
}

func (k *privateJWK) ed25519() (crypto.Signer, error) {
	if k.Crv != "Ed25519" {
		return nil, fmt.Errorf("the JSON Web Key has the crv %.20q; use Ed25519", k.Crv)
	}
	if len(k.D) != ed25519.SeedSize {
		return nil, errDamaged
	}
	private := ed25519.NewKeyFromSeed(k.D)
	if !private.Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(k.X)) {
		return nil, errDamaged
	}
	return private, nil
}
