package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rotated is a KMS whose key has a new version.
type rotated struct {
	crypto.Signer
	later crypto.Signer
}

func (r *rotated) Public() crypto.PublicKey {
	defer func() {
		if r.later != nil {
			r.Signer, r.later = r.later, nil
		}
	}()
	return r.Signer.Public()
}

// The kid and the thumbprint of the header are those of the key that New saw.
func TestSignerThatChangesItsKeyIsTold(t *testing.T) {
	for name, later := range map[string]crypto.Signer{
		"the same curve": must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"another curve":  must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"another kind":   keys()["EdDSA"],
	} {
		k, err := New(&rotated{keys()["ES256"], later}, "")
		require.NoError(t, err)
		_, err = k.Sign(nil, []byte("payload"))
		assert.Error(t, err, name)
	}
}

// damaged panics.
type damaged struct{ crypto.Signer }

func TestSignersWithoutAKeyAreRefused(t *testing.T) {
	var noRSA *rsa.PublicKey
	var noEC *ecdsa.PublicKey
	for name, signer := range map[string]crypto.Signer{
		"no RSA key":          foreignSigner{public: noRSA},
		"no EC key":           foreignSigner{public: noEC},
		"an empty RSA key":    foreignSigner{public: new(rsa.PublicKey)},
		"an RSA key with e=1": foreignSigner{public: &rsa.PublicKey{N: keys()["RS256"].Public().(*rsa.PublicKey).N, E: 1}},
		"an RSA key with e=4": foreignSigner{public: &rsa.PublicKey{N: keys()["RS256"].Public().(*rsa.PublicKey).N, E: 4}},
		"an empty EC key":     foreignSigner{public: new(ecdsa.PublicKey)},
		"nothing":             foreignSigner{},
		"a panic":             damaged{},
		"a short Ed25519 key": ed25519.PrivateKey("short"),
	} {
		assert.NotPanics(t, func() {
			_, err := New(signer, "")
			assert.Error(t, err, name)
		}, name)
	}
}

func TestTextBesideAKey(t *testing.T) {
	private := keys()["ES256"]
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	public := text("PUBLIC KEY", der, err)
	for name, text := range map[string]string{
		"the public key before":  public + pkcs8(private),
		"the public key after":   pkcs8(private) + public,
		"a byte order mark":      "\ufeff" + pkcs8(private),
		"a mark before JSON":     "\ufeff" + privateText(t, private, nil),
		"attributes of PKCS#12":  "Bag Attributes\n    friendlyName: a key\n    localKeyID: 01 02\nKey Attributes: <No Attributes>\n" + pkcs8(private),
		"a header of PEM":        strings.Replace(pkcs8(private), "-----\n", "-----\nComment: mine\n\n", 1),
		"the same key two times": pkcs8(private) + "\n" + pkcs8(private),
	} {
		parsed, err := Parse(text)
		if name == "the same key two times" {
			assert.ErrorContains(t, err, "several private keys", name)
			continue
		}
		if assert.NoError(t, err, name) {
			assert.True(t, parsed.Signer.(*ecdsa.PrivateKey).Equal(private), name)
		}
	}
}

// Nobody waits for a key that is longer than any key should be.
func TestHugeKeysAreRefusedAtOnce(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	huge := func(n int) []byte {
		b := make([]byte, n)
		rand.Read(b)
		b[0], b[n-1] = 0xff, b[n-1]|1
		return b
	}
	private := keys()["RS256"].(*rsa.PrivateKey)
	e := "AQAB"
	pkcs1 := func(n, d, p, q []byte) string {
		type key struct {
			V             int
			N, E, D, P, Q *big.Int
			DP, DQ, QInv  *big.Int
		}
		number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
		der := must(asn1.Marshal(key{0, number(n), big.NewInt(65537), number(d), number(p), number(q), number(p), number(q), number(p)}))
		return text("RSA PRIVATE KEY", der, nil)
	}
	for name, test := range map[string]string{
		"JWK of 1 MB":             `{"kty":"RSA","n":"` + b64(huge(1<<20)) + `","e":"AQAB","d":"` + b64(huge(1<<20)) + `","p":"` + b64(huge(1<<19)) + `","q":"` + b64(huge(1<<19)) + `"}`,
		"JWK with d of 1 MB":      `{"kty":"RSA","n":"` + b64(private.N.Bytes()) + `","e":"` + e + `","d":"` + b64(huge(1<<20)) + `","p":"` + b64(private.Primes[0].Bytes()) + `","q":"` + b64(private.Primes[1].Bytes()) + `"}`,
		"JWK with p of 1 MB":      `{"kty":"RSA","n":"` + b64(private.N.Bytes()) + `","e":"` + e + `","d":"` + b64(private.D.Bytes()) + `","p":"` + b64(huge(1<<20)) + `","q":"` + b64(huge(1<<20)) + `"}`,
		"JWK of 16,384 bits":      `{"kty":"RSA","n":"` + b64(huge(2048)) + `","e":"` + e + `","d":"` + b64(huge(2048)) + `","p":"` + b64(huge(1024)) + `","q":"` + b64(huge(1024)) + `"}`,
		"PKCS#1 of 16,384 bits":   pkcs1(huge(2048), huge(2048), huge(1024), huge(1024)),
		"PKCS#1 of 100,000 bytes": pkcs1(huge(100000), huge(100000), huge(50000), huge(50000)),
		"PKCS#1 with d":           pkcs1(private.N.Bytes(), huge(1<<20), private.Primes[0].Bytes(), private.Primes[1].Bytes()),
		"a secret of 16 MB":       `{"kty":"EC","crv":"` + strings.Repeat("x", 16<<20) + `","d":"AA"}`,
		"an alg of 16 MB":         `{"kty":"RSA","alg":"` + strings.Repeat("x", 16<<20) + `"}`,
		"many colons":             "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("a: b\n", 1<<20) + "\n-----END PRIVATE KEY-----",
		"many blocks":             strings.Repeat("-----BEGIN X-----\nAAAA\n-----END X-----\n", 50000),
	} {
		began := time.Now()
		parsed, err := Parse(test)
		if err == nil && parsed.Signer != nil {
			_, err = New(parsed.Signer, "")
		}
		took := time.Since(began)
		t.Log(name, took, err)
		assert.Error(t, err, name)
		assert.Less(t, took, 30*time.Second, "%s: the machine may be busy", name)
		if err != nil {
			assert.Less(t, len(err.Error()), 300, name)
		}
	}
	_, err := New(private, strings.Repeat("x", 1<<20))
	assert.Less(t, len(err.Error()), 300)
}

// A key of the greatest length is read, and signs.
func TestGreatKeysAreRead(t *testing.T) {
	if testing.Short() {
		t.Skip("a key of 4,096 bits takes seconds to make")
	}
	private := must(rsa.GenerateKey(rand.Reader, 4096))
	for _, text := range []string{pkcs8(private), privateText(t, private, nil)} {
		parsed, err := Parse(text)
		require.NoError(t, err)
		signed, err := parsed.key(t, "PS512").Sign(nil, nil)
		require.NoError(t, err)
		assert.Len(t, signed[strings.LastIndex(signed, ".")+1:], base64.RawURLEncoding.EncodedLen(512))
	}
	assert.Less(t, 2*2048+7*1024+64, maxDER, "PKCS#8 of 16,384 bits")
}

// laterWrong is a KMS whose key changes after two signatures.
type laterWrong struct {
	crypto.Signer
	wrong crypto.Signer
	signs int
}

func (s *laterWrong) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.signs++; s.signs > 2 {
		return s.wrong.Sign(random, digest, opts)
	}
	return s.Signer.Sign(random, digest, opts)
}

func TestEverySignatureOfAForeignSignerIsVerified(t *testing.T) {
	k, err := New(&laterWrong{Signer: keys()["ES256"], wrong: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}, "")
	require.NoError(t, err)
	for range 2 {
		_, err = k.Sign(nil, []byte("payload"))
		require.NoError(t, err)
	}
	_, err = k.Sign(nil, []byte("payload"))
	require.ErrorContains(t, err, "does not fit")
}

func TestSignWithASharedHeader(t *testing.T) {
	k, err := New(keys()["EdDSA"], "") // whose signatures do not differ
	require.NoError(t, err)
	header, err := k.Header(map[string]any{"typ": "x"})
	require.NoError(t, err)
	shared, err := k.SignWith(header, []byte("payload"))
	require.NoError(t, err)
	own, err := k.Sign(map[string]any{"typ": "x"}, []byte("payload"))
	require.NoError(t, err)
	assert.Equal(t, own, shared)
}
