package oauth1sig

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // registers the hash, as do the next two
	_ "crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/dghubble/oauth1"
)

// Method is a signature method, under the name that oauth_signature_method
// gives it on the wire.
type Method string

// The signature methods of RFC 5849 sections 3.4.2 to 3.4.4 and their forms
// with SHA-2, which no RFC defines but many servers take.
const (
	HMACSHA1   Method = "HMAC-SHA1"
	HMACSHA256 Method = "HMAC-SHA256"
	HMACSHA512 Method = "HMAC-SHA512"
	RSASHA1    Method = "RSA-SHA1"
	RSASHA256  Method = "RSA-SHA256"
	RSASHA512  Method = "RSA-SHA512"
	Plaintext  Method = "PLAINTEXT" // sends the secrets themselves: https or loopback only
)

// hash returns the hash that the method's name ends in, SHA-1 if in none.
func (m Method) hash() crypto.Hash {
	switch {
	case strings.HasSuffix(string(m), "-SHA256"):
		return crypto.SHA256
	case strings.HasSuffix(string(m), "-SHA512"):
		return crypto.SHA512
	}
	return crypto.SHA1
}

// A signFunc appends the signature of a base string to dst.
type signFunc func(dst, base []byte) ([]byte, error)

// newSignFunc returns the signature method that config, which has a Method by
// now, asks for.
func newSignFunc(config Config) (sign signFunc, err error) {
	// In FIPS 140-only mode the standard library panics for SHA-1 and for short
	// HMAC keys. Each method is tried here once, so that this shows when the
	// connector is made and not when it is used.
	defer func() {
		if reason := recover(); reason != nil {
			sign, err = nil, fmt.Errorf("OAuth1 method %s is not available here: %v", config.Method, reason)
		}
	}()
	if config.Custom != nil {
		return customSignFunc(config.Custom, config.TokenSecret), nil
	}
	switch config.Method {
	case RSASHA1, RSASHA256, RSASHA512:
		return rsaSignFunc(config.Method, config.PrivateKey)
	case HMACSHA1, HMACSHA256, HMACSHA512, Plaintext:
		if config.PrivateKey != nil {
			return nil, fmt.Errorf("OAuth1 method %s takes no PrivateKey: remove it, or choose an RSA method", config.Method)
		}
	default:
		return nil, fmt.Errorf("OAuth1 does not know the signature method %q: choose HMAC-SHA1, HMAC-SHA256, HMAC-SHA512, RSA-SHA1, RSA-SHA256, RSA-SHA512 or PLAINTEXT", config.Method)
	}
	key := appendEncoded(nil, config.ConsumerSecret)
	key = append(key, '&')
	key = appendEncoded(key, config.TokenSecret)
	if config.Method == Plaintext {
		return func(dst, _ []byte) ([]byte, error) { return append(dst, key...), nil }, nil
	}
	return hmacSignFunc(config.Method, key), nil
}

// hmacSignFunc keeps HMAC states for reuse: the key is hashed once per state
// and not once per request.
func hmacSignFunc(method Method, key []byte) signFunc {
	type state struct {
		hash.Hash
		sum [sha512.Size]byte
	}
	states := sync.Pool{New: func() any { return &state{Hash: hmac.New(method.hash().New, key)} }}
	states.Put(states.New()) // made here because making it may panic
	return func(dst, base []byte) ([]byte, error) {
		mac := states.Get().(*state)
		defer states.Put(mac)
		mac.Reset()
		mac.Write(base)
		return base64.StdEncoding.AppendEncode(dst, mac.Sum(mac.sum[:0])), nil
	}
}

func rsaSignFunc(method Method, key crypto.Signer) (signFunc, error) {
	// A nil *rsa.PrivateKey in the interface is the same mistake as no key.
	private, local := key.(*rsa.PrivateKey)
	if key == nil || local && private == nil {
		return nil, fmt.Errorf("OAuth1 method %s needs a PrivateKey", method)
	}
	if local {
		if err := private.Validate(); err != nil {
			return nil, errors.New("OAuth1 PrivateKey is not a valid RSA key")
		}
	}
	if _, ok := key.Public().(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("OAuth1 method %s needs an RSA PrivateKey, not a %T", method, key)
	}
	method.hash().New().Sum(nil) // may panic, and shall here
	return func(dst, base []byte) ([]byte, error) {
		digest := method.hash().New()
		digest.Write(base)
		signature, err := key.Sign(rand.Reader, digest.Sum(nil), method.hash()) // PKCS #1 v1.5, because the options are a bare hash
		if err != nil {
			return nil, fmt.Errorf("connectorauth: OAuth1 %s: %w", method, err)
		}
		return base64.StdEncoding.AppendEncode(dst, signature), nil
	}, nil
}

func customSignFunc(custom oauth1.Signer, tokenSecret string) signFunc {
	return func(dst, base []byte) ([]byte, error) {
		signature, err := custom.Sign(tokenSecret, string(base))
		if err != nil {
			return nil, fmt.Errorf("connectorauth: OAuth1 custom signer: %w", err)
		}
		return append(dst, signature...), nil
	}
}
