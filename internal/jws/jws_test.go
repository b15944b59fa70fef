package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachAlgorithmSigns(t *testing.T) {
	require.Len(t, Algorithms, 13)
	for _, name := range Algorithms {
		t.Run(name, func(t *testing.T) {
			k, err := NewSecret(make([]byte, 64), name)
			if name[0] != 'H' {
				usual := name
				if name[0] == 'R' || name[0] == 'P' {
					usual = "RS256"
				}
				k, err = New(keys()[usual], name)
			}
			require.NoError(t, err)
			for range 20 { // the numbers of ECDSA are sometimes short
				signed, err := k.Sign(map[string]any{"typ": "JWT", "kid": "k1"}, []byte(`{"iss":"i"}`))
				require.NoError(t, err)
				assert.True(t, verified(t, k, signed))
				assert.False(t, verified(t, k, "A"+signed), "another header")
				assert.Equal(t, 2, strings.Count(signed, "."))
			}
		})
	}
}

func TestKeysThatDoNotFitAreRefused(t *testing.T) {
	var none *ecdsa.PrivateKey
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	for name, test := range map[string]struct {
		signer    crypto.Signer
		algorithm string
		want      string
	}{
		"no key":              {nil, "", "the key is nil"},
		"a nil key":           {none, "", "the key is nil"},
		"none":                {keys()["ES256"], "none", `"none" does not sign`},
		"unknown":             {keys()["ES256"], "es256", `unknown algorithm "es256": use ES256, ES384`},
		"another curve":       {keys()["ES256"], "ES384", "ES384 does not fit the key, which is of the kind P-256; ES256 does"},
		"RSA for ECDSA":       {keys()["RS256"], "ES256", "of the kind RSA"},
		"Ed25519 for RSA":     {keys()["EdDSA"], "RS256", "of the kind Ed25519; EdDSA does"},
		"a key for HMAC":      {keys()["ES256"], "HS256", "HS256 needs a secret"},
		"a curve without alg": {p224, "", "no algorithm uses the curve P-224"},
		"a foreign type":      {foreignSigner{public: "x"}, "", "signs with no known algorithm"},
		"a short Ed25519 key": {foreignSigner{public: ed25519.PublicKey("x")}, "", "wrong length"},
		"no point":            {foreignSigner{public: &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}}, "", "not a point"},
	} {
		_, err := New(test.signer, test.algorithm)
		assert.ErrorContains(t, err, test.want, name)
	}
	_, err := NewSecret(make([]byte, 31), "")
	assert.ErrorContains(t, err, "the secret has 31 bytes; HS256 needs at least 32")
	_, err = NewSecret(make([]byte, 63), "HS512")
	assert.ErrorContains(t, err, "at least 64")
	_, err = NewSecret(make([]byte, 64), "HS1")
	assert.ErrorContains(t, err, `unknown algorithm "HS1"`)
	_, err = NewSecret(make([]byte, 64), "none")
	assert.ErrorContains(t, err, "does not sign")
	_, err = NewSecret(make([]byte, 64), "RS256")
	assert.ErrorContains(t, err, "RS256 needs a private key")
}

// foreignSigner is a KMS or HSM that does what a test wants.
type foreignSigner struct {
	public crypto.PublicKey
	sign   func(digest []byte, options crypto.SignerOpts) ([]byte, error)
}

func (s foreignSigner) Public() crypto.PublicKey { return s.public }
func (s foreignSigner) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	return s.sign(digest, options)
}

// messageSigner hashes for itself.
type messageSigner struct{ foreignSigner }

func (s messageSigner) SignMessage(_ io.Reader, message []byte, options crypto.SignerOpts) ([]byte, error) {
	return s.sign(message, options)
}

func TestForeignSigners(t *testing.T) {
	private := keys()["ES256"].(*ecdsa.PrivateKey)
	hashed := func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
		return private.Sign(rand.Reader, digest, nil)
	}
	errKMS := errors.New("the KMS is closed")
	for name, test := range map[string]struct {
		signer crypto.Signer
		want   string
	}{
		"a signer": {foreignSigner{private.Public(), hashed}, ""},
		"a signer of messages": {messageSigner{foreignSigner{private.Public(), func(message []byte, options crypto.SignerOpts) ([]byte, error) {
			h := options.HashFunc().New()
			h.Write(message)
			return hashed(h.Sum(nil), nil)
		}}}, ""},
		"another key": {foreignSigner{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).Public(), hashed}, "does not fit the signer's public key"},
		"numbers side by side": {foreignSigner{private.Public(), func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
			r, s, err := ecdsa.Sign(rand.Reader, private, digest)
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), err
		}}, "does not fit"},
		"failing": {foreignSigner{private.Public(), func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, errKMS }}, errKMS.Error()},
	} {
		k, err := New(test.signer, "")
		require.NoError(t, err)
		signed, err := k.Sign(nil, []byte("payload"))
		if test.want != "" {
			assert.ErrorContains(t, err, test.want, name)
			continue
		}
		require.NoError(t, err, name)
		assert.True(t, verified(t, k, signed), name)
	}
}

func TestHeaderThatIsNoJSON(t *testing.T) {
	k := must(NewSecret(make([]byte, 32), ""))
	header := map[string]any{"x": func() {}}
	_, err := k.Sign(header, nil)
	assert.ErrorContains(t, err, "header")
	assert.NotContains(t, header, "alg", "the caller's map")
}

func TestCertificateThumbprint(t *testing.T) {
	private := keys()["ES256"]
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, private.Public(), private))))
	thumbprint, err := must(New(private, "")).CertificateThumbprint(certificate)
	require.NoError(t, err)
	assert.Len(t, thumbprint, 43)
	for _, other := range []*Key{must(New(keys()["ES384"], "")), must(NewSecret(make([]byte, 32), ""))} {
		_, err = other.CertificateThumbprint(certificate)
		assert.ErrorContains(t, err, "belongs to another key")
	}
}

func TestSecretsHaveNoPublicHalf(t *testing.T) {
	k := must(NewSecret(make([]byte, 32), ""))
	assert.Empty(t, k.PublicJWK())
	assert.Empty(t, k.Thumbprint())
}

func TestKeyPrintsItsTypeAlone(t *testing.T) {
	for _, k := range []*Key{must(NewSecret([]byte(strings.Repeat("secret", 10)), "")), must(New(keys()["EdDSA"], ""))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			assert.Equal(t, "jws.Key", fmt.Sprintf(verb, k))
		}
	}
}
