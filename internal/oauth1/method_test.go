package oauth1_test

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	dghubble "github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// custom is a signature method of the caller's own.
type custom struct {
	name, signature string
	err             error
}

func (c custom) Name() string { return c.name }

func (c custom) Sign(tokenSecret, base string) (string, error) {
	return strings.NewReplacer("TOKEN", tokenSecret, "BASE", base).Replace(c.signature), c.err
}

func TestCustomSigner(t *testing.T) {
	req, _ := newRequest(t, "GET", "https://h/", "")
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", Token: "t", TokenSecret: "u", Custom: custom{name: "My/Method", signature: "<TOKEN|BASE>"}})
	params, err := signer.Sign(req, nil, stamp)
	require.NoError(t, err)
	assert.Equal(t, "My/Method", headerParam(t, params.Header(), "oauth_signature_method"))
	assert.Equal(t, "<u|GET&https%3A%2F%2Fh%2F&oauth_consumer_key%3Dc%26oauth_nonce%3Dn%26oauth_signature_method%3DMy%252FMethod%26oauth_timestamp%3D1%26oauth_token%3Dt%26oauth_version%3D1.0>",
		headerParam(t, params.Header(), "oauth_signature"))

	refused := errors.New("refused")
	signer = newSigner(t, oauth1.Config{ConsumerKey: "c", Custom: custom{name: "X", err: refused}})
	_, err = signer.Sign(req, nil, stamp)
	assert.ErrorIs(t, err, refused)
}

// The signers of dghubble/oauth1 plug in, and agree with ours.
func TestSignersOfDghubblePlugIn(t *testing.T) {
	for method, plugged := range map[string]dghubble.Signer{
		oauth1.HMACSHA1:   &dghubble.HMACSigner{ConsumerSecret: "s"},
		oauth1.HMACSHA256: &dghubble.HMAC256Signer{ConsumerSecret: "s"},
		oauth1.RSASHA1:    &dghubble.RSASigner{PrivateKey: testKey(t).(*rsa.PrivateKey)},
	} {
		config := oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s", Token: "t", TokenSecret: "ü", Method: method}
		if method == oauth1.RSASHA1 {
			config.PrivateKey = testKey(t)
		}
		req, _ := newRequest(t, "GET", "https://h/?a=1", "")
		ours, err := newSigner(t, config).Sign(req, nil, stamp)
		require.NoError(t, err)
		config.Method, config.PrivateKey, config.Custom = "", nil, plugged
		theirs, err := newSigner(t, config).Sign(req, nil, stamp)
		require.NoError(t, err)
		assert.Equal(t, theirs.Header(), ours.Header(), method)
	}
}

// remoteKey is an RSA key that is not in this process.
type remoteKey struct {
	crypto.Signer
	err error
}

func (k remoteKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.err != nil {
		return nil, k.err
	}
	return k.Signer.Sign(random, digest, opts)
}

func TestRSASignaturesVerify(t *testing.T) {
	for method, hash := range map[string]crypto.Hash{
		oauth1.RSASHA1: crypto.SHA1, oauth1.RSASHA256: crypto.SHA256, oauth1.RSASHA512: crypto.SHA512,
	} {
		for _, key := range []crypto.Signer{testKey(t), remoteKey{Signer: testKey(t)}} {
			signature, err := oauth1.SignBase(newSigner(t, oauth1.Config{ConsumerKey: "c", Method: method, PrivateKey: key}), "base")
			require.NoError(t, err)
			raw, err := base64.StdEncoding.DecodeString(signature)
			require.NoError(t, err)
			digest := hash.New()
			digest.Write([]byte("base"))
			assert.NoError(t, rsa.VerifyPKCS1v15(key.Public().(*rsa.PublicKey), hash, digest.Sum(nil), raw))
		}
	}
	offline := errors.New("offline")
	req, _ := newRequest(t, "GET", "https://h/", "")
	_, err := newSigner(t, oauth1.Config{ConsumerKey: "c", Method: oauth1.RSASHA1, PrivateKey: remoteKey{testKey(t), offline}}).Sign(req, nil, stamp)
	assert.ErrorIs(t, err, offline)
}

// The first value is the example of the OAuth Request Body Hash extension.
func TestBodyHash(t *testing.T) {
	for _, c := range []struct {
		config     oauth1.Config
		body, want string
	}{
		{oauth1.Config{}, "Hello World!", "Lve95gjOVATpfV8EL5X4nxwjKHE="},
		{oauth1.Config{}, "", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
		{oauth1.Config{Method: oauth1.Plaintext}, "Hello World!", "Lve95gjOVATpfV8EL5X4nxwjKHE="},
		{oauth1.Config{Method: oauth1.HMACSHA256}, "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
		{oauth1.Config{Method: oauth1.RSASHA512, PrivateKey: testKey(t)}, "", "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="},
		{oauth1.Config{Custom: &dghubble.HMAC256Signer{}}, "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
	} {
		c.config.ConsumerKey = "c"
		param, err := newSigner(t, c.config).BodyHash(strings.NewReader(c.body))
		require.NoError(t, err)
		assert.Equal(t, oauth1.Param{Name: "oauth_body_hash", Value: c.want}, param)
	}
	_, err := newSigner(t, oauth1.Config{ConsumerKey: "c"}).BodyHash(iotest.ErrReader(io.ErrUnexpectedEOF))
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// In FIPS 140-only mode the standard library panics for some methods. New
// gives an error instead. The mode is set for a process, hence a second one.
func TestFIPSOnlyModeIsAnErrorOfNew(t *testing.T) {
	const mark = "OAUTH1_FIPS_ONLY"
	if os.Getenv(mark) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), mark+"=1", "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS: "+t.Name())
		return
	}
	long := strings.Repeat("k", 20)
	for _, config := range []oauth1.Config{
		{Method: oauth1.HMACSHA1, ConsumerSecret: long},
		{Method: oauth1.HMACSHA256, ConsumerSecret: "short"},
		{Method: oauth1.RSASHA1, PrivateKey: remoteKey{Signer: testKey(t)}},
	} {
		config.ConsumerKey = "c"
		_, err := oauth1.New(config)
		assert.ErrorContains(t, err, "is not available here", config.Method)
	}
	newSigner(t, oauth1.Config{ConsumerKey: "c", Method: oauth1.HMACSHA256, ConsumerSecret: long})
}
