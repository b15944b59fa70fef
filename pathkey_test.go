package connectorauth_test

import (
	"errors"
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

// pathKey returns a connector whose key goes in the place of {token}.
func pathKey(t *testing.T, key, prefix string) *connectorauth.APIKey {
	t.Helper()
	c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(key), In: dialect.InPath, Name: "token", Prefix: prefix})
	require.NoError(t, err)
	return c
}

func TestKeyInThePath(t *testing.T) {
	p := authtest.NewProvider(t)
	c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(p.APIKey), In: dialect.InPath, Name: "key"})
	require.NoError(t, err)
	resp, err := connectorauth.NewClient(c, p.Client()).Get(p.KeyPathURL + "/items?x=1")
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, p.KeyPathURL+"/items?x=1", strings.NewReplacer("%7B", "{", "%7D", "}").Replace(resp.Request.URL.String()))
}

func TestPathsWithAPlaceholder(t *testing.T) {
	for _, test := range []struct{ key, prefix, path, sent string }{
		{"123:ABC-d", "", "/bot{token}/getMe", "/bot123:ABC-d/getMe"},
		{"123:ABC-d", "bot", "/{token}/getMe", "/bot123:ABC-d/getMe"},
		{"123:ABC-d", "", "/file/bot{token}/a%2Fb", "/file/bot123:ABC-d/a%2Fb"},
		{"a/b ?#%é{token}", "", "/x/{token}", "/x/a%2Fb%20%3F%23%25%C3%A9%7Btoken%7D"},
		{"key1", "", "/%7btoken%7D", "/key1"},
	} {
		base := &fakehttp.Base{}
		resp, err := connectorauth.NewClient(pathKey(t, test.key, test.prefix), &http.Client{Transport: base}).Get(home + test.path + "?q=1")
		require.NoError(t, err, test.path)
		resp.Body.Close()
		assert.Equal(t, test.sent, base.Requests()[0].URL.EscapedPath())
		assert.Equal(t, "q=1", base.Requests()[0].URL.RawQuery)
		assert.NotContains(t, resp.Request.URL.String(), test.sent)
	}
}

func TestPathWithoutOnePlaceholderIsRefused(t *testing.T) {
	for _, to := range []string{home + "/getMe", home + "/{token}/{token}", home + "/{other}", home + "/?x={token}"} {
		var sent fakehttp.Bodies
		base := &fakehttp.Base{}
		_, err := pathKey(t, "the-key-of-the-path", "").Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, to, "text/plain", "hello", true))
		require.ErrorContains(t, err, "{token}", to)
		assert.NotContains(t, err.Error(), "the-key-of")
		assert.Empty(t, base.Requests())
		sent.RequireClosedOnce(t)
	}
}

func TestPathPlacementIsChecked(t *testing.T) {
	for name, want := range map[string]string{"": "Name:", "{token}": "Name:", "a.b": "Name:", "a/b": "Name:", "é": "Name:"} {
		_, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: dialect.InPath, Name: name})
		assert.ErrorContains(t, err, want, name)
	}
	for _, key := range []connectorauth.Secret{"..", ".", "a\nb"} {
		_, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InPath, Name: "token"})
		assert.ErrorContains(t, err, "Prefix and Key:")
	}
	_, err := connectorauth.Join(pathKey(t, "one", ""), pathKey(t, "two", ""))
	assert.ErrorContains(t, err, `path placeholder "token"`)
}

// The key is sent again on the key's origin alone, and nobody sees the key: not in the
// response's request, not in its Location, not in a Referer.
func TestRedirectOfAKeyInThePath(t *testing.T) {
	const key = "4711:the-key-of/a bot"
	escaped := url.PathEscape(key)
	for _, test := range []struct{ location, then string }{
		{"/bot" + escaped + "/other?x=1", home + "/bot" + escaped + "/other?x=1"},
		{home + "/bot" + escaped + "/other#f", home + "/bot" + escaped + "/other"},
		{"//api.example.test/v2/bot" + escaped, home + "/v2/bot" + escaped},
		{"other", home + "/bot" + escaped + "/other"},
		{"/bot" + strings.ReplaceAll(url.QueryEscape(key), "+", "%20") + "/a", home + "/bot" + escaped + "/a"},
		{"/login?next=2", home + "/login?next=2"},
		{"/login?next=%2Fbot" + url.QueryEscape(escaped) + "%2Fa&b=2", home + "/login?b=2"},
		{foreign + "/bot" + escaped + "/other", ""},
		{"/x" + escaped, ""},
		{foreign + "/other", foreign + "/other"},
	} {
		t.Run(test.location, func(t *testing.T) {
			var seen []*http.Request
			client := connectorauth.NewClient(pathKey(t, key, ""), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req)
				if len(seen) == 1 {
					resp := fakehttp.Respond(307, "")
					resp.Header.Set("Location", test.location)
					return resp, nil
				}
				return fakehttp.Respond(200, ""), nil
			})})
			resp, err := client.Get(home + "/bot{token}/start")
			if test.then == "" {
				require.ErrorContains(t, err, "redirect is not followed")
				assert.Zero(t, mentions(err.Error(), key))
				assert.Len(t, seen, 1)
				return
			}
			require.NoError(t, err)
			resp.Body.Close()
			require.Len(t, seen, 2)
			assert.Equal(t, test.then, strings.TrimSuffix(seen[1].URL.String(), "#f"))
			assert.Zero(t, mentions(seen[1].Header.Get("Referer"), key))
			assert.Zero(t, mentions(resp.Request.URL.String(), key))
			assert.Zero(t, mentions(resp.Request.Response.Header.Get("Location"), key))
		})
	}
}

func TestKeyInThePathIsNotSeenInTheLocationOfAnotherResponse(t *testing.T) {
	resp, err := pathKey(t, "the-key-of-the-path", "").Wrap(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(201, "")
		resp.Header.Set("Location", req.URL.EscapedPath()+"/7")
		return resp, nil
	})).RoundTrip(must(http.NewRequest(http.MethodPost, home+"/v1/{token}/items", nil)))
	require.NoError(t, err)
	assert.Equal(t, "/v1/%7Btoken%7D/items/7", resp.Header.Get("Location"))
}

func TestErrorOfTheBaseShowsNoKeyOfThePath(t *testing.T) {
	const key = "the-key+of/16=bytes"
	for _, quote := range []func(*http.Request) string{
		func(req *http.Request) string { return req.URL.String() },
		func(req *http.Request) string { return req.URL.Path },
		func(req *http.Request) string { return req.URL.EscapedPath() },
		func(*http.Request) string { return "no route for " + key },
	} {
		_, err := connectorauth.NewClient(pathKey(t, key, ""), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return nil, errors.New(quote(req))
		})}).Get(home + "/bot{token}/x")
		require.Error(t, err)
		assert.Zero(t, mentions(err.Error(), key), err)
	}
}

func TestAccessTokenInThePath(t *testing.T) {
	p := authtest.NewProvider(t)
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{Placement: dialect.Placement{In: dialect.InPath, Name: "t", Prefix: "v-"}}, HTTPClient: p.Client(),
	})
	require.NoError(t, err)
	base := &fakehttp.Base{}
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Post(home+"/{t}/x", "text/plain", io.NopCloser(strings.NewReader("x")))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Regexp(t, "^/v-access-[A-Z0-9]+/x$", base.Requests()[0].URL.Path)
	_, err = connectorauth.NewClient(c, &http.Client{Transport: base}).Get(home + "/x")
	assert.ErrorContains(t, err, "{t}")
}

// FuzzRedirectOfAKeyInThePath: whatever a redirect looks like, the key goes to its own
// origin once at most, and nobody else sees the key.
func FuzzRedirectOfAKeyInThePath(f *testing.F) {
	for _, location := range []string{
		"/bot{KEY}/x", home + "/bot{KEY}", "//api.example.test/a/bot{KEY}?b=2", foreign + "/bot{KEY}", "../{KEY}/bot{KEY}", "?x={KEY}", "#{KEY}", "x", "/%62ot{KEY}", "https:bot{KEY}", "///bot{KEY}", "/bot{token}/{KEY}", "\\\\other.example.test\\bot{KEY}",
	} {
		for spelling := range 3 {
			f.Add("the-key+of/16=bytes;or more", location, spelling)
		}
	}
	spellings := []func(string) string{url.PathEscape, url.QueryEscape, func(s string) string { return s }}
	f.Fuzz(func(t *testing.T, key, around string, spelling int) {
		if len(key) < 16 || len(key) > 100 || len(around) > 300 {
			return
		}
		c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(key), In: dialect.InPath, Name: "token"})
		if err != nil {
			return
		}
		location := strings.ReplaceAll(around, "{KEY}", spellings[uint(spelling)%3](key))
		var sent []*http.Request
		client := connectorauth.NewClient(c, &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if sent = append(sent, req); len(sent) > 1 {
				return fakehttp.Respond(200, ""), nil
			}
			resp := fakehttp.Respond(307, "")
			resp.Header.Set("Location", location)
			return resp, nil
		})})
		resp, err := client.Get(home + "/bot{token}/start")
		once := mentions(sent[0].URL.String(), key)
		if err != nil {
			require.Zero(t, mentions(err.Error(), key), err)
			return
		}
		resp.Body.Close()
		require.Zero(t, mentions(resp.Request.URL.String(), key))
		if len(sent) == 1 { // nothing but the key was in the Location
			require.Zero(t, mentions(resp.Header.Get("Location"), key))
			return
		}
		require.Zero(t, mentions(resp.Request.Response.Header.Get("Location"), key))
		second := sent[1]
		require.Zero(t, mentions(second.Header.Get("Referer"), key))
		if second.URL.Host != sent[0].URL.Host || second.URL.Scheme != sent[0].URL.Scheme {
			once = 0
		}
		require.LessOrEqual(t, mentions(second.URL.String(), key), once, "%q then %q", location, second.URL)
	})
}
