package assertion

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/jws"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// An Algorithm is a name of RFC 7518 section 3.1, or EdDSA of RFC 8037.
type Algorithm string

// The algorithms. HS computes a MAC with a secret; the others sign with a private key.
const (
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA"
	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// KeyConfig says what signs. Exactly one of Private, Signer and Secret is required.
type KeyConfig struct {
	// Private is a private key as text: PEM (PKCS#8, PKCS#1 or SEC 1), or a JSON Web
	// Key (RFC 7517). The line breaks of PEM may be written as \n, and all of the text in
	// base64, as in environment variables. An encrypted key must be decrypted before.
	Private connectorauth.Secret
	// Signer is a private key that stays elsewhere, such as in a KMS or HSM: RSA, ECDSA
	// or Ed25519. Signer must be safe for concurrent use. A crypto.MessageSigner hashes
	// for itself.
	Signer crypto.Signer `json:"-"`
	// Secret is the secret of HS256, HS384 or HS512: the bytes themselves, at least as
	// many as the hash has. Decode a secret that is written in hexadecimal or base64.
	Secret connectorauth.Secret
	// Algorithm is how the key signs. Empty means the alg of the JSON Web Key, or what
	// is usual with the key: RS256 for RSA, ES256, ES384 and ES512 for the curves P-256,
	// P-384 and P-521, EdDSA for Ed25519, HS256 for a secret.
	Algorithm Algorithm
	// ID names the key to the provider: the header kid. Empty means the kid of the JSON
	// Web Key, or no kid.
	ID string
	// Certificate is the certificate of the key, whose SHA-256 thumbprint goes into the
	// header x5t#S256. Nil means none. tls.LoadX509KeyPair reads both from PEM files: its
	// result has the certificate as Leaf, and the key as PrivateKey.
	Certificate *x509.Certificate
}

// Format writes the name of the type, for every verb: a Signer may be a private key.
func (KeyConfig) Format(s fmt.State, _ rune) { io.WriteString(s, "assertion.KeyConfig") }

// A Key signs assertions. A Key is immutable and safe for concurrent use.
type Key struct {
	signs      func() *jws.Key // reflection reaches nothing behind a function
	id         string
	thumbprint string // of the certificate
	public     crypto.PublicKey
}

// NewKey returns a key. A key that is too short, of another kind than its algorithm,
// encrypted, or public is an error that names the field.
func NewKey(config KeyConfig) (*Key, error) {
	var problems check.List
	k := &Key{id: config.ID}
	field := "Private"
	var parsed jws.Parsed
	var err error
	var signs *jws.Key
	switch {
	case config.Private != "" && (config.Signer != nil || config.Secret != ""), config.Signer != nil && config.Secret != "":
		problems.Add("Private: give one of Private, Signer and Secret")
	case config.Private != "":
		parsed, err = jws.Parse(string(config.Private))
	case config.Signer != nil:
		field, parsed.Signer = "Signer", config.Signer
	case config.Secret != "":
		field, parsed.Secret = "Secret", []byte(config.Secret)
	default:
		problems.Add("Private: is empty; give one of Private, Signer and Secret")
	}
	algorithm := string(config.Algorithm)
	switch {
	case err != nil:
		problems.Field(field, err)
	case algorithm == "":
		algorithm = parsed.Algorithm
	case parsed.Algorithm != "" && parsed.Algorithm != algorithm:
		problems.Add("Algorithm: is %q, and the JSON Web Key is for %.20q", algorithm, parsed.Algorithm)
	}
	if k.id == "" {
		k.id = parsed.ID
	}
	if isNoText(k.id) {
		problems.Add("ID: contains a control character, or is not UTF-8")
	}
	switch {
	case parsed.Signer != nil:
		if signs, err = jws.New(parsed.Signer, algorithm); err == nil {
			k.public = signs.Public()
		}
		problems.Field(field, err)
	case parsed.Secret != nil:
		signs, err = jws.NewSecret(parsed.Secret, algorithm)
		problems.Field(field, err)
	}
	if config.Certificate != nil && signs != nil {
		k.thumbprint, err = signs.CertificateThumbprint(config.Certificate)
		problems.Field("Certificate", err)
	}
	if err := problems.Err("KeyConfig"); err != nil {
		return nil, err
	}
	k.signs = func() *jws.Key { return signs }
	return k, nil
}

// key returns what signs. A Key that NewKey has not made has nothing that signs.
func (k *Key) key() *jws.Key {
	if k == nil || k.signs == nil {
		return new(jws.Key)
	}
	return k.signs()
}

// checkKey reports a key that NewKey has not made.
func checkKey(problems *check.List, k *Key) {
	if k == nil {
		problems.Add("Key: is nil")
	} else if k.signs == nil {
		problems.Add("Key: is empty; use NewKey")
	}
}

// isNoText reports whether s would be signed as another text.
func isNoText(s string) bool { return !utf8.ValidString(s) || wire.HasControl(s) }

// Algorithm returns how the key signs.
func (k *Key) Algorithm() Algorithm { return Algorithm(k.key().Algorithm()) }

// PublicJWK returns the public key as a JSON Web Key (RFC 7517), for the registration
// of the client at a provider. A secret has none: the result is empty.
func (k *Key) PublicJWK() json.RawMessage {
	text := k.key().PublicJWK()
	if text == nil {
		return nil
	}
	members := make(map[string]any)
	json.Unmarshal(text, &members) // jws wrote it
	members["alg"], members["use"] = k.key().Algorithm(), "sig"
	if k.id != "" {
		members["kid"] = k.id
	}
	text, _ = json.Marshal(members) // texts alone
	return text
}

// Thumbprint returns the SHA-256 thumbprint of the public key (RFC 7638), which some
// providers use as kid. A secret has none: the result is empty.
func (k *Key) Thumbprint() string { return k.key().Thumbprint() }

// Fingerprint returns the SHA-256 hash of the public key in DER (SubjectPublicKeyInfo of
// RFC 5280), in base64 with padding, as Snowflake names keys. A secret has none: the
// result is empty.
func (k *Key) Fingerprint() string {
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// String names the type. A Key prints nothing of the key.
func (k *Key) String() string { return "assertion.Key" }

// GoString is String, for the verb %#v.
func (k *Key) GoString() string { return k.String() }

// Format prints String under every verb.
func (k *Key) Format(s fmt.State, _ rune) { s.Write([]byte(k.String())) }

// errNoKey is what is wrong with a config without a source of assertions.
var errNoKey = errors.New("is nil; give a Key or a function")
