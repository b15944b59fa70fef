package definition_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const shops = `{"connectorauth": 1, "name": "acme", "baseUrl": "{site}/api", "baseUrls": {"upload": "https://{shop}.shops.example.com", "common": "https://common.example.com"},
	"headers": {"X-Plan": "free"}, "inputs": [{"name": "key", "secret": true}],
	"methods": [{"name": "oauth", "type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize"}}, "tokenUrl": "https://login.example.com/token",
		"captures": [{"name": "site", "path": "site", "format": "origin", "suffixes": [".sites.example.com"]}, {"name": "shop", "path": "shop", "format": "label"}],
		"and": [{"type": "ApiKey", "key": "{key}", "placement": {"in": "query", "name": "key"}}]}]}`

// shop is an account of shops, and the URLs that its requests went to.
type shop struct {
	*provider
	c    *definition.Connected
	seen []string
	// answer responds to requests to the API. Nil means status 200.
	answer func(req *http.Request) *http.Response
}

func newShop(t *testing.T) *shop {
	p := &provider{token: map[string]any{"access_token": "T1", "token_type": "Bearer", "refresh_token": "R", "site": "https://a.sites.example.com", "shop": "a"}}
	c, err := parse(t, shops).Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, Values: values{"key": "K"}, HTTPClient: p.client(t)})
	require.NoError(t, err)
	consented(t, c, url.Values{})
	return &shop{provider: p, c: c}
}

// get makes a request with a connector.
func (s *shop) get(t *testing.T, c connectorauth.Connector, to string) (*http.Response, error) {
	t.Helper()
	s.seen = nil
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		s.seen = append(s.seen, req.URL.Scheme+"://"+req.URL.Host+" "+req.Header.Get("Authorization"))
		if s.answer != nil {
			return s.answer(req), nil
		}
		return fakehttp.Respond(200, "{}"), nil
	})}).Get(to)
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
	return resp, err
}

func redirect(to string) *http.Response {
	resp := fakehttp.Respond(302, "")
	resp.Header.Set("Location", to)
	return resp
}

// Below a suffix that all customers of a service share, only the hosts of the account see
// its credentials.
func TestCapturedHostsAreThoseOfTheAccount(t *testing.T) {
	s := newShop(t)
	for _, own := range []string{"https://a.sites.example.com/x", "https://A.Sites.example.com:443", "https://a.shops.example.com", "https://common.example.com/y"} {
		_, err := s.get(t, s.c.Connector(), own)
		require.NoError(t, err, own)
		assert.Len(t, s.seen, 1)
	}
	hooked := connectorauth.WithHooks(s.c.Connector(), connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
		e.Request.URL.Host = "b.sites.example.com"
		return nil
	}})
	joined, err := connectorauth.Join(s.c.Credential(), connectorauth.None{})
	require.NoError(t, err)
	for _, foreign := range []string{"https://b.sites.example.com", "https://x.a.sites.example.com", "https://b.shops.example.com", "https://a.sites.example.com:8443", "https://sites.example.com", "https://evil.com"} {
		for name, c := range map[string]connectorauth.Connector{"all": s.c.Connector(), "one": s.c.Credential(), "joined": joined} {
			_, err := s.get(t, c, foreign)
			assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, "%s %s", name, foreign)
			assert.Empty(t, s.seen, "%s %s", name, foreign)
		}
	}
	_, err = s.get(t, hooked, "https://a.sites.example.com")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Empty(t, s.seen)
}

// A redirect to a stranger's host goes on without the credential.
func TestCapturedHostsOnRedirects(t *testing.T) {
	s := newShop(t)
	s.answer = func(req *http.Request) *http.Response {
		switch req.URL.Host + req.URL.Path {
		case "a.sites.example.com/own":
			return redirect("https://a.shops.example.com/")
		case "a.sites.example.com/":
			return redirect("https://b.sites.example.com/")
		}
		return fakehttp.Respond(200, "")
	}
	_, err := s.get(t, s.c.Connector(), "https://a.sites.example.com/own")
	require.NoError(t, err)
	assert.Equal(t, []string{"https://a.sites.example.com Bearer T1", "https://a.shops.example.com Bearer T1"}, s.seen)
	_, err = s.get(t, s.c.Connector(), "https://a.sites.example.com/")
	require.NoError(t, err)
	assert.Equal(t, []string{"https://a.sites.example.com Bearer T1", "https://b.sites.example.com "}, s.seen)
}

// A token that moves the account moves its hosts: the former host does not see the new
// token.
func TestCapturedHostsFollowTheToken(t *testing.T) {
	s := newShop(t)
	s.token["access_token"], s.token["site"], s.token["shop"] = "T2", "https://b.sites.example.com/", "b"
	s.answer = func(req *http.Request) *http.Response {
		if req.Header.Get("Authorization") == "Bearer T1" {
			return fakehttp.Respond(401, "")
		}
		return fakehttp.Respond(200, "")
	}
	_, err := s.get(t, s.c.Connector(), "https://a.sites.example.com")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Equal(t, []string{"https://a.sites.example.com Bearer T1"}, s.seen)
	_, err = s.get(t, s.c.Connector(), "https://b.shops.example.com")
	require.NoError(t, err)
	assert.Equal(t, []string{"https://b.shops.example.com Bearer T2"}, s.seen)
}

// A value that is absent, or that the definition does not allow, opens no host, and takes
// none of the others away.
func TestCapturedHostsThatAreNotGiven(t *testing.T) {
	for _, site := range []any{nil, "", "https://evil.com", "https://b.sites.example.com.evil.com", "http://a.sites.example.com"} {
		s := newShop(t)
		s.token["access_token"], s.token["site"] = "T2", site
		require.NoError(t, s.c.Credential().(*connectorauth.OAuth2).Renew(t.Context()))
		for _, own := range []string{"https://a.shops.example.com", "https://common.example.com"} {
			_, err := s.get(t, s.c.Connector(), own)
			require.NoError(t, err, "%v", site)
		}
		for _, foreign := range []string{"https://b.sites.example.com", "https://evil.com", "http://a.sites.example.com"} {
			_, err := s.get(t, s.c.Connector(), foreign)
			assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, "%v", site)
			assert.Empty(t, s.seen)
		}
	}
}
