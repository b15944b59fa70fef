package doors

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestResponseOfRFC7616(t *testing.T) { // section 3.9.1
	for algorithm, want := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"":        "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		o := offer{Realm: "http-auth@example.org", Nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", Algorithm: algorithm}
		got := o.response("Mufasa", "Circle of Life", "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "GET", "/dir/index.html")
		assert.Equal(t, want, got, algorithm)
	}
}

func TestChallenges(t *testing.T) {
	type params = map[string]string
	for header, want := range map[string][]challenge{
		"":                                      nil,
		"Negotiate":                             {{"negotiate", params{}}},
		"Bearer":                                {{"bearer", params{}}},
		`Basic realm="x"`:                       {{"basic", params{"realm": "x"}}},
		`Digest Realm = "a, b=\"c\"", qop=auth`: {{"digest", params{"realm": `a, b="c"`, "qop": "auth"}}},
		`DPoP error="use_dpop_nonce", algs="ES256 PS256", Bearer realm=y`: {
			{"dpop", params{"error": "use_dpop_nonce", "algs": "ES256 PS256"}}, {"bearer", params{"realm": "y"}},
		},
		`Newauth realm="apps", type=1, title="Login to \"apps\"", , Basic realm="simple"`: { // RFC 9110 section 11.6.1
			{"newauth", params{"realm": "apps", "type": "1", "title": `Login to "apps"`}}, {"basic", params{"realm": "simple"}},
		},
		`realm="without a scheme"`: nil,
		`Basic realm="open`:        {{"basic", params{"realm": "open"}}},
		`Basic realm="\`:           {{"basic", params{"realm": `\`}}},
	} {
		assert.Equal(t, want, challenges(http.Header{"Www-Authenticate": {header}}), header)
	}
}

func FuzzChallenges(f *testing.F) {
	f.Add(`Digest realm="a\"b", nonce=c, Basic`, `x"\`)
	f.Fuzz(func(t *testing.T, header, text string) {
		challenges(http.Header{"Www-Authenticate": {header}})
		if quoted := quote(text); unquote(quoted) != text {
			t.Errorf("%q became %q", text, quoted)
		}
	})
}
