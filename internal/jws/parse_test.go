package jws

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keys are private keys of each kind, by the algorithm that is usual with the kind.
var keys = sync.OnceValue(func() map[string]crypto.Signer {
	all := make(map[string]crypto.Signer)
	all["RS256"], _ = rsa.GenerateKey(rand.Reader, 2048)
	all["ES256"], _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	all["ES384"], _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	all["ES512"], _ = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, all["EdDSA"], _ = ed25519.GenerateKey(rand.Reader)
	return all
})

// text returns DER as PEM.
func text(kind string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(signer crypto.Signer) string {
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	return text("PRIVATE KEY", der, err)
}

// privateText returns a private key as a JSON Web Key with further members.
func privateText(t testing.TB, signer crypto.Signer, further map[string]any) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	k, err := New(signer, "")
	require.NoError(t, err)
	members := make(map[string]any)
	require.NoError(t, json.Unmarshal(k.PublicJWK(), &members))
	switch private := signer.(type) {
	case *rsa.PrivateKey:
		members["d"], members["p"], members["q"] = encode(private.D.Bytes()), encode(private.Primes[0].Bytes()), encode(private.Primes[1].Bytes())
	case *ecdsa.PrivateKey:
		d, err := private.Bytes()
		require.NoError(t, err)
		members["d"] = encode(d)
	case ed25519.PrivateKey:
		members["d"] = encode(private.Seed())
	}
	for name, value := range further {
		members[name] = value
		if value == nil {
			delete(members, name)
		}
	}
	b, err := json.Marshal(members)
	require.NoError(t, err)
	return string(b)
}

func TestKeysOfEachFormatAreRead(t *testing.T) {
	forms := func(t *testing.T, usual string, signer crypto.Signer) map[string]string {
		all := map[string]string{"PKCS#8": pkcs8(signer), "JWK": privateText(t, signer, nil)}
		switch private := signer.(type) {
		case *rsa.PrivateKey:
			all["PKCS#1"] = text("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private), nil)
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(private)
			all["SEC 1"] = text("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}, nil) + text("EC PRIVATE KEY", der, err)
		}
		for name, text := range maps.Clone(all) {
			if name == "JWK" {
				continue
			}
			all[name+" with CRLF"] = strings.ReplaceAll(text, "\n", "\r\n")
			all[name+" with escaped line breaks"] = strings.ReplaceAll(text, "\n", `\n`)
			all[name+" with spaces for line breaks"] = strings.ReplaceAll(text, "\n", " ")
			all[name+" without a line break"] = strings.ReplaceAll(text, "\n", "")
			all[name+" in base64"] = base64.StdEncoding.EncodeToString([]byte(text))
			all[name+" in base64 with lines"] = lines(base64.StdEncoding.EncodeToString([]byte("\ufeff\n"+text)), 76)
			all[name+" in base64url"] = base64.RawURLEncoding.EncodeToString([]byte(text))
			all[name+" indented"] = strings.ReplaceAll("\n"+text, "\n", "\n\t ")
			all[name+" after a certificate"] = text + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
		}
		return all
	}
	for usual, signer := range keys() {
		for form, text := range forms(t, usual, signer) {
			t.Run(usual+" "+form, func(t *testing.T) {
				parsed, err := Parse(text)
				require.NoError(t, err)
				k := parsed.key(t, "")
				assert.Equal(t, usual, k.Algorithm())
				signed, err := k.Sign(nil, []byte("payload"))
				require.NoError(t, err)
				own, err := New(signer, "")
				require.NoError(t, err)
				assert.True(t, verified(t, own, signed), "by the original key")
			})
		}
	}
}

// lines breaks a text into lines, as the program base64 does.
func lines(text string, width int) string {
	var b strings.Builder
	for ; len(text) > width; text = text[width:] {
		b.WriteString(text[:width] + "\n")
	}
	return b.String() + text + "\n"
}

func TestJSONWebKeyInBase64IsRead(t *testing.T) {
	text := privateText(t, keys()["EdDSA"], map[string]any{"kid": "k1"})
	parsed, err := Parse(base64.StdEncoding.EncodeToString([]byte(text)))
	require.NoError(t, err)
	assert.Equal(t, "k1", parsed.ID)
}

func TestMembersOfJSONWebKeys(t *testing.T) {
	parsed, err := Parse(privateText(t, keys()["RS256"], map[string]any{"alg": "PS256", "kid": "k1", "use": "sig", "key_ops": []string{"verify", "sign"}}))
	require.NoError(t, err)
	assert.Equal(t, "PS256", parsed.Algorithm)
	assert.Equal(t, "k1", parsed.ID)
	parsed, err = Parse(`{"kty":"oct","k":"` + strings.Repeat("A", 44) + `=","alg":"HS256","kid":"k2"}`)
	require.NoError(t, err)
	assert.Len(t, parsed.Secret, 33)
	assert.Equal(t, "k2", parsed.ID)
}

func TestTextThatIsNoSigningKeyIsRefused(t *testing.T) {
	p256, other := keys()["ES256"].(*ecdsa.PrivateKey), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	foreign := must(New(other, ""))
	var members map[string]any
	require.NoError(t, json.Unmarshal(foreign.PublicJWK(), &members))
	public, err := x509.MarshalPKIXPublicKey(p256.Public())
	agreement, agreementErr := x509.MarshalPKCS8PrivateKey(must(ecdh.X25519().GenerateKey(rand.Reader)))
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                 {" \n", "the key is empty"},
		"a word":                  {"secret-word", "neither PEM"},
		"base64 of a word":        {base64.StdEncoding.EncodeToString([]byte("secret-word")), "neither PEM"},
		"base64 twice":            {base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(pkcs8(keys()["EdDSA"]))))), "neither PEM"},
		"PEM without its ends":    {strings.Split(pkcs8(keys()["EdDSA"]), "\n")[1], "put the lines -----BEGIN PRIVATE KEY----- and"},
		"a Google account file":   {`{"type":"service_account","private_key":"secret-word"}`, "NewGoogle reads the account files"},
		"JSON of something else":  {`{"type":"secret-word"}`, "no kty"},
		"a file name":             {"/etc/secret-word.pem", "neither PEM"},
		"a public key":            {text("PUBLIC KEY", public, err), "is a public key"},
		"a certificate":           {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "is a certificate"},
		"an encrypted key":        {text("ENCRYPTED PRIVATE KEY", []byte("x"), nil), "is encrypted"},
		"an old encrypted key":    {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----", "is encrypted"},
		"OpenSSH":                 {text("OPENSSH PRIVATE KEY", []byte("x"), nil), "ssh-keygen"},
		"DSA":                     {text("DSA PRIVATE KEY", []byte("x"), nil), "is not known"},
		"damaged PKCS#8":          {text("PRIVATE KEY", []byte("x"), nil), "PRIVATE KEY is damaged"},
		"a key for agreement":     {text("PRIVATE KEY", agreement, agreementErr), "which does not sign"},
		"cut off":                 {pkcs8(p256)[:100], "damaged or cut off"},
		"two keys":                {pkcs8(p256) + pkcs8(other), "several private keys"},
		"JSON that does not end":  {`{"kty":"EC","d":"secret-word`, "its JSON cannot be read"},
		"a number that is a text": {`{"kty":"EC","d":"*secret-word*"}`, "its JSON cannot be read"},
		"a set":                   {`{"keys":[]}`, "a set of keys"},
		"a public JWK":            {string(must(New(p256, "")).PublicJWK()), "is a public key"},
		"another kind":            {`{"kty":"AKP","d":"AA"}`, `the kty "AKP"`},
		"another curve":           {`{"kty":"EC","crv":"secp256k1","d":"AA"}`, `the crv "secp256k1"`},
		"another Edwards curve":   {`{"kty":"OKP","crv":"X25519","d":"AA"}`, `the crv "X25519"`},
		"for encryption":          {privateText(t, p256, map[string]any{"use": "enc"}), "not for signatures"},
		"for verifying":           {privateText(t, p256, map[string]any{"key_ops": []string{"verify"}}), `lack "sign"`},
		"no secret":               {`{"kty":"oct"}`, "has no k"},
		"another public half":     {privateText(t, p256, members), "do not belong together"},
		"d too long":              {privateText(t, p256, map[string]any{"d": strings.Repeat("A", 60)}), "do not belong together"},
		"d of zero":               {privateText(t, p256, map[string]any{"d": "AA"}), "do not belong together"},
		"no point":                {privateText(t, p256, map[string]any{"x": "AA"}), "do not belong together"},
		"another Ed25519 half":    {privateText(t, keys()["EdDSA"], map[string]any{"x": strings.Repeat("A", 43)}), "do not belong together"},
		"a short Ed25519 key":     {privateText(t, keys()["EdDSA"], map[string]any{"d": "AAAA"}), "do not belong together"},
		"RSA without primes":      {privateText(t, keys()["RS256"], map[string]any{"p": nil}), "has no p and q"},
		"RSA of foreign primes":   {privateText(t, keys()["RS256"], map[string]any{"p": base64.RawURLEncoding.EncodeToString(short.Primes[0].Bytes())}), "do not belong together"},
		"RSA with a huge e":       {privateText(t, keys()["RS256"], map[string]any{"e": strings.Repeat("_", 20)}), "do not belong together"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(test.text)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "secret-word")
		})
	}
	parsed, err := Parse(text("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short), nil))
	require.NoError(t, err)
	_, err = New(parsed.Signer, "")
	assert.ErrorContains(t, err, "1024 bits")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whatever is parsed signs, or New says why not; no error shows what was given.
func FuzzParse(f *testing.F) {
	for _, signer := range keys() {
		f.Add(pkcs8(signer))
		f.Add(privateText(f, signer, map[string]any{"alg": "ES256", "key_ops": []string{"sign"}}))
	}
	f.Add(`{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}`)
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text)
		if err != nil {
			if len(text) > 40 {
				require.NotContains(t, err.Error(), text[20:40])
			}
			return
		}
		require.NotEqual(t, parsed.Signer == nil, parsed.Secret == nil)
		if parsed.Signer == nil {
			return
		}
		k, err := New(parsed.Signer, "")
		if err != nil {
			return
		}
		signed, err := k.Sign(map[string]any{"kid": parsed.ID}, []byte(text))
		require.NoError(t, err)
		require.True(t, verified(t, k, signed), fmt.Sprint(k))
	})
}
