package definition_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the format, the pattern and the length of an input allow, and what they do not.
func TestValuesThatAnInputTakes(t *testing.T) {
	label63, host253 := strings.Repeat("a", 63), strings.Repeat("a.", 119)+"bcd.example.com"
	require.Len(t, host253, 253)
	for _, test := range []struct {
		input string
		good  []string
		bad   []string
	}{
		{`"format": "label"`, []string{"a", "a-b", "0", label63}, []string{"-a", "a-", "a.b", "A", "a_b", label63 + "a"}},
		{`"format": "host"`, []string{"a.b", host253}, []string{"a", "a." + label63 + "a", "a-.b", "a.-b", "a.1", "127.0.0.1", "a..b", "a.b.", "A.b", "b" + host253}},
		{`"format": "origin"`, []string{"https://a.b", "https://a.b:65535"}, []string{"a.b", "http://a.b", "https://a", "https://a.b:65536", "https://a.b:0", "https://a.b/", "https://u@a.b", "https://a.b?c"}},
		{`"format": "integer"`, []string{"0", "-12"}, []string{"1.5", "+1", "1e3", strings.Repeat("1", 19)}},
		{`"pattern": "a|b"`, []string{"a", "b"}, []string{"ax", "xb", "ab"}},
		{`"pattern": "(?i)ab"`, []string{"ab", "AB"}, []string{"xab", "abx"}},
		{`"pattern": "\\Qa.\\E"`, []string{"a."}, []string{"ab", "a.x"}},
		{`"secret": true`, []string{strings.Repeat("a", 64<<10)}, []string{strings.Repeat("a", 64<<10+1), "a\nb"}},
		{`"format": "key"`, []string{"a\nb"}, nil},
	} {
		d := parse(t, `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "x", `+test.input+`}], "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "None"}]}`)
		for _, value := range test.good {
			assert.NoError(t, d.Validate("", values{"x": connectorauth.Secret(value)}), "%s %.40q", test.input, value)
		}
		for _, value := range test.bad {
			var failed *definition.InputError
			assert.ErrorAs(t, d.Validate("", values{"x": connectorauth.Secret(value)}), &failed, "%s %.40q", test.input, value)
		}
	}
}

// A pattern that would be large, or that would quote the end of the whole, is a mistake of
// the document, and none of the first value.
func TestPatternsThatAreRefused(t *testing.T) {
	for _, pattern := range []string{`\Qa`, "(", `a{2000}`, `(abc){999}`, strings.Repeat("a", 501)} {
		got := mistakes(named("acme", `"inputs": [{"name": "x", "pattern": `+quoted(pattern)+`}],`))
		assert.Contains(t, got, "inputs[0].pattern: is no regular expression", pattern)
	}
}

// A mistake of a value in a URL names the input that stands there, and no other.
func TestMistakeInAURLNamesItsInput(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "x"}, {"name": "y"}], "baseUrl": "https://api.example.com/{x}", "params": {"y": "{y}"}, "methods": [{"name": "a", "type": "None"}]}`)
	_, err := d.Connect(definition.Connection{Values: values{"x": "..", "y": "y"}})
	var failed *definition.InputError
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Problems, 1)
	assert.Equal(t, "x", failed.Problems[0].Input)
}

// An account owner who leaves an input out sends no empty parameter.
func TestParameterOfAnAbsentInputIsLeftOut(t *testing.T) {
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "team", "optional": true}],
		"methods": [{"name": "a", "type": "OAuth2", "tokenUrl": "https://login.example.com/token",
		"grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize", "params": {"team": ["{team}"], "prompt": [""], "x": ["1"]}}}}]}`).
		Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}})
	require.NoError(t, err)
	raw, _, err := c.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	assert.NotContains(t, raw, "team=")
	assert.Contains(t, raw, "prompt=&")
	assert.Contains(t, raw, "x=1")
}

// What is wrong in a document beside the URLs of the API.
func TestMistakesBesideTheBaseURL(t *testing.T) {
	const oauth = `{"name": "a", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com", "captures": [{"name": "tenant", "path": "t"}]}`
	begin := `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", `
	for document, want := range map[string]string{
		begin + `"links": [{"title": "x", "url": "http://localhost/x"}], "methods": [{"name": "a", "type": "None"}]}`:                                                                   "links[0].url: want an https URL",
		begin + `"headers": {"content-type": "a/b"}, "methods": [{"name": "a", "type": "None"}]}`:                                                                                       "headers.content-type: is not a header to set here",
		begin + `"methods": [` + oauth + `, {"name": "b", "type": "ApiKey", "key": "{tenant}"}]}`:                                                                                       "methods[1].key: there is no value for {tenant} here",
		begin + `"inputs": [{"name": "s", "secret": true}], "methods": [{"name": "a", "type": "None"}], "test": {"request": "GET /x?k={s}"}}`:                                           "test.request: {s} is a secret",
		begin + `"inputs": [{"name": "x", "format": "label"}], "methods": [{"name": "a", "type": "Session", "login": [{"url": "http://{x}.example.com", "capture": {"token": "t"}}]}]}`: "would lead to another host",
		begin + `"inputs": [{"name": "x", "format": "label"}], "methods": [{"name": "a", "type": "Session", "login": [{"url": "https://login.example.com", "capture": {"token": "t"}}],
			"logout": {"url": "https://{x}.co.uk"}}]}`: "methods[0].logout.url: everybody can register names",
		begin + `"inputs": [{"name": "x", "enum": ["https://example.com/a/../b"]}], "baseUrls": {"b": "{x}/c"}, "methods": [{"name": "a", "type": "None"}]}`: "needs the format origin or url, or an enum",
	} {
		assert.Contains(t, mistakes(document), want, document)
	}
}

// A captured value that has an enum leads to the hosts of the enum alone, whatever suffixes
// stand beside the enum.
func TestEnumOfACapturedValueIsAllThatIsAllowed(t *testing.T) {
	p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "site": "https://eu.example.com"}}
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "{site}/api", "methods": [{"name": "a", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com",
		"captures": [{"name": "site", "path": "site", "enum": ["https://eu.example.com", "https://us.example.com"], "suffixes": [".example.com"]}]}]}`).
		Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
	require.NoError(t, err)
	_, err = connectorauth.NewClient(c.Connector(), p.client(t)).Post("https://other.example.com", "", http.NoBody)
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
}

// What a provider gives in place of a value never stops the program.
func TestSpellingsOfCapturedValues(t *testing.T) {
	for _, test := range []struct{ path, want string }{
		{"site", "https://a.example.com/api"}, {"list.0", "https://b.example.com/api"},
		{"list.-1", ""}, {"list.1", ""}, {"list.x", ""}, {"list", ""}, {"site.x", ""}, {"absent.x.y", ""},
	} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "site": "https://a.example.com/", "list": []any{"https://b.example.com"}}}
		c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "{site}/api", "methods": [{"name": "a", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com",
			"captures": [{"name": "site", "path": "`+test.path+`", "format": "origin", "suffixes": [".example.com"]}]}]}`).
			Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
		require.NoError(t, err)
		base, err := c.BaseURL(t.Context(), "")
		assert.Equal(t, test.want, base, test.path)
		if test.want == "" {
			assert.ErrorContains(t, err, "the provider gave no "+test.path, test.path)
		}
	}
}

// A value may stand twice in a URL or a text that several methods have in common.
func TestValueThatStandsTwice(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{x}.example.com/{y}/{x}/{y}", "headers": {"X-A": "{y}{x}{y}"},
		"inputs": [{"name": "x", "format": "label"}, {"name": "y"}], "methods": [{"name": "a", "type": "None", "default": true}, {"name": "b", "type": "None"}, {"name": "c", "type": "None"}]}`)
	c, err := d.Connect(definition.Connection{Values: values{"x": "1", "y": "2"}})
	require.NoError(t, err)
	req := sent(t, c, "GET", "/z", "")
	assert.Equal(t, "https://1.example.com/2/1/2/z", req.URL.String())
	assert.Equal(t, "212", req.Header.Get("X-A"))
}
