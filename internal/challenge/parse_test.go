package challenge_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/wire"
)

type (
	list   = []challenge.Challenge
	params = map[string]string
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		values []string
		want   list
	}{
		{nil, nil},
		{[]string{"", " , ,"}, nil},
		{[]string{"Basic"}, list{{Scheme: "Basic"}}},
		// RFC 7235 section 4.1 and RFC 9110 section 11.6.1.
		{[]string{`Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple"`}, list{
			{Scheme: "Newauth", Params: params{"realm": "apps", "type": "1", "title": `Login to "apps"`}},
			{Scheme: "Basic", Params: params{"realm": "simple"}},
		}},
		{[]string{`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`}, list{
			{Scheme: "Basic", Params: params{"realm": "simple"}},
			{Scheme: "Newauth", Params: params{"realm": "apps", "type": "1", "title": `Login to "apps"`}},
		}},
		// RFC 6750 section 3.
		{[]string{`Bearer realm="example", error="invalid_token", error_description="The access token expired"`}, list{
			{Scheme: "Bearer", Params: params{"realm": "example", "error": "invalid_token", "error_description": "The access token expired"}},
		}},
		// RFC 9449 section 7.1.
		{[]string{`DPoP error="invalid_token", error_description="Invalid DPoP key binding", algs="ES256"`}, list{
			{Scheme: "DPoP", Params: params{"error": "invalid_token", "error_description": "Invalid DPoP key binding", "algs": "ES256"}},
		}},
		// RFC 7616 section 3.9.1, two header lines.
		{[]string{
			`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
			`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
		}, list{
			{Scheme: "Digest", Params: params{"realm": "http-auth@example.org", "qop": "auth, auth-int", "algorithm": "SHA-256", "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"}},
			{Scheme: "Digest", Params: params{"realm": "http-auth@example.org", "qop": "auth, auth-int", "algorithm": "MD5", "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"}},
		}},
		// Values without a name.
		{[]string{"Negotiate, NTLM", "Basic"}, list{{Scheme: "Negotiate"}, {Scheme: "NTLM"}, {Scheme: "Basic"}}},
		{[]string{"Negotiate YII/+-._~==, Basic realm=x"}, list{
			{Scheme: "Negotiate", Token68: "YII/+-._~=="}, {Scheme: "Basic", Params: params{"realm": "x"}},
		}},
		{[]string{"A b"}, list{{Scheme: "A", Token68: "b"}}},
		{[]string{"A b=, c=d"}, list{{Scheme: "A", Token68: "b=", Params: params{"c": "d"}}}},
		{[]string{`Negotiate YII=, NTLM TlRM, Bearer realm="r", error="e"`, `DPoP algs="ES256 PS256", Basic realm="b"`, "Newauth"}, list{
			{Scheme: "Negotiate", Token68: "YII="}, {Scheme: "NTLM", Token68: "TlRM"}, {Scheme: "Bearer", Params: params{"realm": "r", "error": "e"}},
			{Scheme: "DPoP", Params: params{"algs": "ES256 PS256"}}, {Scheme: "Basic", Params: params{"realm": "b"}}, {Scheme: "Newauth"},
		}},
		{[]string{`A, b=c, B , d="e,\\", f`}, list{{Scheme: "A", Params: params{"b": "c"}}, {Scheme: "B", Params: params{"d": `e,\`}}, {Scheme: "f"}}},
		{[]string{`A b*=UTF-8''%e2%82%ac, c=d`}, list{{Scheme: "A", Params: params{"b*": "UTF-8''%e2%82%ac", "c": "d"}}}},
		// Spaces, empty elements and letter case.
		{[]string{"\tBASIC \t  Realm \t= \"x\" ,,\t, CharSet=UTF-8 ,"}, list{{Scheme: "BASIC", Params: params{"realm": "x", "charset": "UTF-8"}}}},
		{[]string{`A a=1, a=2, A=3`}, list{{Scheme: "A", Params: params{"a": "1"}}}},
		{[]string{`A a="", b=1`}, list{{Scheme: "A", Params: params{"a": "", "b": "1"}}}},
		{[]string{`A a="\a\\\"", b="ü, Basic x"`}, list{{Scheme: "A", Params: params{"a": `a\"`, "b": "ü, Basic x"}}}},
		{[]string{`A a=`}, list{{Scheme: "A", Token68: "a="}}},
		// Servers that read no RFC.
		{[]string{`OAuth oauth_problem=x&y`}, list{{Scheme: "OAuth", Params: params{"oauth_problem": "x&y"}}}},
		{[]string{`OAuth realm=x&oauth_problem=y&oauth_problem_advice=a%20b`}, list{{Scheme: "OAuth", Params: params{"realm": "x", "oauth_problem": "y", "oauth_problem_advice": "a%20b"}}}},
		{[]string{`oauth_problem=y`}, list{{Params: params{"oauth_problem": "y"}}}},
		{[]string{`realm="a", Basic`}, list{{Params: params{"realm": "a"}}, {Scheme: "Basic"}}},
		{[]string{`Bearer realm="r" error="e"; scope=s`}, list{{Scheme: "Bearer", Params: params{"realm": "r", "error": "e", "scope": "s"}}}},
		{[]string{`Bearer error=e;scope=s`}, list{{Scheme: "Bearer", Params: params{"error": "e", "scope": "s"}}}},
		{[]string{`OAuth a=x&y&z=1`}, list{{Scheme: "OAuth", Params: params{"a": "x&y", "z": "1"}}}},
		{[]string{`@"x",Basic realm=r`}, list{{Scheme: "Basic", Params: params{"realm": "r"}}}},
		{[]string{`Bearer realm=https://a/?b=c, error=e`}, list{{Scheme: "Bearer", Params: params{"realm": "https://a/?b=c", "error": "e"}}}},
		{[]string{`Bearer error_description=The token expired, error=e`}, list{{Scheme: "Bearer", Params: params{"error_description": "The", "error": "e"}}}},
		{[]string{`Bearer a="b`}, list{{Scheme: "Bearer", Params: params{"a": "b"}}}},
		{[]string{`Bearer a="b\`}, list{{Scheme: "Bearer", Params: params{"a": `b\`}}}},
		{[]string{`Bearer a=x"y", b=1`}, list{{Scheme: "Bearer", Params: params{"a": "x", "b": "1"}}}},
		{[]string{`Bearer @"a, Basic"x, b=1`}, list{{Scheme: "Bearer", Params: params{"b": "1"}}}},
		{[]string{`Bearer: a=1, b=2`}, list{{Params: params{"a": "1", "b": "2"}}}},
		{[]string{`Bearer Basic realm=x`}, list{{Scheme: "Bearer", Params: params{"realm": "x"}}}},
		{[]string{"  @ \x00 \xff"}, nil},
	} {
		assert.Equal(t, test.want, challenge.Parse(test.values), "%q", test.values)
	}
}

func TestParseIsBounded(t *testing.T) {
	assert.Len(t, challenge.Parse([]string{strings.Repeat("a,", 1<<20), "Basic"}), 32<<10)
	assert.Empty(t, challenge.Parse([]string{strings.Repeat(" ", 64<<10), "Basic"}))
}

func TestParam(t *testing.T) {
	h := http.Header{"Www-Authenticate": {`Basic realm="a"`, `OAuth realm="b", oauth_problem=""`, `Bearer OAUTH_Problem=c`}}
	assert.Equal(t, "a", challenge.Param(h, "realm"))
	assert.Equal(t, "c", challenge.Param(h, "oauth_problem"))
	assert.Empty(t, challenge.Param(h, "error"))

	other := http.Header{"Content-Type": {"text/plain"}}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if challenge.Param(other, "error") != "" || challenge.Param(nil, "error") != "" {
			t.Error("found in nothing")
		}
	}))
}

// write returns challenges as RFC 9110 writes them.
func write(list list) string {
	var b strings.Builder
	for i, c := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Scheme)
		if c.Token68 != "" {
			b.WriteString(" " + c.Token68)
		}
		separator := " "
		for name, value := range c.Params {
			b.WriteString(separator + name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`)
			separator = ", "
		}
	}
	return b.String()
}

// What is read of any text is written and read again unchanged.
func FuzzParse(f *testing.F) {
	for _, value := range []string{
		`Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple"`,
		`Negotiate YII/+-._~==, Basic realm=x`, `OAuth oauth_problem=x&y`, `OAuth a=b&c=d`, `realm="a\`, `Bearer a="b" c; d=e`, ` , @"x, A b==`,
	} {
		f.Add(value, value)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		parsed := challenge.Parse([]string{first, second})
		if len(first)+len(second) < 1<<10 {
			require.Equal(t, len(parsed), len(challenge.Parse([]string{first}))+len(challenge.Parse([]string{second})))
		}
		for i, c := range parsed {
			require.True(t, c.Scheme == "" || wire.IsToken(c.Scheme))
			require.True(t, c.Params == nil || len(c.Params) > 0)
			for name := range c.Params {
				require.True(t, wire.IsToken(name) && name == strings.ToLower(name))
			}
			if c.Scheme == "" || c.Token68 != "" && len(c.Params) > 0 {
				continue // no server may write this
			}
			require.Equal(t, parsed[i:i+1], challenge.Parse([]string{write(parsed[i : i+1])}))
		}
	})
}
