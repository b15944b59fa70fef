package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func queryKey(hosts ...string) *connectorauth.APIKey {
	return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "query-key", In: dialect.InQuery, Name: "key", Hosts: hosts}))
}

func headerKey(name string) *connectorauth.APIKey {
	return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret("key of " + name), Name: name}))
}

func TestJoinPlacesAllCredentialsAndSignsLast(t *testing.T) {
	signer := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret"}))
	fields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "token", Value: "field"}}}))
	var order []string
	custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		order = append(order, "query "+req.URL.RawQuery, "signed "+req.Header.Get("Authorization"))
		req.Header.Set("X-Custom", "1")
		return nil
	}}))
	c := must(connectorauth.Join(signer, custom, queryKey(), connectorauth.None{}, headerKey("X-Key"), fields))
	assert.Equal(t, connectorauth.AuthTypeJoined, c.AuthType())
	base := &fakehttp.Base{}
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Post(home+"/?a=1", "application/x-www-form-urlencoded", strings.NewReader("b=2"))
	require.NoError(t, err)
	resp.Body.Close()
	sent := base.Requests()[0]
	assert.Equal(t, "a=1&key=query-key", sent.URL.RawQuery)
	assert.Equal(t, "b=2&token=field", sent.Body)
	assert.Equal(t, "key of X-Key", sent.Header.Get("X-Key"))
	assert.Equal(t, "1", sent.Header.Get("X-Custom"))
	assert.Contains(t, sent.Header.Get("Authorization"), "oauth_signature=")
	assert.Equal(t, []string{"query a=1&key=query-key", "signed "}, order, "after the places, before the signature")
	assert.Equal(t, "a=1", resp.Request.URL.RawQuery)
}

func TestJoinReplacesWhatTheCallerSetInEveryHeader(t *testing.T) {
	c := must(connectorauth.Join(headerKey("X-First"), headerKey("X-Second")))
	base := &fakehttp.Base{}
	req := must(http.NewRequest(http.MethodGet, home, nil))
	req.Header["x-first"], req.Header["x-SECOND"] = []string{"mine"}, []string{"mine"}
	_, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	header := base.Requests()[0].Header
	assert.Equal(t, []string{"key of X-First"}, header["X-First"])
	assert.Equal(t, []string{"key of X-Second"}, header["X-Second"])
	assert.Len(t, header, 2)
}

// stranger is a Connector of another package.
type foreignConnector struct{ connectorauth.None }

func TestJoinRefusesWhatCannotWork(t *testing.T) {
	field := func(key string) connectorauth.Connector {
		return must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: key, Value: "v"}}}))
	}
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u"}))
	cookie := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: dialect.InCookie, Name: "sid"}))
	joined := must(connectorauth.Join(basic, cookie))
	for name, test := range map[string]struct {
		connectors []connectorauth.Connector
		want       []string
	}{
		"none":                     {nil, []string{"no connector with credentials"}},
		"only None":                {[]connectorauth.Connector{connectorauth.None{}}, []string{"no connector with credentials"}},
		"one header twice":         {[]connectorauth.Connector{basic, headerKey("authorization")}, []string{"header Authorization"}},
		"one cookie twice":         {[]connectorauth.Connector{cookie, cookie}, []string{`cookie "sid"`}},
		"one query twice":          {[]connectorauth.Connector{queryKey(), queryKey()}, []string{`query parameter "key"`}},
		"one field twice":          {[]connectorauth.Connector{field("a.b"), field("a.b")}, []string{"body field /a/b"}},
		"one field, spelled twice": {[]connectorauth.Connector{field("a.b"), field("/a/b")}, []string{"body field /a/b"}},
		"a field within another":   {[]connectorauth.Connector{field("a.b"), field("a")}, []string{"body field /a"}},
		"two signatures": {[]connectorauth.Connector{
			must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s"})),
			must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", In: dialect.InQuery})),
		}, []string{"oauth_token"}},
		"a key that a signature removes": {[]connectorauth.Connector{
			must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s"})),
			must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: dialect.InQuery, Name: "oauth_token"})),
		}, []string{`query parameter "oauth_token"`}},
		"a place within a Join":   {[]connectorauth.Connector{joined, basic}, []string{"header Authorization"}},
		"another package":         {[]connectorauth.Connector{basic, foreignConnector{}}, []string{"foreignConnector", "only connectors of this library"}},
		"nil":                     {[]connectorauth.Connector{basic, nil}, []string{"<nil>"}},
		"everything at once":      {[]connectorauth.Connector{basic, basic, cookie, cookie, nil}, []string{"header Authorization", `cookie "sid"`, "<nil>"}},
		"hooks around a stranger": {[]connectorauth.Connector{basic, connectorauth.WithHooks(foreignConnector{}, connectorauth.Hooks{})}, []string{"only connectors of this library"}},
	} {
		_, err := connectorauth.Join(test.connectors...)
		require.Error(t, err, name)
		for _, want := range test.want {
			assert.ErrorContains(t, err, want, name)
		}
	}
}

func TestJoinNeedsTheHostsOfEveryConnector(t *testing.T) {
	c := must(connectorauth.Join(queryKey("api.example.test", "other.example.test"), headerKey("X-Key"), must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u", Hosts: []string{"*.example.test"}}))))
	base := &fakehttp.Base{}
	for url, allowed := range map[string]bool{
		"https://api.example.test/": true, "https://other.example.test/": true, "https://third.example.test/": false, "https://example.com/": false,
	} {
		_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, url, nil)))
		assert.Equal(t, !allowed, errors.Is(err, connectorauth.ErrHostNotAllowed), url)
	}
	assert.Len(t, base.Requests(), 2)
}

func TestJoinIsWithoutCredentialsAfterARedirectThatOnePartMustNotFollow(t *testing.T) {
	c := must(connectorauth.Join(queryKey("api.example.test", "other.example.test"), headerKey("X-Key"))) // the second part stays on its first origin
	base := &fakehttp.Base{}
	base.Answer = func(req *http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(200, "")
		if req.URL.Host == "api.example.test" {
			resp.StatusCode = http.StatusTemporaryRedirect
			resp.Header.Set("Location", "https://other.example.test/")
		}
		return resp, nil
	}
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Get("https://api.example.test/")
	require.NoError(t, err)
	resp.Body.Close()
	second := base.Requests()[1]
	assert.Empty(t, second.URL.RawQuery)
	assert.Empty(t, second.Header.Get("X-Key"))
}

// counting returns a Custom connector whose credential is a number in a header,
// and the number of its renewals.
func counting(header string, rejected func(*http.Response) bool, fail error) (connectorauth.Connector, *int) {
	renewals := -1
	return must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, value connectorauth.CustomCredential) error {
			req.Header.Set(header, string(value.Value))
			return nil
		},
		Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
			if renewals++; renewals > 0 && fail != nil {
				return connectorauth.CustomCredential{}, fail
			}
			return connectorauth.CustomCredential{Value: connectorauth.Secret(rune('0' + renewals))}, nil
		},
		Rejected: rejected,
	})), &renewals
}

func names(header string) func(*http.Response) bool {
	return func(resp *http.Response) bool { return strings.Contains(resp.Header.Get("X-Rejected"), header) }
}

func TestJoinRenewsEachRejectedPartOnceAndReplaysOnce(t *testing.T) {
	broken := errors.New("not now")
	for name, test := range map[string]struct {
		rejects            string
		fail               error // of A's renewal
		renewedA, renewedB int
		requests, status   int
	}{
		"A":                      {"X-A", nil, 1, 0, 2, 401},
		"B":                      {"X-B", nil, 0, 1, 2, 401},
		"both":                   {"X-A X-B", nil, 1, 1, 2, 401},
		"none":                   {"", nil, 0, 0, 1, 401},
		"both, A fails":          {"X-A X-B", broken, 1, 1, 2, 401},
		"A alone, and fails":     {"X-A", broken, 1, 0, 1, 401},
		"both, A needs an owner": {"X-A X-B", connectorauth.ErrReauthRequired, 1, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a, renewedA := counting("X-A", names("X-A"), test.fail)
			b, renewedB := counting("X-B", names("X-B"), nil)
			base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
				resp := fakehttp.Respond(401, "")
				resp.Header.Set("X-Rejected", test.rejects)
				return resp, nil
			}}
			c := must(connectorauth.Join(a, b, queryKey()))
			resp, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			if test.status == 0 {
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			} else {
				require.NoError(t, err)
				assert.Equal(t, test.status, resp.StatusCode)
			}
			assert.Equal(t, test.renewedA, *renewedA, "A")
			assert.Equal(t, test.renewedB, *renewedB, "B")
			assert.Len(t, base.Requests(), test.requests)
		})
	}
}

func TestJoinClosesTheBodyOnceWhenAPartFails(t *testing.T) {
	failing := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return errBroken },
	}))
	var sent fakehttp.Bodies
	base := &fakehttp.Base{}
	c := must(connectorauth.Join(queryKey(), failing))
	_, err := c.Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "hello", true))
	require.ErrorIs(t, err, errBroken)
	assert.Empty(t, base.Requests())
	sent.RequireClosedOnce(t)
}

func TestNestedJoinSignsLastToo(t *testing.T) {
	signer := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret"}))
	var signedAlready bool
	watch := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		signedAlready = req.Header.Get("Authorization") != ""
		return nil
	}}))
	c := must(connectorauth.Join(must(connectorauth.Join(signer, headerKey("X-Key"))), watch, queryKey()))
	base := &fakehttp.Base{}
	_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.NoError(t, err)
	sent := base.Requests()[0]
	assert.False(t, signedAlready)
	assert.Contains(t, sent.Header.Get("Authorization"), "oauth_signature=")
	assert.Equal(t, []string{"key of X-Key"}, sent.Header["X-Key"])
	assert.Equal(t, "key=query-key", sent.URL.RawQuery)
}

func TestJoinRenewsForLaterWhenTheBodyCannotBeReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, renewedA := counting("X-A", names("X-A"), nil)
		b, renewedB := counting("X-B", names("X-B"), nil)
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
			resp := fakehttp.Respond(401, "")
			resp.Header.Set("X-Rejected", "X-B")
			return resp, nil
		}}
		var sent fakehttp.Bodies
		resp, err := must(connectorauth.Join(a, b)).Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "once", false))
		code, _ := read(t, resp, err)
		synctest.Wait()
		assert.Equal(t, 401, code)
		assert.Equal(t, []int{0, 1}, []int{*renewedA, *renewedB})
		assert.Len(t, base.Requests(), 1)
		sent.RequireClosedOnce(t)
	})
}

func TestJoinWhoseReplayIsRejectedRenewsNoMoreForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, renewedA := counting("X-A", nil, nil)
		c := must(connectorauth.Join(a, queryKey()))
		base := &fakehttp.Base{Answer: fakehttp.Statuses(401)}
		for range 5 {
			code, _ := get(t, c, &http.Client{Transport: base}, home)
			assert.Equal(t, 401, code)
		}
		assert.Equal(t, 1, *renewedA)
		assert.Len(t, base.Requests(), 6, "one replay in all")
		time.Sleep(2 * time.Minute)
		get(t, c, &http.Client{Transport: base}, home)
		assert.Equal(t, 2, *renewedA)
	})
}

func TestJoinedHeadersDoNotShareTheirValue(t *testing.T) {
	key := func(name, value string) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(value), Name: name}))
	}
	base := &fakehttp.Base{}
	_, err := must(connectorauth.Join(key("X-A", "one"), key("X-B", "two"), key("X-C", "three"))).Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.NoError(t, err)
	header := base.Requests()[0].Header
	assert.Equal(t, []string{"one", "two", "three"}, []string{header.Get("X-A"), header.Get("X-B"), header.Get("X-C")})
}
