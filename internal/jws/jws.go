// Package jws signs JSON Web Signatures in the compact form (RFC 7515), with the
// algorithms of RFC 7518 section 3 and RFC 8037, and reads the keys that sign. No
// error contains a key.
package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
)

// Algorithms are the names of the algorithms that [New] takes.
var Algorithms = slices.Sorted(maps.Keys(algorithms))

// An algorithm is one row of RFC 7518 section 3.1, or EdDSA of RFC 8037.
type algorithm struct {
	name   string
	family string
	hash   crypto.Hash
	curve  string // of an EC key
}

// The families of algorithms.
const (
	hmacSHA  = "HMAC"
	rsaPKCS1 = "RSA"
	rsaPSS   = "RSA-PSS"
	ec       = "ECDSA"
	edwards  = "Ed25519"
)

var algorithms = map[string]algorithm{
	"HS256": {"HS256", hmacSHA, crypto.SHA256, ""},
	"HS384": {"HS384", hmacSHA, crypto.SHA384, ""},
	"HS512": {"HS512", hmacSHA, crypto.SHA512, ""},
	"RS256": {"RS256", rsaPKCS1, crypto.SHA256, ""},
	"RS384": {"RS384", rsaPKCS1, crypto.SHA384, ""},
	"RS512": {"RS512", rsaPKCS1, crypto.SHA512, ""},
	"PS256": {"PS256", rsaPSS, crypto.SHA256, ""},
	"PS384": {"PS384", rsaPSS, crypto.SHA384, ""},
	"PS512": {"PS512", rsaPSS, crypto.SHA512, ""},
	"ES256": {"ES256", ec, crypto.SHA256, "P-256"},
	"ES384": {"ES384", ec, crypto.SHA384, "P-384"},
	"ES512": {"ES512", ec, crypto.SHA512, "P-521"},
	"EdDSA": {"EdDSA", edwards, 0, ""},
}

// A Key signs with one algorithm. A Key is immutable, and safe for concurrent use
// if its crypto.Signer is.
type Key struct {
	algorithm algorithm
	signer    crypto.Signer // nil for HMAC
	secret    []byte        // for HMAC
	public    jwk           // of signer
	verifier  crypto.PublicKey
	proven    atomic.Bool // signer is a key in memory, and a signature of the key was verified
}

// New returns a key that signs through signer. An empty algorithm means the one
// that fits signer: RS256 for RSA, ES256, ES384 or ES512 for the curves P-256, P-384
// and P-521, EdDSA for Ed25519.
func New(signer crypto.Signer, algorithm string) (*Key, error) {
	public, verifier, err := publicOf(signer)
	if err != nil {
		return nil, err
	}
	a, err := choose(algorithm, public.algorithm())
	if err != nil {
		return nil, err
	}
	if a.family == hmacSHA {
		return nil, fmt.Errorf("%s needs a secret, and the key is of the kind %s", a.name, public.kind())
	}
	if fits := public.fits(a); !fits {
		return nil, fmt.Errorf("%s does not fit the key, which is of the kind %s; %s does", a.name, public.kind(), public.algorithm())
	}
	return &Key{algorithm: a, signer: signer, public: public, verifier: verifier}, nil
}

// NewSecret returns a key that computes HMACs. An empty algorithm means HS256. The
// secret must be as long as the hash (RFC 7518 section 3.2).
func NewSecret(secret []byte, algorithm string) (*Key, error) {
	a, err := choose(algorithm, "HS256")
	if err != nil {
		return nil, err
	}
	if a.family != hmacSHA {
		return nil, fmt.Errorf("%s needs a private key, and a secret was given", a.name)
	}
	if len(secret) < a.hash.Size() {
		return nil, fmt.Errorf("the secret has %d bytes; %s needs at least %d (RFC 7518 section 3.2)", len(secret), a.name, a.hash.Size())
	}
	return &Key{algorithm: a, secret: slices.Clone(secret)}, nil
}

// choose returns the algorithm of this name, or of the name fallback if the name is
// empty.
func choose(name, fallback string) (algorithm, error) {
	if name == "" {
		name = fallback
	}
	if a, ok := algorithms[name]; ok {
		return a, nil
	}
	if strings.EqualFold(name, "none") {
		return algorithm{}, errors.New(`the algorithm "none" does not sign`)
	}
	return algorithm{}, fmt.Errorf("unknown algorithm %.20q: use %s", name, strings.Join(Algorithms, ", "))
}

// Algorithm returns the name of the algorithm.
func (k *Key) Algorithm() string { return k.algorithm.name }

// String names the type. A Key prints nothing of the key.
func (k *Key) String() string { return "jws.Key" }

// GoString is String, for the verb %#v.
func (k *Key) GoString() string { return k.String() }

// Format prints String under every verb.
func (k *Key) Format(s fmt.State, _ rune) { s.Write([]byte(k.String())) }

// Sign returns the compact form of a signature. The header gets alg; header must not
// contain alg.
func (k *Key) Sign(header map[string]any, payload []byte) (string, error) {
	encoded, err := k.Header(header)
	if err != nil {
		return "", err
	}
	return k.SignWith(encoded, payload)
}

// Header returns header with alg, as the first part of the compact form. header must not
// contain alg.
func (k *Key) Header(header map[string]any) (string, error) {
	full := maps.Clone(header)
	if full == nil {
		full = make(map[string]any, 1)
	}
	full["alg"] = k.algorithm.name
	text, err := json.Marshal(full)
	if err != nil {
		return "", fmt.Errorf("the header of a signature cannot be written as JSON: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

// SignWith is Sign with a result of Header, for headers that many signatures share.
func (k *Key) SignWith(header string, payload []byte) (string, error) {
	encoding := base64.RawURLEncoding
	signed := make([]byte, 0, len(header)+1+encoding.EncodedLen(len(payload))+1+encoding.EncodedLen(512))
	signed = append(append(signed, header...), '.')
	signed = encoding.AppendEncode(signed, payload)
	signature, err := k.signature(signed)
	if err != nil {
		return "", err
	}
	return string(encoding.AppendEncode(append(signed, '.'), signature)), nil
}

// signature returns the signature of message, as RFC 7518 section 3 writes
// signatures. A signature that does not fit the public key is an error: the signer
// of another key, such as a newer version in a KMS, is told before a provider refuses
// what it cannot explain. A key in memory stays the same, so one signature is enough.
func (k *Key) signature(message []byte) ([]byte, error) {
	a := k.algorithm
	if a.family == hmacSHA {
		mac := hmac.New(a.hash.New, k.secret)
		mac.Write(message)
		return mac.Sum(nil), nil
	}
	var options crypto.SignerOpts = a.hash
	if a.family == rsaPSS {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: a.hash}
	}
	signature, err := crypto.SignMessage(k.signer, rand.Reader, message, options)
	if err != nil {
		return nil, fmt.Errorf("the key cannot sign: %w", err)
	}
	if !k.proven.Load() {
		if !k.verifies(message, signature) {
			return nil, errors.New("the signer's signature does not fit the signer's public key")
		}
		k.proven.Store(inMemory(k.signer))
	}
	if a.family == ec {
		return k.fixedWidth(signature)
	}
	return signature, nil
}

// inMemory reports whether signer is a key of the standard library.
func inMemory(signer crypto.Signer) bool {
	switch signer.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return true
	}
	return false
}

// verifies reports whether signature, as crypto.Signer returns signatures, is one
// of message.
func (k *Key) verifies(message, signature []byte) bool {
	digest := message
	if a := k.algorithm; a.hash != 0 {
		h := a.hash.New()
		h.Write(message)
		digest = h.Sum(nil)
	}
	switch public := k.verifier.(type) {
	case *rsa.PublicKey:
		if k.algorithm.family == rsaPSS {
			options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
			return rsa.VerifyPSS(public, k.algorithm.hash, digest, signature, options) == nil
		}
		return rsa.VerifyPKCS1v15(public, k.algorithm.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, digest, signature)
	case ed25519.PublicKey:
		return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, signature)
	}
	return false
}

// fixedWidth turns an ECDSA signature of ASN.1, a sequence of two integers, into the two
// numbers side by side that RFC 7518 section 3.4 wants. By hand, because proofs of
// possession are made for each request.
func (k *Key) fixedWidth(signature []byte) ([]byte, error) {
	width := len(k.public.x)
	fixed := make([]byte, 2*width)
	rest, ok := bytes.CutPrefix(signature, []byte{0x30, 0x81}) // of a length from 128
	if !ok {
		rest, ok = bytes.CutPrefix(signature, []byte{0x30})
	}
	if ok = ok && len(rest) > 0 && int(rest[0]) == len(rest)-1; ok {
		rest = rest[1:]
	}
	for _, number := range [][]byte{fixed[:width], fixed[width:]} {
		if ok = ok && len(rest) > 2 && rest[0] == 2 && rest[1] > 0 && int(rest[1]) <= len(rest)-2 && rest[2] < 0x80; !ok {
			break
		}
		digits := bytes.TrimLeft(rest[2:2+int(rest[1])], "\x00")
		if ok = len(digits) <= width; ok {
			copy(number[width-len(digits):], digits)
		}
		rest = rest[2+int(rest[1]):]
	}
	if !ok || len(rest) > 0 {
		return nil, errors.New("the signer returned an ECDSA signature that is not in ASN.1")
	}
	return fixed, nil
}
