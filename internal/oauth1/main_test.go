package oauth1_test

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/internal/wire"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// publishedKey is the throw-away key of the test cases on wiki.oauth.net.
const publishedKey = `-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALRiMLAh9iimur8V
A7qVvdqxevEuUkW4K+2KdMXmnQbG9Aa7k7eBjK1S+0LYmVjPKlJGNXHDGuy5Fw/d
7rjVJ0BLB+ubPK8iA/Tw3hLQgXMRRGRXXCn8ikfuQfjUS1uZSatdLB81mydBETlJ
hI6GH4twrbDJCR2Bwy/XWXgqgGRzAgMBAAECgYBYWVtleUzavkbrPjy0T5FMou8H
X9u2AC2ry8vD/l7cqedtwMPp9k7TubgNFo+NGvKsl2ynyprOZR1xjQ7WgrgVB+mm
uScOM/5HVceFuGRDhYTCObE+y1kxRloNYXnx3ei1zbeYLPCHdhxRYW7T0qcynNmw
rn05/KO2RLjgQNalsQJBANeA3Q4Nugqy4QBUCEC09SqylT2K9FrrItqL2QKc9v0Z
zO2uwllCbg0dwpVuYPYXYvikNHHg+aCWF+VXsb9rpPsCQQDWR9TT4ORdzoj+Nccn
qkMsDmzt0EfNaAOwHOmVJ2RVBspPcxt5iN4HI7HNeG6U5YsFBb+/GZbgfBT3kpNG
WPTpAkBI+gFhjfJvRw38n3g/+UeAkwMI2TJQS4n8+hid0uus3/zOjDySH3XHCUno
cn1xOJAyZODBo47E+67R4jV1/gzbAkEAklJaspRPXP877NssM5nAZMU0/O/NGCZ+
3jPgDUno6WbJn5cqm8MqWhW1xGkImgRk+fkDBquiq4gPiT898jusgQJAd5Zrr6Q8
AO/0isr/3aa6O6NLQxISLKcPDk2NOccAfS/xOtfOz4sJYM3+Bs4Io9+dZGSDCA54
Lw03eHTNQghS0A==
-----END PRIVATE KEY-----
`

func testKey(t testing.TB) crypto.Signer {
	t.Helper()
	block, _ := pem.Decode([]byte(publishedKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

// newSigner returns the Signer of a config that has to be right.
func newSigner(t testing.TB, config oauth1.Config) *oauth1.Signer {
	t.Helper()
	signer, err := oauth1.New(config)
	require.NoError(t, err)
	return signer
}

// newRequest returns a request, with a form as its body if form is not empty.
func newRequest(t testing.TB, method, address, form string) (*http.Request, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form))
	require.NoError(t, err)
	if form == "" {
		return req, nil
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, []byte(form)
}

// headerParam returns one parameter of an Authorization header, decoded.
func headerParam(t testing.TB, header, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(header, name+`="`)
	require.True(t, found, "no %s in %s", name, header)
	value, _, _ := strings.Cut(rest, `"`)
	value, err := url.PathUnescape(value)
	require.NoError(t, err)
	return value
}

// normalised returns the normalised parameters (section 3.4.1.3.2) that are
// in a base string.
func normalised(t testing.TB, base string) string {
	t.Helper()
	parts := strings.Split(base, "&")
	require.Len(t, parts, 3)
	params, err := url.PathUnescape(parts[2])
	require.NoError(t, err)
	return params
}

// baseURI returns the base string URI (section 3.4.1.2) that is in a base
// string.
func baseURI(t testing.TB, base string) string {
	t.Helper()
	uri, err := url.PathUnescape(strings.Split(base, "&")[1])
	require.NoError(t, err)
	return uri
}

// encode is the encoding of section 3.6.
func encode(s string) string { return string(wire.AppendEscaped(nil, s)) }
