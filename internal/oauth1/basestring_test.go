package oauth1_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// Which parameters are signed, in which form and in which order (section
// 3.4.1.3). want is the normalised parameters.
func TestSignedParameters(t *testing.T) {
	for _, c := range []struct{ name, query, form, want string }{
		{"repeated names are all kept and sorted by value", "a=2&a=1&a=1", "", "a=1&a=1&a=2"},
		{"names with brackets", "a[]=2&a%5B%5D=1", "", "a%5B%5D=1&a%5B%5D=2"},
		{"the same name in query and body counts twice", "a=q", "a=b", "a=b&a=q"},
		{"oauth_token in the query is signed too", "oauth_token=q", "", "oauth_token=h&oauth_token=q"},
		{"oauth_signature in the query is left out", "oauth_signature=x&a=1&oauth_signature", "", "a=1"},
		{"oauth_signature in the body is left out", "", "oauth_signature=x&a=1", "a=1"},
		{"oauth_signature in other letters is left out", "oauth%5Fsignature=x&a=1", "", "a=1"},
		{"oauth_signature_method is another parameter", "oauth_signature_method=x", "", "oauth_signature_method=x"},
		{"realm in the query is an ordinary parameter", "realm=x", "", "realm=x"},
		{"realm in the body is an ordinary parameter", "", "realm=x", "realm=x"},
		{"semicolon does not separate", "a=1;b=2&c=3", "", "a=1%3Bb%3D2&c=3"},
		{"semicolon in the body", "", "a=1;b=2", "a=1%3Bb%3D2"},
		{"malformed escapes stand for themselves", "a=%zz&b=%&c=%4&d=%%41&e=%4%41", "", "a=%25zz&b=%25&c=%254&d=%25A&e=%254A"},
		{"escapes in either letter case", "a=%c3%A9", "", "a=%C3%A9"},
		{"bytes that are not UTF-8", "a=%ff&b=\xff", "", "a=%FF&b=%FF"},
		{"bytes beyond ASCII as they are", "a=é", "", "a=%C3%A9"},
		{"escapes of unreserved characters", "%61=%7e", "", "a=~"},
		{"plus and %20 are spaces, %2B is a plus", "a=1+2&b=1%202&c=1%2B2", "", "a=1%202&b=1%202&c=1%2B2"},
		{"plus in the body", "", "a=1+2", "a=1%202"},
		{"empty values and names", "a&b=&=c&=", "", "=&=c&a=&b="},
		{"nothing between ampersands", "&&a=1&&", "&", "a=1"},
		{"only the first equals sign separates", "a=b=c==", "", "a=b%3Dc%3D%3D"},
		{"no parameters", "", "", ""},
		{"a name before one that it begins", "a-b=1&a=2&a.=3&a%00=4&a1=5", "", "a=2&a%00=4&a-b=1&a.=3&a1=5"},
		{"order of encoded bytes and not of decoded ones", "%C3%A9=1&A=2&~=3&z=4&a%26=5&a0=6", "", "%C3%A9=1&A=2&a%26=5&a0=6&z=4&~=3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := newRequest(t, "POST", "http://example.com/", "")
			req.URL.RawQuery = c.query
			var protocol []oauth1.Param
			if strings.Contains(c.want, "oauth_token=h") {
				protocol = []oauth1.Param{{Name: "oauth_token", Value: "h"}}
			}
			base, err := oauth1.BaseString(req, []byte(c.form), protocol...)
			require.NoError(t, err)
			assert.Equal(t, c.want, normalised(t, base))
		})
	}
}

// What stands for the address in the base string (section 3.4.1.2).
func TestSignedAddress(t *testing.T) {
	for _, c := range []struct {
		name, url, host, want string
	}{
		{"http on 443 keeps its port", "http://h:443/", "", "http://h:443/"},
		{"https on 80 keeps its port", "https://h:80/", "", "https://h:80/"},
		{"http on 80 drops it", "http://h:80/", "", "http://h/"},
		{"https on 443 drops it", "https://h:443/", "", "https://h/"},
		{"an empty port is the default one", "https://h/", "h:", "https://h/"},
		{"IPv6 on the default port", "http://[::1]:80/", "", "http://[::1]/"},
		{"IPv6 on another port", "http://[::1]:8080/", "", "http://[::1]:8080/"},
		{"IPv6 without a port", "http://[2001:DB8::80]/", "", "http://[2001:db8::80]/"},
		{"IPv6 zones are not sent", "http://[fe80::1%25en0]:8080/", "", "http://[fe80::1]:8080/"},
		{"Host overrides the URL", "http://10.0.0.1:8080/p", "API.example.com", "http://api.example.com/p"},
		{"Host with a default port", "https://10.0.0.1/p", "api.example.com:443", "https://api.example.com/p"},
		{"letter case of scheme and host", "HTTP://EXAMPLE.com/Path", "", "http://example.com/Path"},
		{"empty path", "http://h", "", "http://h/"},
		{"empty path with a query", "http://h?a=1", "", "http://h/"},
		{"an escaped slash stays escaped", "http://h/a%2Fb/c", "", "http://h/a%2Fb/c"},
		{"escapes stay in their letter case", "http://h/%c3%a9", "", "http://h/%c3%a9"},
		{"characters that the URL escapes", "http://h/a b/é", "", "http://h/a%20b/%C3%A9"},
		{"characters that it does not", "http://h/a+b;c=d,e:f@g!", "", "http://h/a+b;c=d,e:f@g!"},
		{"dots are not cleaned away", "http://h/a/../b//c", "", "http://h/a/../b//c"},
		{"the fragment is not sent", "http://h/a#b?c", "", "http://h/a"},
		{"user information is not part of it", "http://user:pass@h/a", "", "http://h/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := newRequest(t, "GET", c.url, "")
			if c.host != "" {
				req.Host = c.host
			}
			base, err := oauth1.BaseString(req, nil)
			require.NoError(t, err)
			assert.Equal(t, c.want, baseURI(t, base))
		})
	}
}

func TestSignedHostWithoutRequestHost(t *testing.T) {
	req := &http.Request{URL: &url.URL{Scheme: "http", Host: "Example.com:80", Path: "/"}}
	base, err := oauth1.BaseString(req, nil)
	require.NoError(t, err)
	assert.Equal(t, "http://example.com/", baseURI(t, base))
}

func TestSignedOpaqueURL(t *testing.T) {
	for _, c := range []struct {
		name          string
		url           url.URL
		want, wantArg string
	}{
		{"path", url.URL{Opaque: "/a%2Fb/C", RawQuery: "x=1"}, "http://h/a%2Fb/C", "x=1"},
		{"authority and path", url.URL{Opaque: "//h/a%2Fb", RawQuery: "x=1"}, "http://h/a%2Fb", "x=1"},
		{"authority alone", url.URL{Opaque: "//h"}, "http://h/", ""},
		{"whole address", url.URL{Opaque: "https://other/a/b"}, "http://h/a/b", ""},
		{"with a query", url.URL{Opaque: "/a?x=1"}, "http://h/a", "x=1"},
		{"a path that holds an address", url.URL{Opaque: "/to/http://other/a"}, "http://h/to/http://other/a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.url.Scheme, c.url.Host = "http", "h"
			base, err := oauth1.BaseString(&http.Request{URL: &c.url}, nil)
			require.NoError(t, err)
			assert.Equal(t, c.want, baseURI(t, base))
			assert.Equal(t, c.wantArg, normalised(t, base))
		})
	}
}

func TestSignedRawPath(t *testing.T) {
	for raw, want := range map[string]string{
		"/a%2fb": "http://h/a%2fb", // used, because it is an encoding of Path
		"/other": "http://h/a/b",   // ignored, because it is none
	} {
		req := &http.Request{URL: &url.URL{Scheme: "http", Host: "h", Path: "/a/b", RawPath: raw}}
		base, err := oauth1.BaseString(req, nil)
		require.NoError(t, err)
		assert.Equal(t, want, baseURI(t, base))
	}
}

func TestSignedMethod(t *testing.T) {
	for method, want := range map[string]string{
		"": "GET", "GET": "GET", "patch": "PATCH", "M-SEARCH": "M-SEARCH", "x!y|z": "X%21Y%7CZ",
	} {
		req, _ := newRequest(t, "GET", "http://h/", "")
		req.Method = method
		base, err := oauth1.BaseString(req, nil)
		require.NoError(t, err)
		assert.Equal(t, want+"&http%3A%2F%2Fh%2F&", base)
	}
}

func TestBaseStringRefusesWhatItCannotSign(t *testing.T) {
	for name, req := range map[string]*http.Request{
		"no URL":                     {},
		"no scheme":                  {URL: &url.URL{Host: "h", Path: "/"}},
		"foreign scheme":             {URL: &url.URL{Scheme: "ftp", Host: "h", Path: "/"}},
		"no host":                    {URL: &url.URL{Scheme: "http", Path: "/"}},
		"host that becomes punycode": {URL: &url.URL{Scheme: "http", Host: "bücher.example", Path: "/"}},
		"host that is not sent":      {URL: &url.URL{Scheme: "http", Host: "/run/app.sock", Path: "/"}},
		"host with a line break":     {URL: &url.URL{Scheme: "http", Host: "h", Path: "/"}, Host: "h\r\nX: y"},
	} {
		t.Run(name, func(t *testing.T) {
			base, err := oauth1.BaseString(req, nil)
			require.ErrorContains(t, err, "connectorauth: OAuth1")
			assert.Empty(t, base)
			_, err = newSigner(t, oauth1.Config{ConsumerKey: "c"}).Sign(req, nil, oauth1.Stamp{Nonce: "n", Timestamp: 1})
			assert.ErrorContains(t, err, "connectorauth: OAuth1")
		})
	}
}

// A form larger than what is kept for reuse is signed like any other.
func TestLargeForm(t *testing.T) {
	value := strings.Repeat("long value ", 50_000)
	req, form := newRequest(t, "POST", "http://h/", url.Values{"a": {value}}.Encode())
	for range 2 {
		base, err := oauth1.BaseString(req, form)
		require.NoError(t, err)
		assert.True(t, "a="+strings.ReplaceAll(value, " ", "%20") == normalised(t, base))
	}
}
