package oauth1

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

	dghubble "github.com/dghubble/oauth1"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/wire"
	"github.com/connectorauth/connectorauth/internal/words"
)

// The signature methods of RFC 5849 sections 3.4.2 to 3.4.4, by the names that
// oauth_signature_method sends, and the same methods with SHA-2. No RFC defines
// the SHA-2 methods, but many servers take them.
const (
	HMACSHA1   = string(dialect.HMACSHA1)
	HMACSHA256 = string(dialect.HMACSHA256)
	HMACSHA512 = string(dialect.HMACSHA512)
	RSASHA1    = string(dialect.RSASHA1)
	RSASHA256  = string(dialect.RSASHA256)
	RSASHA512  = string(dialect.RSASHA512)
	Plaintext  = string(dialect.Plaintext) // sends the secrets themselves: https or loopback only
)

// Methods are the signature methods that [New] takes.
var Methods = []string{HMACSHA1, HMACSHA256, HMACSHA512, RSASHA1, RSASHA256, RSASHA512, Plaintext}

// hashOf returns the hash function in the name of a signature method. A name
// without a hash function means SHA-1.
func hashOf(method string) crypto.Hash {
	switch {
	case strings.HasSuffix(method, "-SHA256"):
		return crypto.SHA256
	case strings.HasSuffix(method, "-SHA512"):
		return crypto.SHA512
	}
	return crypto.SHA1
}

// A signFunc appends the signature of a base string to dst.
type signFunc func(dst, base []byte) ([]byte, error)

// newSignFunc returns the function that signs with the Method of config, which
// must not be empty.
func newSignFunc(config Config) (sign signFunc, err error) {
	// In FIPS 140-only mode the standard library panics for SHA-1 and for short
	// HMAC keys. newSignFunc tries the method once, so the program learns of
	// the problem before the first request.
	defer func() {
		if reason := recover(); reason != nil {
			sign, err = nil, fmt.Errorf("SignatureMethod: %s is not available here: %v", config.Method, reason)
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
			return nil, fmt.Errorf("PrivateKey: %s takes no key; remove PrivateKey, or choose an RSA method", config.Method)
		}
	default:
		return nil, fmt.Errorf("SignatureMethod: unknown value %q: use %s", config.Method, words.Either(Methods))
	}
	key := wire.AppendEscaped(nil, config.ConsumerSecret)
	key = append(key, '&')
	key = wire.AppendEscaped(key, config.TokenSecret)
	if config.Method == Plaintext {
		return func(dst, _ []byte) ([]byte, error) { return append(dst, key...), nil }, nil
	}
	return hmacSignFunc(config.Method, key), nil
}

// hmacSignFunc returns an HMAC signature function. The function reuses HMAC
// states, because a new state hashes the key again.
func hmacSignFunc(method string, key []byte) signFunc {
	type state struct {
		hash.Hash
		sum [sha512.Size]byte
	}
	states := sync.Pool{New: func() any { return &state{Hash: hmac.New(hashOf(method).New, key)} }}
	states.Put(states.New()) // making a state may panic, and must do so here
	return func(dst, base []byte) ([]byte, error) {
		mac := states.Get().(*state)
		defer states.Put(mac)
		mac.Reset()
		mac.Write(base)
		return base64.StdEncoding.AppendEncode(dst, mac.Sum(mac.sum[:0])), nil
	}
}

// rsaSignFunc returns an RSA signature function after a check of the key.
func rsaSignFunc(method string, key crypto.Signer) (signFunc, error) {
	// A nil *rsa.PrivateKey in the interface is not a key either.
	private, local := key.(*rsa.PrivateKey)
	if key == nil || local && private == nil {
		return nil, fmt.Errorf("PrivateKey: is empty; %s needs an RSA key", method)
	}
	if local {
		if err := private.Validate(); err != nil {
			return nil, errors.New("PrivateKey: is not a valid RSA key; generate or export the key again")
		}
	}
	var public crypto.PublicKey
	if err := guarded(func() error { public = key.Public(); return nil }); err != nil {
		return nil, fmt.Errorf("PrivateKey: %w", err)
	}
	if _, ok := public.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("PrivateKey: %s needs an RSA key, not a %T", method, key)
	}
	hashOf(method).New().Sum(nil) // may panic, and must do so here
	return func(dst, base []byte) ([]byte, error) {
		digest := hashOf(method).New()
		digest.Write(base)
		var signature []byte
		err := guarded(func() (err error) {
			signature, err = key.Sign(rand.Reader, digest.Sum(nil), hashOf(method)) // a hash alone as the options means PKCS #1 v1.5
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("connectorauth: OAuth1 %s: %w", method, err)
		}
		return base64.StdEncoding.AppendEncode(dst, signature), nil
	}, nil
}

// guarded calls f, which is foreign code, and turns a panic into an error. The panic
// value may contain a secret.
func guarded(f func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic of type %T", reason)
		}
	}()
	return f()
}

// customSignFunc returns a signature function that calls a custom signer.
func customSignFunc(custom dghubble.Signer, tokenSecret string) signFunc {
	return func(dst, base []byte) ([]byte, error) {
		var signature string
		err := guarded(func() (err error) {
			signature, err = custom.Sign(tokenSecret, string(base))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("connectorauth: OAuth1 custom signer: %w", err)
		}
		return append(dst, signature...), nil
	}
}
