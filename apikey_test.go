package connectorauth_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPIKeyArrivesInItsPlace(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true})
	t.Cleanup(p.Close)
	key := connectorauth.Secret(p.APIKey)
	form, object := "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	tests := []struct {
		name              string
		config            connectorauth.APIKeyConfig
		method, url       string
		contentType, body string
	}{
		{"header by default", connectorauth.APIKeyConfig{Key: key}, "GET", p.KeyAuthorizationURL, "", ""},
		{"with a prefix", connectorauth.APIKeyConfig{Key: key, Prefix: "ApiKey "}, "GET", p.KeyAuthorizationURL, "", ""},
		{"named header", connectorauth.APIKeyConfig{Key: key, Name: "X-Api-Key"}, "DELETE", p.KeyHeaderURL, "", ""},
		{"named header in odd case", connectorauth.APIKeyConfig{Key: key, Name: "x-API-key"}, "GET", p.KeyHeaderURL, "", ""},
		{"query", connectorauth.APIKeyConfig{Key: key, In: dialect.InQuery, Name: "api_key"}, "GET", p.KeyQueryURL + "/items?page=2&q=a%20b", "", ""},
		{"cookie", connectorauth.APIKeyConfig{Key: key, In: dialect.InCookie, Name: "api_key"}, "GET", p.KeyCookieURL, "", ""},
		{"cookie in quotes", connectorauth.APIKeyConfig{Key: `"` + key + `"`, In: dialect.InCookie, Name: "api_key"}, "GET", p.KeyCookieURL, "", ""},
		{"form", connectorauth.APIKeyConfig{Key: key, In: dialect.InBody, Name: "api_key"}, "POST", p.KeyBodyURL, form, "a=1"},
		{"JSON", connectorauth.APIKeyConfig{Key: key, In: dialect.InBody, Name: "api_key"}, "PATCH", p.KeyBodyURL, object, `{"a":[1,2.50]}`},
		{"no body", connectorauth.APIKeyConfig{Key: key, In: dialect.InBody, Name: "api_key"}, "PUT", p.KeyBodyURL, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := connectorauth.NewAPIKey(test.config)
			require.NoError(t, err)
			assert.Equal(t, connectorauth.AuthTypeAPIKey, c.AuthType())
			req := must(http.NewRequest(test.method, test.url, strings.NewReader(test.body)))
			if test.contentType != "" {
				req.Header.Set("Content-Type", test.contentType)
			}
			resp, err := connectorauth.NewClient(c, p.Client()).Do(req)
			accepted(t, connectorauth.AuthTypeAPIKey, resp, err)
		})
	}
}

func TestAPIKeyLeavesTheRestAlone(t *testing.T) {
	send := func(config connectorauth.APIKeyConfig, req *http.Request) fakehttp.Request {
		base := &fakehttp.Base{}
		config.Key = "k+1/2=&"
		_, err := must(connectorauth.NewAPIKey(config)).Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		return base.Requests()[0]
	}
	post := func(contentType, body string) *http.Request {
		req := must(http.NewRequest(http.MethodPost, home, strings.NewReader(body)))
		req.Header.Set("Content-Type", contentType)
		return req
	}
	out := send(connectorauth.APIKeyConfig{In: dialect.InQuery, Name: "key"}, must(http.NewRequest(http.MethodGet, home+"/a%2Fb?a=%zz;b&c=+%20", nil)))
	assert.Equal(t, home+"/a%2Fb?a=%zz;b&c=+%20&key=k%2B1%2F2%3D%26", out.URL.String())
	quoted := must(http.NewRequest(http.MethodGet, home, nil))
	quoted.Header.Set("Cookie", `key="old"; a="1"`)
	base := &fakehttp.Base{}
	_, err := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: `"k/1"`, In: dialect.InCookie, Name: "key"})).Wrap(base).RoundTrip(quoted)
	require.NoError(t, err)
	assert.Equal(t, []string{`a="1"; key="k/1"`}, base.Requests()[0].Header["Cookie"], "quotes are part of the value")
	out = send(connectorauth.APIKeyConfig{In: dialect.InBody, Name: "key"}, post("application/x-www-form-urlencoded", "a=%zz;b&c=+%20"))
	assert.Equal(t, "a=%zz;b&c=+%20&key=k%2B1%2F2%3D%26", out.Body)
	out = send(connectorauth.APIKeyConfig{In: dialect.InBody, Name: "auth.key"}, post("application/json", "{ \"n\": 1.50e3 }\n"))
	assert.JSONEq(t, `{"n":1500,"auth":{"key":"k+1/2=&"}}`, out.Body)
	assert.Contains(t, out.Body, "1.50e3")
}

func TestAPIKeyInABodyNeedsOne(t *testing.T) {
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InBody, Name: "key"}))
	for _, method := range []string{"", "GET", "HEAD", "DELETE"} {
		req := must(http.NewRequest(method, home, nil))
		req.Method = method
		_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(req)
		require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
		if method == "" {
			method = "GET"
		}
		assert.ErrorContains(t, err, "the method of the request is "+method+", but only POST, PUT, PATCH requests have bodies")
	}
}

func TestAPIKeyConfigIsChecked(t *testing.T) {
	type config = connectorauth.APIKeyConfig
	tests := []badConfig[config]{
		{"no key", config{}, "Key: is empty"},
		{"no key, but a prefix", config{Prefix: "Bearer "}, "Key: is empty"},
		{"unknown place", config{Key: secretKey, In: "paths", Name: "x"}, `In: unknown location "paths"`},
		{"line break in the key", config{Key: secretKey + "\n"}, "look for a line break"},
		{"carriage return in the prefix", config{Key: secretKey, Prefix: "x\r\ny: "}, "Prefix and Key: has a control character"},
		{"NUL in a query key", config{Key: secretKey + "\x00", In: dialect.InQuery, Name: "key"}, "control character"},
		{"space before the key", config{Key: " " + secretKey}, "begins or ends with a space"},
		{"space after the key", config{Key: secretKey + " ", Name: "X-Key"}, "begins or ends with a space"},
		{"key that no cookie can carry", config{Key: secretKey + ";", In: dialect.InCookie, Name: "key"}, "no cookie can carry"},
		{"half a quoted string in a cookie", config{Key: `"` + secretKey, In: dialect.InCookie, Name: "key"}, "quote"},
		{"key with umlaut in a cookie", config{Key: secretKey + "ü", In: dialect.InCookie, Name: "key"}, "outside ASCII"},
		{"key in a body that is not UTF-8", config{Key: secretKey + "\xff", In: dialect.InBody, Name: "key"}, "UTF-8"},
		{"query without a name", config{Key: secretKey, In: dialect.InQuery}, "Name: a query parameter needs a name"},
		{"query name with a line break", config{Key: secretKey, In: dialect.InQuery, Name: "a\nb"}, "Name: a query parameter"},
		{"cookie without a name", config{Key: secretKey, In: dialect.InCookie}, `Name: "" is not a cookie name`},
		{"cookie name with a semicolon", config{Key: secretKey, In: dialect.InCookie, Name: "a;b"}, "is not a cookie name"},
		{"body without a name", config{Key: secretKey, In: dialect.InBody}, "Name: empty key"},
		{"body name with an empty part", config{Key: secretKey, In: dialect.InBody, Name: "a..b"}, "Name: a part of the path is empty"},
		{"header with a space", config{Key: secretKey, Name: "X Key"}, `Name: "X Key" is not a header name`},
		{"header with a colon", config{Key: secretKey, Name: "X-Key:"}, "is not a header name"},
		{"header with a line break", config{Key: secretKey, Name: "X-Key\r\nX-Other"}, "is not a header name"},
		{"header with an umlaut", config{Key: secretKey, Name: "X-Schlüssel"}, "is not a header name"},
		{"exact name of a header that net/http adds", config{Key: secretKey, Name: "user-agent", Exact: true}, "Exact: net/http adds a header User-Agent"},
		{"Cookie as a header", config{Key: secretKey, Name: "cookie"}, "set In to InCookie"},
	}
	for _, name := range []string{
		"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "TE", "Trailer", "Upgrade",
		"Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "transfer-encoding", "HOST",
	} {
		tests = append(tests, badConfig[config]{"header " + name, config{Key: secretKey, Name: name}, "belongs to HTTP itself"})
	}
	for _, host := range badHosts {
		tests = append(tests, badConfig[config]{"host " + host, config{Key: secretKey, Hosts: []string{"api.example.test", host}}, "Hosts: host"})
		tests = append(tests, badConfig[config]{"body, host " + host, config{Key: secretKey, In: dialect.InBody, Name: "key", Hosts: []string{host}}, "Hosts: host"})
	}
	checkBadConfigs(t, "APIKeyConfig", tests, func(c config) error {
		_, err := connectorauth.NewAPIKey(c)
		return err
	})
}

// badHosts are entries that no Hosts list may have.
var badHosts = []string{
	"", " ", "*", "*.", "*.com", "*example.com", "api.*.com", "https://", "ftp://example.com", "https://*.example.com",
	"*.example.com:8443", "api.example.com/v1", "https://api.example.com/", "user@api.example.com", "api.example.com?x", "api.example.com#x",
	"api..example.com", ".example.com", "api.example.com.", "xn--ü.example", "api.example.com:", "api example.com", "api.example.com\n",
}

func TestHostsAreCopied(t *testing.T) {
	hosts := []string{"api.example.test"}
	base := &fakehttp.Base{}
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: hosts}))
	hosts[0] = "other.example.test"
	client := connectorauth.NewClient(c, &http.Client{Transport: base})
	_, err := client.Get(home)
	require.NoError(t, err)
	_, err = client.Get(foreign)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
}

func TestAPIKeyEncodingRoundTripsThroughAServer(t *testing.T) {
	for _, value := range []string{"a b+c/%&=?#;é", "%41", "+", "日本"} {
		base := &fakehttp.Base{}
		c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(value), In: dialect.InQuery, Name: "the key+&="}))
		_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.NoError(t, err)
		query, err := url.ParseQuery(base.Requests()[0].URL.RawQuery)
		require.NoError(t, err)
		assert.Equal(t, url.Values{"the key+&=": {value}}, query)

		base = &fakehttp.Base{}
		c = must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(value), In: dialect.InBody, Name: "key"}))
		_, err = c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodPost, home, nil)))
		require.NoError(t, err)
		out := base.Requests()[0]
		out.Request.Body = io.NopCloser(strings.NewReader(out.Body))
		require.NoError(t, out.ParseForm())
		assert.Equal(t, value, out.PostForm.Get("key"))
	}
}
