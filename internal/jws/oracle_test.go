package jws

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"math/big"
	"testing"
)

// oracle reports whether signature is one of message, as RFC 7518 section 3 writes
// signatures, by code that signing does not use.
func oracle(t testing.TB, k *Key, message, signature []byte) bool {
	t.Helper()
	a := algorithms[k.Algorithm()]
	if a.name == "EdDSA" {
		return ed25519.Verify(k.signer.Public().(ed25519.PublicKey), message, signature)
	}
	if k.signer == nil {
		mac := hmac.New(a.hash.New, k.secret)
		mac.Write(message)
		return hmac.Equal(mac.Sum(nil), signature)
	}
	h := a.hash.New()
	h.Write(message)
	digest := h.Sum(nil)
	switch public := k.signer.Public().(type) {
	case *rsa.PublicKey:
		if a.name[0] == 'P' {
			return rsa.VerifyPSS(public, a.hash, digest, signature, &rsa.PSSOptions{SaltLength: a.hash.Size()}) == nil
		}
		return rsa.VerifyPKCS1v15(public, a.hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		width := (public.Curve.Params().BitSize + 7) / 8
		if len(signature) != 2*width {
			return false
		}
		return ecdsa.Verify(public, digest, new(big.Int).SetBytes(signature[:width]), new(big.Int).SetBytes(signature[width:]))
	}
	t.Fatalf("a key of the type %T", k.signer.Public())
	return false
}
