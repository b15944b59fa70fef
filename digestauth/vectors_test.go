package digestauth

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/challenge"
	oracle "github.com/icholy/digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The vectors of RFC 7616 section 3.9 and RFC 2617 section 3.5, as printed. RFC 7616
// section 3.9.2 prints values of SHA-512 cut to 256 bits; corrected are those of
// SHA-512/256, which is the algorithm of the name SHA-512-256 (section 6.1).
func TestPublishedVectors(t *testing.T) {
	const (
		sharedNonce  = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
		sharedCnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
		sharedOpaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
	)
	shared := []string{
		`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="` + sharedNonce + `", opaque="` + sharedOpaque + `"`,
		`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="` + sharedNonce + `", opaque="` + sharedOpaque + `"`,
	}
	for _, test := range []struct {
		name       string
		challenges []string
		user       string
		password   string
		url        string
		cnonce     string
		want       []string
	}{
		{"RFC 7616 3.9.1, SHA-256", shared, "Mufasa", "Circle of Life", "http://www.example.org/dir/index.html", sharedCnonce, []string{
			`username="Mufasa"`, `realm="http-auth@example.org"`, `uri="/dir/index.html"`, `algorithm=SHA-256`, `nonce="` + sharedNonce + `"`, `nc=00000001`,
			`cnonce="` + sharedCnonce + `"`, `qop=auth`, `response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`, `opaque="` + sharedOpaque + `"`,
		}},
		{"RFC 7616 3.9.1, MD5", shared[1:], "Mufasa", "Circle of Life", "http://www.example.org/dir/index.html", sharedCnonce, []string{
			`algorithm=MD5`, `response="8ca523f5e9506fed4657c9700eebdbec"`,
		}},
		{"RFC 7616 3.9.2, corrected", []string{
			`Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true`,
		}, "J\u00e4s\u00f8n Doe", "Secret, or not?", "http://api.example.org/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", []string{
			`username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"`, `userhash=true`, `algorithm=SHA-512-256`,
			`response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"`,
		}},
		{"RFC 2617 3.5", []string{
			`Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		}, "Mufasa", "Circle Of Life", "http://www.nowhere.org/dir/index.html", "0a4f113b", []string{
			`response="6629fae49393a05397450978507c4ef1"`, `opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		}},
	} {
		o, err := choose(challenge.Parse(test.challenges), true)
		require.NoError(t, err, test.name)
		o.cnonce = test.cnonce
		req, err := http.NewRequest(http.MethodGet, test.url, nil)
		require.NoError(t, err)
		value, err := o.answer(test.user, test.password, req, 1)
		require.NoError(t, err, test.name)
		for _, want := range test.want {
			assert.Contains(t, strings.Split(strings.TrimPrefix(value, "Digest "), ", "), want, test.name)
		}
	}
}

// A user name outside ASCII is spelled as in RFC 7616 section 3.4.4 if the server says
// that it reads UTF-8.
func TestUserNameInUTF8(t *testing.T) {
	req, err := http.NewRequest(http.MethodGet, "http://api.example.org/doe.json", nil)
	require.NoError(t, err)
	value, err := (&offer{hash: algorithms[1].hash, utf8: true}).answer("J\u00e4s\u00f8n Doe", "p", req, 1)
	require.NoError(t, err)
	assert.Contains(t, value, `username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, `)
}

// Whatever a server sends, there is an error or a header that another program reads.
func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="r", qop="auth, auth-int", algorithm=SHA-256-sess, nonce="n", opaque="o\"p", userhash=true, charset=UTF-8`, "/a?b=c", "user")
	f.Add(`Basic realm="x", Digest qop=auth-int nonce=x;algorithm=MD5`, "*", `a"b\`)
	f.Add("Digest realm=\"\\", "//", "\xff")
	f.Add("Digest nonce=\x99", "8", "user")
	f.Fuzz(func(t *testing.T, header, path, user string) {
		o, err := choose(challenge.Parse([]string{header}), true)
		if err != nil {
			return
		}
		req, err := http.NewRequest(http.MethodGet, "http://example.org", nil)
		require.NoError(t, err)
		req.URL.Path = path
		const password = "the password of nobody"
		value, err := o.answer(user, password, req, 7)
		require.NoError(t, err)
		require.NotContains(t, value, password)
		if !utf8.ValidString(header + user) {
			return // bytes stay, and the oracle reads letters
		}
		read, err := oracle.ParseCredentials(value)
		require.NoError(t, err, value)
		require.Equal(t, o.nonce, read.Nonce)
		require.Equal(t, o.realm, read.Realm)
		require.Equal(t, o.opaque, read.Opaque)
		require.Equal(t, req.URL.RequestURI(), read.URI)
		require.Equal(t, o.qop, read.QOP)
	})
}
