package connectorauth_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exactKey sends a key in the header apiKey.
func exactKey(key connectorauth.Secret) connectorauth.Connector {
	return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, Name: "apiKey", Exact: true}))
}

// keyedHeader returns a header in which every spelling of apiKey is taken.
func keyedHeader() http.Header {
	return http.Header{"apiKey": {"old"}, "Apikey": {"old", "older"}, "APIKEY": {"old"}, "apikey": {"old"}, "X-A": {"1"}}
}

func TestExactSpellingReplacesEveryOther(t *testing.T) {
	req := must(http.NewRequest(http.MethodGet, home, nil))
	req.Header = keyedHeader()
	base := &fakehttp.Base{}
	_, err := exactKey("k").Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, http.Header{"apiKey": {"k"}, "X-A": {"1"}}, base.Requests()[0].Header)
	assert.Equal(t, keyedHeader(), req.Header, "the caller's request")

	_, err = must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: "apiKey"})).Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, http.Header{"Apikey": {"k"}, "X-A": {"1"}}, base.Requests()[1].Header, "canonical unless asked for")
}

// The server reads lines, because net/http's would change the names.
func TestExactSpellingReachesTheServer(t *testing.T) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	lines := make(chan []string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var got []string
		for in := bufio.NewScanner(conn); in.Scan() && in.Text() != ""; {
			got = append(got, in.Text())
		}
		lines <- got
		conn.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := connectorauth.NewClient(exactKey("k"), &http.Client{Transport: transport}).Get("http://" + listener.Addr().String())
	require.NoError(t, err)
	resp.Body.Close()
	var keys []string
	for _, line := range <-lines {
		if strings.EqualFold(strings.SplitN(line, ":", 2)[0], "apikey") {
			keys = append(keys, line)
		}
	}
	assert.Equal(t, []string{"apiKey: k"}, keys)
}

func TestExactSpellingOverHTTP2(t *testing.T) {
	got := make(chan http.Header, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 2, r.ProtoMajor)
		got <- r.Header
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	resp, err := connectorauth.NewClient(exactKey("k"), server.Client()).Get(server.URL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, []string{"k"}, (<-got)["Apikey"], "one header, in lower case on the way")
}

func TestExactSpellingOfRedirectsAndReplays(t *testing.T) {
	answers := []int{307, 401, 200}
	base := &fakehttp.Base{}
	base.Answer = func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(answers[len(base.Requests())-1], "")
		resp.Header.Set("Location", "/next")
		return resp, nil
	}
	config := connectorauth.OAuth2Config{
		ClientID: "c", ClientSecret: "s", TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: tokenEndpoint()},
		Dialect:    dialect.OAuth2{Placement: dialect.Placement{Name: "apiKey", Exact: true}},
	}
	req := must(http.NewRequest(http.MethodPost, home, strings.NewReader("a")))
	req.Header = keyedHeader()
	resp, err := connectorauth.NewClient(must(connectorauth.NewOAuth2(config)), &http.Client{Transport: base}).Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
	require.Len(t, base.Requests(), 3)
	for i, sent := range base.Requests() {
		sent.Header.Del("Referer")
		assert.Equal(t, http.Header{"apiKey": {accessToken}, "X-A": {"1"}}, sent.Header, i)
	}
}

// Hooks use net/http's names, and what hooks change goes out once.
func TestHooksSeeAnExactSpelling(t *testing.T) {
	for name, test := range map[string]struct {
		hook func(http.Header)
		want http.Header
	}{
		"reads":               {func(http.Header) {}, http.Header{"apiKey": {"k"}}},
		"sets":                {func(h http.Header) { h.Set("apiKey", "changed") }, http.Header{"apiKey": {"changed"}}},
		"sets by the map":     {func(h http.Header) { h["apiKey"] = []string{"changed"} }, http.Header{"apiKey": {"changed"}}},
		"sets another case":   {func(h http.Header) { h["APIKEY"] = []string{"changed"} }, http.Header{"apiKey": {"k"}}},
		"removes":             {func(h http.Header) { h.Del("apikey") }, http.Header{}},
		"adds":                {func(h http.Header) { h.Add("APIKEY", "more") }, http.Header{"apiKey": {"k", "more"}}},
		"sets another header": {func(h http.Header) { h.Set("x-a", "1") }, http.Header{"apiKey": {"k"}, "X-A": {"1"}}},
	} {
		base := &fakehttp.Base{}
		var before, after string
		c := connectorauth.WithHooks(exactKey("k"), connectorauth.Hooks{
			BeforeRequest: func(e *connectorauth.Exchange) error {
				before = e.Request.Header.Get("apiKey")
				test.hook(e.Request.Header)
				return nil
			},
			AfterResponse: func(e *connectorauth.Exchange) error {
				after = e.Request.Header.Get("X-A") + e.Request.Header.Get("apiKey")
				return nil
			},
		})
		_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.NoError(t, err)
		assert.Equal(t, "k", before, name)
		assert.Equal(t, test.want, base.Requests()[0].Header, name)
		if name == "reads" {
			assert.Equal(t, "k", after)
		}
	}
}

func TestExactSpellingsInAJoin(t *testing.T) {
	signed := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		req.Header.Set("X-Signature", req.Header.Get("appKey")+req.Header.Get("apiKey"))
		return nil
	}}))
	app := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "a", Name: "appKey", Exact: true}))
	c := must(connectorauth.Join(signed, exactKey("k"), app, must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u"}))))
	req := must(http.NewRequest(http.MethodGet, home, nil))
	req.Header = keyedHeader()
	base := &fakehttp.Base{}
	_, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, http.Header{
		"apiKey": {"k"}, "appKey": {"a"}, "X-Signature": {"ak"}, "Authorization": {"Basic dTo="}, "X-A": {"1"},
	}, base.Requests()[0].Header)

	_, err = connectorauth.Join(exactKey("k"), must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: "APIKEY"})))
	assert.ErrorContains(t, err, "two credentials for the header Apikey")
}
