package definition_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withURL is a definition with an input called x, a label called y, and a base URL.
func withURL(input, baseURL string) string {
	quoted, _ := json.Marshal(baseURL)
	return `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "x"` + input + `}, {"name": "y", "format": "label", "default": "y"}],
		"baseUrl": ` + string(quoted) + `, "methods": [{"name": "key", "type": "ApiKey", "key": "k"}]}`
}

func TestOriginsThatADefinitionDeclares(t *testing.T) {
	const label, host, site = `, "format": "label"`, `, "format": "host"`, `, "format": "origin"`
	for _, test := range []struct{ input, baseURL, value, want string }{
		{label, "https://{x}.example.com", "a", "https://a.example.com"},
		{label, "https://{x}-api.example.com", "a", "https://a-api.example.com"},
		{label, "https://eu-{x}-api.example.com", "a", "https://eu-a-api.example.com"},
		{label, "https://api-{x}.{y}.example.com:8443/v1", "a", "https://api-a.y.example.com:8443/v1"},
		{label, "https://{x}{y}.example.co.uk", "a", "https://ay.example.co.uk"},
		{label + `, "suffixes": [".myshopify.com"]`, "https://{x}.myshopify.com/admin", "shop", "https://shop.myshopify.com/admin"},
		{host + `, "suffixes": [".myshopify.com", ".example.com"]`, "https://{x}/admin", "a.b.example.com", "https://a.b.example.com/admin"},
		{site + `, "suffixes": [".example.com"]`, "{x}/api", "https://a.example.com:8443", "https://a.example.com:8443/api"},
		{`, "enum": ["com", "co.uk"]`, "https://api.acme.{x}", "co.uk", "https://api.acme.co.uk"},
		{`, "enum": ["com", "co.uk"]`, "https://{y}.acme.{x}", "com", "https://y.acme.com"},
		{`, "enum": ["https://eu.example.com/v2", "https://example.us"]`, "{x}/api", "https://eu.example.com/v2", "https://eu.example.com/v2/api"},
		{"", "https://example.com/{x}/b", "a/b?c#d", "https://example.com/a%2Fb%3Fc%23d/b"},
		{"", "http://127.0.0.1:8080/{x}", "a", "http://127.0.0.1:8080/a"},
	} {
		d := parse(t, withURL(test.input, test.baseURL))
		c, err := d.Connect(definition.Connection{Values: values{"x": connectorauth.Secret(test.value)}})
		require.NoError(t, err, test.baseURL)
		base, err := c.BaseURL(t.Context(), "")
		require.NoError(t, err, test.baseURL)
		assert.Equal(t, test.want, base)
	}
}

func TestOriginsThatNothingDeclares(t *testing.T) {
	for _, test := range []struct{ input, baseURL, want string }{
		{`, "format": "label"`, "https://{x}.co.uk", "everybody can register names that end in .co.uk"},
		{`, "format": "label"`, "https://{x}.com", "nothing limits where {x} may lead"},
		{`, "format": "label"`, "https://{x}.myshopify.com", `say "suffixes": [".myshopify.com"] in the input`},
		{`, "format": "label"`, "https://{x}example.com", "nothing limits where {x} may lead"},
		{`, "format": "label"`, "https://{x}-api.co.uk", "everybody can register names that end in .co.uk"},
		{`, "format": "label"`, "https://example.{x}", "nothing limits where {x} may lead"},
		{`, "format": "label"`, "https://{x}", "nothing limits where {x} may lead"},
		{`, "format": "label"`, "https://{x}.example.com@evil.com", "cannot be read"},
		{`, "format": "label"`, "https://{x}@example.com", "cannot be read"},
		{`, "format": "label"`, "https://example.com:{x}", "cannot be read"},
		{`, "format": "label"`, "https://{x}.0.1", "is not the name of a host"},
		{`, "format": "label"`, "{x}://example.com", "must begin with https://"},
		{`, "format": "label"`, "http{x}://example.com", "must begin with https://"},
		{`, "format": "label"`, "https:{x}//example.com", "must begin with https://"},
		{`, "format": "label"`, "ftp://{x}.example.com", "must begin with https://"},
		{`, "format": "label"`, "http://{x}.example.com", "a value would lead to another host"},
		{`, "format": "label"`, "https://{lower({x})}.example.com", "cannot be read"},
		{`, "format": "label"`, "https://example.com/#{x}", "#fragment"},
		{`, "format": "label"`, `https://{x}.example.com\@evil.com`, "URL"},
		{`, "format": "label"`, "https://{x}.EXAMPLE.com", "cannot be read"},
		{"", "https://{x}.example.com", "needs the format label"},
		{`, "format": "label", "optional": true`, "https://{x}.example.com", "is optional"},
		{`, "format": "host"`, "https://{x}", "nothing limits where {x} may lead"},
		{`, "format": "host", "suffixes": [".example.com"]`, "https://a{x}", "nothing limits where {x} may lead"},
		{`, "format": "host", "suffixes": [".example.com"]`, "https://{x}.{y}", "stands at the end of the host only"},
		{`, "format": "host", "suffixes": [".co.uk"]`, "https://{x}", "everybody can register names that end in .co.uk"},
		{`, "format": "host", "suffixes": ["example.com"]`, "https://{x}", "must begin with a dot"},
		{`, "format": "host", "suffixes": [".internal"]`, "https://{x}", "is not the name of a host"},
		{`, "format": "host", "anyHost": true`, "https://{x}", "the program does not allow inputs that lead to any host"},
		{`, "format": "origin"`, "{x}/api", "nothing limits where {x} may lead"},
		{`, "format": "origin", "suffixes": [".example.com"]`, "{x}.example.com", "must begin with https://"},
		{`, "format": "label"`, "{x}/api", "needs the format origin or url, or an enum"},
		{`, "enum": ["https://example.com", "http://example.com"]`, "{x}/api", "needs the format origin or url, or an enum"},
		{`, "enum": ["https://example.com/?a="]`, "{x}/api", "needs the format origin or url, or an enum"},
		{`, "enum": ["https://example.com/{y}"]`, "{x}/api", "needs the format origin or url, or an enum"},
		{`, "enum": ["com", "co/uk"]`, "https://api.acme.{x}", "its enum has lower-case letters"},
		{`, "enum": ["uk", "jp"]`, "https://{y}.co.{x}", "everybody can register names that end in .co.uk"},
		{"", "https://example.com/{x}/", "no slash at its end"},
		{"", "https://example.com/../{x}", "segment of dots"},
		{"", "https://example.com/{z}", "there is no value for {z} here"},
	} {
		assert.Contains(t, mistakes(withURL(test.input, test.baseURL)), test.want, "%s %s", test.input, test.baseURL)
	}
}

func TestCapturesThatAreRefused(t *testing.T) {
	for _, test := range []struct{ capture, baseURL, want string }{
		{`"from": "callback", "format": "host", "suffixes": [".example.com"]`, "https://{x}", "a callback passes through a browser"},
		{`"from": "callback", "format": "origin", "suffixes": [".example.com"]`, "{x}", "a callback passes through a browser"},
		{`"format": "origin", "anyHost": true`, "{x}", "a captured value needs suffixes or an enum"},
		{`"format": "origin"`, "{x}", "nothing limits where {x} may lead"},
		{`"format": "label"`, "https://{x}.co.uk", "everybody can register"},
		{`"format": "label"`, "https://{x}.example.com:8443", "a captured value in a host, and a port, exclude each other"},
		{`"format": "label"`, "https://{y}.example.com", "there is no value for {y} here; did you mean"},
	} {
		document := `{"connectorauth": 1, "name": "acme", "baseUrl": "` + test.baseURL + `", "inputs": [{"name": "yy"}], "methods": [{"name": "a", "type": "OAuth2",
			"grant": {"clientCredentials": {}}, "tokenUrl": "https://example.com", "captures": [{"name": "x", "path": "a", ` + test.capture + `}]}]}`
		_, err := definition.Parse("f", []byte(document), definition.Options{AnyHost: true})
		assert.ErrorContains(t, err, test.want, document)
	}
	// A captured value stands in base URLs alone: a token request has none yet.
	assert.Contains(t, mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://{x}.example.com", "methods": [{"name": "a", "type": "OAuth2",
		"grant": {"clientCredentials": {}}, "tokenUrl": "https://{x}.example.com", "captures": [{"name": "x", "path": "a", "format": "label"}]}]}`), "methods[0].tokenUrl: there is no value for {x} here")
}

// The hosts of captured values are those that the definition declares, and of these the
// account's own.
func TestHostsOfCapturedValues(t *testing.T) {
	for _, test := range []struct{ capture, baseURL, value, want, others, outside string }{
		{`"format": "label"`, "https://{x}.{y}.example.com", "a", "https://a.y.example.com", "https://b.y.example.com", "https://a.z.example.com"},
		{`"enum": ["com", "co.uk"]`, "https://{y}.acme.{x}", "co.uk", "https://y.acme.co.uk", "https://y.acme.com", "https://z.acme.com"},
		{`"enum": ["https://eu.example.com/v2", "https://example.us"]`, "{x}/api", "https://eu.example.com/v2", "https://eu.example.com/v2/api", "https://example.us", "https://us.example.com"},
		{`"format": "host", "suffixes": [".example.com"]`, "https://{x}/api", "a.b.example.com", "https://a.b.example.com/api", "https://c.example.com", "https://example.com"},
		{`"from": "token"`, "https://{y}.example.com/{x}", "a b", "https://y.example.com/a%20b", "https://x.example.com", "https://z.example.com"},
	} {
		d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "`+test.baseURL+`", "inputs": [{"name": "y", "format": "label"}], "methods": [{"name": "a", "type": "OAuth2",
			"grant": {"clientCredentials": {}}, "tokenUrl": "https://example.com", "captures": [{"name": "x", "path": "data.0.host", `+test.capture+`}]}]}`)
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "data": []any{map[string]any{"host": test.value}}}}
		c, err := d.Connect(definition.Connection{Values: values{"y": "y"}, Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
		require.NoError(t, err)
		base, err := c.BaseURL(t.Context(), "")
		require.NoError(t, err)
		assert.Equal(t, test.want, base)
		client := connectorauth.NewClient(c.Connector(), p.client(t))
		resp, err := client.Post(base, "", http.NoBody)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		for _, foreign := range []string{test.others, test.outside} {
			_, err = client.Post(foreign, "", http.NoBody)
			assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
		}
		_, err = c.BaseURL(t.Context(), "other")
		assert.ErrorContains(t, err, `no base URL "other"`)
	}
}

// Every value that a definition takes leads to an origin that the definition declares.
func FuzzOrigin(f *testing.F) {
	inputs := []string{
		`, "format": "label"`, `, "format": "host", "suffixes": [".example.com"]`, `, "format": "origin", "suffixes": [".example.com"]`, "",
		`, "enum": ["a", "b.c"]`, `, "format": "label", "suffixes": [".github.io"]`,
	}
	for i := range inputs {
		for _, base := range []string{"https://{x}.example.com", "https://{x}", "{x}/a", "https://a-{x}.{y}.example.com:8443", "https://example.com/{x}?a={x}", "https://api.{x}.example.com/{x}", "https://{x}.github.io"} {
			for _, value := range []string{"a", "evil.com", "evil.com/", "a@evil.com", "evil.com#", `evil.com\`, "a.example.com", "https://a.example.com", "https://evil.com/.example.com", "..", "127.0.0.1", "é", "a%2eb"} {
				f.Add(i, base, value)
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, base, value string) {
		d, err := definition.Parse("f", []byte(withURL(inputs[uint(i)%uint(len(inputs))], base)), definition.Options{})
		if err != nil {
			return
		}
		c, err := d.Connect(definition.Connection{Values: values{"x": connectorauth.Secret(value)}})
		if err != nil {
			return
		}
		got, err := c.BaseURL(t.Context(), "")
		require.NoError(t, err)
		u, err := url.Parse(got)
		require.NoError(t, err)
		require.Nil(t, u.User)
		require.Empty(t, u.Fragment)
		scheme, rest, _ := strings.Cut(base, "://")
		authority, _, _ := strings.Cut(rest, "/")
		authority, _, _ = strings.Cut(authority, "?")
		switch {
		case strings.HasPrefix(base, "{x}"), authority == "{x}":
			require.True(t, u.Scheme == "https" && strings.HasSuffix(u.Hostname(), ".example.com"), "%s: %s", base, got)
		case !strings.ContainsAny(authority, "{}"):
			require.True(t, strings.EqualFold(scheme+"://"+authority, u.Scheme+"://"+u.Host), "%s: %s", base, got)
		default:
			tail := authority[strings.LastIndexByte(authority, '}')+1:]
			if !strings.Contains(authority[strings.LastIndexByte(authority, '{'):], "x}") || strings.Contains(tail, ".") {
				require.True(t, strings.HasSuffix(u.Host, tail), "%s: %s", base, got)
			}
			if inputs[uint(i)%uint(len(inputs))] != inputs[4] {
				require.Equal(t, strings.Count(authority, "."), strings.Count(u.Host, "."), "%s: %s", base, got)
			}
		}
		if !strings.Contains(base, "evil") {
			labels := strings.Split(u.Hostname(), ".")
			require.NotContains(t, strings.Join(labels[max(0, len(labels)-2):], "."), "evil", fmt.Sprint(base, value)) // whoever owns these owns the host
		}
	})
}
