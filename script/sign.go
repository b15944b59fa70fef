package script

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const (
	maxKey = 16 << 10 // length of an RSA key in PEM, in bytes
	maxRSA = 4096     // bits of an RSA key: twice as many take a third of a second
)

// sign is a helper with the arguments method, key, bytes and encoding.
func sign(a args) (any, error) {
	name := strings.ToUpper(a.text(0))
	kind, hashName, _ := strings.Cut(name, "-")
	hashes := map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA224": crypto.SHA224, "SHA256": crypto.SHA256, "SHA384": crypto.SHA384, "SHA512": crypto.SHA512}
	h, ok := hashes[hashName]
	if !ok || kind != "HMAC" && kind != "RSA" {
		return nil, errors.New("sign: unknown method; want HMAC or RSA with SHA1, SHA224, SHA256, SHA384 or SHA512, such as HMAC-SHA256")
	}
	key, err := a.bytes(1)
	if err != nil {
		return nil, err
	}
	message, err := a.bytes(2)
	if err != nil {
		return nil, err
	}
	if kind == "HMAC" {
		mac := hmac.New(h.New, key)
		mac.Write(message)
		return a.encoding(mac.Sum(nil), 3, "hex")
	}
	private, err := parseRSA(key)
	if err != nil {
		return nil, err
	}
	digest := h.New()
	digest.Write(message)
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, h, digest.Sum(nil))
	if err != nil {
		return nil, errors.New("sign: the RSA key cannot sign; the key may be too short")
	}
	return a.encoding(signature, 3, "base64")
}

// parseRSA reads an RSA private key in PEM: PKCS #1 or PKCS #8.
func parseRSA(text []byte) (*rsa.PrivateKey, error) {
	if len(text) > maxKey {
		return nil, fmt.Errorf("sign: the key is longer than %d bytes", maxKey)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("sign: the key is not in PEM format")
	}
	long := fmt.Errorf("sign: the RSA key is longer than %d bits, or has more than two primes", maxRSA)
	if longest(block.Bytes) > maxRSA { // x509 computes with a key before anybody sees how long the key is
		return nil, long
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		parsed, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
		key, _ = parsed.(*rsa.PrivateKey)
	}
	if key == nil {
		return nil, errors.New("sign: the key is not an RSA private key")
	}
	if key.N.BitLen() > maxRSA || len(key.Primes) > 2 {
		return nil, long
	}
	return key, nil
}

// longest returns how many bits the longest of the first numbers of a key has, in PKCS #1
// or PKCS #8; 0 if there are none. No number of a key is longer than the modulus.
func longest(der []byte) (bits int) {
	var wrapped struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &wrapped); err == nil {
		der = wrapped.Key
	}
	var key struct {
		Version       int
		N, E, D, P, Q *big.Int
	}
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return 0
	}
	for _, n := range [...]*big.Int{key.N, key.E, key.D, key.P, key.Q} {
		bits = max(bits, n.BitLen())
	}
	return bits
}
