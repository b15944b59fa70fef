package authtest

import (
	"bufio"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// arrived parses a raw request as a server would.
func arrived(t *testing.T, raw string, overTLS bool) (*http.Request, []byte) {
	t.Helper()
	head, body, _ := strings.Cut(raw, "\n\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)))
	require.NoError(t, err)
	if overTLS {
		r.TLS = &tls.ConnectionState{}
	}
	return r, []byte(body)
}

// RFC 5849 section 1.2, OAuth Core 1.0a appendix A.5, X "Creating a signature"
// in its three generations, and the wiki.oauth.net test case for RSA-SHA1.
func TestPublishedSignatures(t *testing.T) {
	const (
		rfcSecret = "kd94hf93k423kf44"
		xSecret   = "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"
		xToken    = "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"
		xBody     = "\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\nContent-Length: 76\n\nstatus=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21"
	)
	xHeader := func(method, signature string) string {
		return `Authorization: OAuth oauth_consumer_key="xvz1evFS4wEEPTGEFPHBog", oauth_nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", oauth_signature="` +
			percentEncode(signature) + `", oauth_signature_method="` + method + `", oauth_timestamp="1318622958", oauth_token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", oauth_version="1.0"` + xBody
	}
	for name, c := range map[string]struct {
		raw                 string
		tls                 bool
		secret, tokenSecret string
	}{
		"RFC 5849 1.2 initiate": {`POST /initiate HTTP/1.1
Host: photos.example.net
Authorization: OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131200", oauth_nonce="wIjqoS", oauth_callback="http%3A%2F%2Fprinter.example.com%2Fready", oauth_signature="74KNZJeDHnMBp0EMJ9ZHt%2FXKycU%3D"`,
			true, rfcSecret, ""},
		"RFC 5849 1.2 token": {`POST /token HTTP/1.1
Host: photos.example.net
Authorization: OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="hh5s93j4hdidpola", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="walatlh", oauth_verifier="hfdp7dh39dks9884", oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"`,
			true, rfcSecret, "hdhd0244k9j7ao03"},
		"RFC 5849 1.2 photos": {`GET /photos?file=vacation.jpg&size=original HTTP/1.1
Host: photos.example.net
Authorization: OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131202", oauth_nonce="chapoH", oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"`,
			false, rfcSecret, "pfkkdhi9sl3r4s00"},
		"OAuth Core A.5": {`GET /photos?size=original&file=vacation.jpg HTTP/1.1
Host: photos.example.net
Authorization: OAuth realm="http://photos.example.net/", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", oauth_signature_method="HMAC-SHA1", oauth_timestamp="1191242096", oauth_nonce="kllo9940pd9333jh", oauth_version="1.0", oauth_signature="tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D"`,
			false, rfcSecret, "pfkkdhi9sl3r4s00"},
		"X 1":            {"POST /1/statuses/update.json?include_entities=true HTTP/1.1\nHost: api.twitter.com\n" + xHeader("HMAC-SHA1", "tnnArxj06cWHq44gCs1OSKk/jLY="), true, xSecret, xToken},
		"X 1.1":          {"POST /1.1/statuses/update.json?include_entities=true HTTP/1.1\nHost: API.twitter.com:443\n" + xHeader("HMAC-SHA1", "hCtSmYh+iHYCEqBWrE7C7hYmtUk="), true, xSecret, xToken},
		"X api.x.com":    {"POST https://api.x.com/1.1/statuses/update.json?include_entities=true HTTP/1.1\nHost: api.x.com\n" + xHeader("HMAC-SHA1", "Ls93hJiZbQ3akF3HF3x1Bz8/zU4="), true, xSecret, xToken},
		"X, HMAC-SHA256": {"POST /1.1/statuses/update.json?include_entities=true HTTP/1.1\nHost: api.twitter.com\n" + xHeader("HMAC-SHA256", "PLbq+OWUE2vwiOZeZBSR06GFvymUHoaBdCIHyD66IcM="), true, xSecret, xToken},
		"wiki RSA-SHA1, in the query": {"GET /photos?file=vacaction.jpg&size=original&oauth_consumer_key=dpf43f3p2l4k3l03&oauth_signature_method=RSA-SHA1&oauth_timestamp=1196666512&oauth_nonce=13917289812797014437&oauth_version=1.0&oauth_signature=" +
			percentEncode("jvTp/wX1TYtByB1m+Pbyo0lnCOLIsyGCH7wke8AUs3BpnwZJtAuEJkvQL2/9n4s5wUmUl4aCI4BwpraNx4RtEXMe5qg5T1LVTGliMRpKasKsW//e+RinhejgCuzoH26dyF8iY2ZZ/5D1ilgeijhV/vBka5twt399mXwaYdCwFYE=") + " HTTP/1.1\nHost: photos.example.net",
			false, "", ""},
		"wiki RSA-SHA256, in the query": {"GET /photos?file=vacaction.jpg&size=original&oauth_consumer_key=dpf43f3p2l4k3l03&oauth_signature_method=RSA-SHA256&oauth_timestamp=1196666512&oauth_nonce=13917289812797014437&oauth_version=1.0&oauth_signature=" +
			percentEncode("kd2wjpiASoDx6BqAMHy/k8CqNdyZv4opl1U4bBN1EBi8vmSHRVfw4h72BDerCp7M8pNEZEAUtvTOhgGNPh04cMmTeB/89Ok8GxYqIqVeYfKK5buzrNoOOAhjRUFpTvNOChNbRnlE04/d3hAITJjjykQtIZ2FWxJ4JO0gOdfKY0c=") + " HTTP/1.1\nHost: photos.example.net",
			false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, body := arrived(t, c.raw, c.tls)
			s, err := readSigned(r, body)
			require.NoError(t, err)
			p := &Provider{ClientSecret: c.secret, config: Config{RSAPublicKey: wikiKey(t)}}
			assert.True(t, p.knownMethod(s.protocol["oauth_signature_method"]))
			assert.True(t, p.verifySignature(s, c.tokenSecret), s.baseString())

			s.method += "X"
			assert.False(t, p.verifySignature(s, c.tokenSecret), "a changed request")
		})
	}
}

// RFC 5849 section 3.4.1.1 and, over the same base string, oauthlib's values.
func TestPublishedBaseString(t *testing.T) {
	const want = `POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7`
	r, body := arrived(t, `POST /request?b5=%3D%253D&a3=a&c%40=&a2=r%20b HTTP/1.1
Host: EXAMPLE.com:80
Content-Type: application/x-www-form-urlencoded
Content-Length: 9
Authorization: OAuth realm="Exa,mple", oauth_consumer_key="9djdj82h48djs9d2",oauth_token="kkk9d7dh3k39sjv7", oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"

c2&a3=2+q`, false)
	s, err := readSigned(r, body)
	require.NoError(t, err)
	assert.Equal(t, want, s.baseString())

	p := &Provider{ClientSecret: "ECrDNoq1VYzzzzzzzzzyAK7TwZNtPnkqatqZZZZ"}
	for method, signature := range map[string]string{
		"HMAC-SHA1":   "wsdNmjGB7lvis0UJuPAmjvX/PXw=",
		"HMAC-SHA256": "wdfdHUKXHbOnOGZP8WFAWMSAmWzN3EVBWWgXGlC/Eo4=",
		"HMAC-SHA512": "u/vlyZFDxOWOZ9UUXwRBJHvq8/T4jCA74ocRmn2ECnjUBTAeJiZIRU8hDTjS88Tz1fGONffMpdZxUkUTW3k1kg==",
	} {
		s.protocol["oauth_signature_method"], s.protocol["oauth_signature"] = method, signature
		assert.True(t, p.verifySignature(s, "just-a-string    asdasd"), method)
	}
}

// RFC 5849 sections 3.4.1.2 and 3.6, wiki.oauth.net TestCases 5.1 and 9.1.1.
func TestPublishedNormalization(t *testing.T) {
	for raw, want := range map[string]string{
		"GET /r%20v/X?id=123 HTTP/1.1\nHost: EXAMPLE.COM:80": "http://example.com/r%20v/X",
		"GET / HTTP/1.1\nHost: www.example.com:443":          "http://www.example.com:443/",
		"GET http://example.com?q HTTP/1.1\nHost: x":         "http://example.com/",
	} {
		r, _ := arrived(t, raw, false)
		s, err := readSigned(r, nil)
		require.NoError(t, err)
		assert.Equal(t, want, s.uri)
	}
	for raw, want := range map[string]string{
		"GET /?q=1 HTTP/1.1\nHost: www.example.net:8080":                  "https://www.example.net:8080/",
		"GET / HTTP/1.1\nHost: www.example.com:443":                       "https://www.example.com/",
		"GET /a//b/../c HTTP/1.1\nHost: [123:db8:fd00:1000::5]:13000":     "https://[123:db8:fd00:1000::5]:13000/a//b/../c",
		"GET /?u=http://elsewhere.example/ HTTP/1.1\nHost: a.example.com": "https://a.example.com/",
	} {
		r, _ := arrived(t, raw, true)
		s, err := readSigned(r, nil)
		require.NoError(t, err)
		assert.Equal(t, want, s.uri)
	}
	for raw, want := range map[string]string{
		"abcABC123": "abcABC123", "-._~": "-._~", "%": "%25", "+": "%2B", "&=*": "%26%3D%2A",
		"\n": "%0A", " ": "%20", "\u007f": "%7F", "\u0080": "%C2%80", "\u3001": "%E3%80%81",
	} {
		assert.Equal(t, want, percentEncode(raw))
	}
	for query, want := range map[string]string{
		"name": "name=", "a=b": "a=b", "c=d&a=b": "a=b&c=d", "a=x!y&a=x+y": "a=x%20y&a=x%21y", "x!y=a&x=a": "x=a&x%21y=a",
		"a=%zz;b&c=%": "a=%25zz%3Bb&c=%25",
	} {
		s := signedRequest{signed: formParameters(query)}
		assert.Equal(t, "&&"+percentEncode(want), s.baseString())
	}
}

// wikiKey is the public half of the throw-away key of wiki.oauth.net.
func wikiKey(t *testing.T) *rsa.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(`-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC0YjCwIfYoprq/FQO6lb3asXrx
LlJFuCvtinTF5p0GxvQGu5O3gYytUvtC2JlYzypSRjVxwxrsuRcP3e641SdASwfr
mzyvIgP08N4S0IFzEURkV1wp/IpH7kH41EtbmUmrXSwfNZsnQRE5SYSOhh+LcK2w
yQkdgcMv11l4KoBkcwIDAQAB
-----END PUBLIC KEY-----`))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PublicKey)
}

func TestBodyIsReadableAfterVerification(t *testing.T) {
	r, _ := arrived(t, "POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc", false)
	assert.Equal(t, "abc", string(bodyOf(r)))
	again, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, "abc", string(again))
}
