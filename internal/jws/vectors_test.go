package jws

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vector is a published signature.
type vector struct {
	Source, Algorithm string
	Key               json.RawMessage
	Payload           string
	Header            map[string]any
	Compact           string
}

// key returns the key of a JSON Web Key.
func key(t testing.TB, text, algorithm string) *Key {
	t.Helper()
	p, err := Parse(text)
	require.NoError(t, err)
	return p.key(t, algorithm)
}

func (p Parsed) key(t testing.TB, algorithm string) (k *Key) {
	t.Helper()
	var err error
	if p.Signer == nil {
		k, err = NewSecret(p.Secret, algorithm)
	} else {
		k, err = New(p.Signer, algorithm)
	}
	require.NoError(t, err)
	return k
}

// verified reports whether k's public key accepts a signature in compact form.
func verified(t testing.TB, k *Key, compact string) bool {
	t.Helper()
	end := strings.LastIndexByte(compact, '.')
	signature, err := base64.RawURLEncoding.DecodeString(compact[end+1:])
	require.NoError(t, err)
	return oracle(t, k, []byte(compact[:end]), signature)
}

func TestPublishedSignatures(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.Len(t, vectors, 5)
	for _, v := range vectors {
		t.Run(v.Source, func(t *testing.T) {
			k := key(t, string(v.Key), v.Algorithm)
			assert.True(t, verified(t, k, v.Compact), "the published signature")
			delete(v.Header, "alg")
			signed, err := k.Sign(v.Header, []byte(v.Payload))
			require.NoError(t, err)
			assert.True(t, verified(t, k, signed))
			switch v.Algorithm {
			case "PS384", "ES512": // each signature is another one
				end := strings.LastIndexByte(v.Compact, '.')
				assert.Equal(t, v.Compact[:end], signed[:strings.LastIndexByte(signed, '.')])
				assert.Len(t, signed, len(v.Compact))
			default:
				assert.Equal(t, v.Compact, signed)
			}
		})
	}
}

// The header of these signatures has line breaks, which Sign does not write.
func TestSignaturesOfRFC7515(t *testing.T) {
	const payload = ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	for _, test := range []struct{ source, key, header, signature string }{
		{
			"A.1", `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`,
			"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		},
		{
			"A.3", `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`,
			"eyJhbGciOiJFUzI1NiJ9", "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
		},
	} {
		k := key(t, test.key, "")
		assert.True(t, verified(t, k, test.header+payload+"."+test.signature), test.source)
		if test.source == "A.1" {
			own, err := k.signature([]byte(test.header + payload))
			require.NoError(t, err)
			assert.Equal(t, test.signature, base64.RawURLEncoding.EncodeToString(own))
		}
	}
}

func TestPublishedThumbprints(t *testing.T) {
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		require.NoError(t, err)
		return b
	}
	for _, test := range []struct {
		source, want string
		key          jwk
	}{
		{"RFC 7638 section 3.1", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", jwk{kty: "RSA", e: []byte{1, 0, 1}, n: decode(
			"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")}},
		{"RFC 8037 appendix A.3", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", jwk{kty: "OKP", crv: "Ed25519", x: decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")}},
		{"RFC 9449 section 6.1", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", jwk{
			kty: "EC", crv: "P-256", x: decode("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"), y: decode("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"),
		}},
	} {
		assert.Equal(t, test.want, (&Key{public: test.key}).Thumbprint(), test.source)
	}
}
