package oauth1_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// send makes a request with a connector and returns the status.
func send(t *testing.T, c connectorauth.Connector, base http.RoundTripper, req *http.Request) int {
	t.Helper()
	client := connectorauth.NewClient(c, &http.Client{
		Transport:     base,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	return resp.StatusCode
}

func connector(t *testing.T, config connectorauth.OAuth1Config) *connectorauth.OAuth1 {
	t.Helper()
	c, err := connectorauth.NewOAuth1(config)
	require.NoError(t, err)
	return c
}

func newForm(t *testing.T, address, form string) *http.Request {
	t.Helper()
	req, err := http.NewRequest("POST", address, strings.NewReader(form))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// Every method in every place. In query and form oauthlib decodes what is in
// oauth_signature twice, which PLAINTEXT does not survive.
func TestMethodsAndPlaces(t *testing.T) {
	s := start(t, 0)
	for _, method := range methods {
		for place, in := range map[string]dialect.Location{"header": dialect.InHeader, "query": dialect.InQuery, "form": dialect.InBody} {
			if method == dialect.Plaintext && in != dialect.InHeader {
				continue
			}
			config := s.config(method)
			config.In = in
			status := send(t, connector(t, config), s.transport, newForm(t, s.URL+"/photos?a=2&a=1&b=%C3%A9+%2B", "a=3&c=&d=x+y"))
			assert.Equal(t, 200, status, "%s in the %s", method, place)
		}
	}
}

func TestRealm(t *testing.T) {
	s := start(t, 0)
	for _, realm := range []string{"Example", "http://server.example.com/", "a b, c=d", `say "hi" \o/`} {
		config := s.config(dialect.HMACSHA256)
		config.Realm = realm
		assert.Equal(t, 200, send(t, connector(t, config), s.transport, newForm(t, s.URL+"/?a=1", "b=2")), realm)
	}
}

func TestThreeLegged(t *testing.T) {
	s := start(t, 0)
	for _, method := range methods {
		for _, callback := range []string{"http://127.0.0.1/ready?x=1", "oob"} {
			config := s.config(method)
			config.Token, config.TokenSecret = "", ""
			config.RequestTokenURL, config.AuthorizeURL, config.AccessTokenURL = s.URL+"/request_token", s.URL+"/authorize", s.URL+"/access_token"
			c := connector(t, config)
			authURL, pending, err := c.Begin(t.Context(), callback)
			require.NoError(t, err, method)
			answer := consent(t, s, authURL)
			require.NoError(t, c.Finish(t.Context(), pending, answer), method)
			assert.Equal(t, 200, send(t, c, s.transport, newForm(t, s.URL+"/photos?a=1", "b=2")))

			// The server has seen these temporary credentials, and says so.
			config.Shared = new(connectorauth.Shared) // as in another process
			again := connector(t, config)
			var refused *connectorauth.TokenError
			require.ErrorAs(t, again.Finish(t.Context(), pending, answer), &refused)
			assert.Contains(t, []int{400, 401}, refused.StatusCode)
		}
	}
}

// consent does what the browser of the account owner does.
func consent(t *testing.T, s *server, authURL string) url.Values {
	t.Helper()
	resp, err := s.transport.RoundTrip(must(http.NewRequest("GET", authURL, nil)))
	require.NoError(t, err)
	defer resp.Body.Close()
	if location, err := resp.Location(); err == nil {
		return location.Query()
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	answer, err := url.ParseQuery(string(body))
	require.NoError(t, err)
	return answer
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A verifier that is guessed wrong is refused, and so is a client that is not
// who it says.
func TestRefusedHandshakes(t *testing.T) {
	s := start(t, 0)
	config := s.config(dialect.HMACSHA1)
	config.Token, config.TokenSecret = "", ""
	config.RequestTokenURL, config.AuthorizeURL, config.AccessTokenURL = s.URL+"/request_token", s.URL+"/authorize", s.URL+"/access_token"
	c := connector(t, config)
	authURL, pending, err := c.Begin(t.Context(), "oob")
	require.NoError(t, err)
	consent(t, s, authURL)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, c.Finish(t.Context(), pending, url.Values{"oauth_verifier": {strings.Repeat("x", 24)}}), &refused)
	assert.Equal(t, 401, refused.StatusCode)

	config.ClientSecret = "wrong"
	_, _, err = connector(t, config).Begin(t.Context(), "oob")
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 401, refused.StatusCode)
}

// What is changed on the way, or sent again, is refused: so the server does look.
func TestTamperingAndReplayAreRefused(t *testing.T) {
	s := start(t, 0)
	for _, method := range methods {
		for name, tamper := range map[string]func(*http.Request){
			"nothing":   func(*http.Request) {},
			"method":    func(r *http.Request) { r.Method = "PUT" },
			"path":      func(r *http.Request) { r.URL.Path += "s" },
			"query":     func(r *http.Request) { r.URL.RawQuery = "a=1&a=3" },
			"port":      func(r *http.Request) { r.Host = "127.0.0.1:81" },
			"form":      func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("b=3")) },
			"timestamp": func(r *http.Request) { edit(r, `oauth_timestamp="`) },
			"nonce":     func(r *http.Request) { edit(r, `oauth_nonce="`) },
			"token":     func(r *http.Request) { edit(r, `oauth_token="`) },
			"signature": func(r *http.Request) { edit(r, `oauth_signature="`) },
		} {
			base := roundTripper(func(r *http.Request) (*http.Response, error) {
				u := *r.URL
				r = r.Clone(r.Context())
				r.URL = &u
				tamper(r)
				return s.transport.RoundTrip(r)
			})
			status := send(t, connector(t, s.config(method)), base, newForm(t, s.URL+"/photos?a=1&a=2", "b=2"))
			want := []int{400, 401}
			if name == "nothing" || method == dialect.Plaintext && unsigned[name] {
				want = []int{200}
			}
			assert.Contains(t, want, status, "%s, %s", method, name)
		}

		var sent *http.Request
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r.Clone(r.Context())
			return s.transport.RoundTrip(r)
		})
		req := must(http.NewRequest("GET", s.URL+"/photos", nil))
		require.Equal(t, 200, send(t, connector(t, s.config(method)), base, req))
		resp, err := s.transport.RoundTrip(sent)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 401, resp.StatusCode, "%s, replayed", method)
		assert.Equal(t, 200, send(t, connector(t, s.config(method)), base, req), "the same request, signed anew")
	}
}

// unsigned is what PLAINTEXT, which is the secrets alone, does not protect.
var unsigned = map[string]bool{"method": true, "path": true, "query": true, "port": true, "form": true, "nonce": true}

// edit changes the first character of a parameter in the Authorization header.
func edit(r *http.Request, before string) {
	header := []byte(r.Header.Get("Authorization"))
	i := strings.Index(string(header), before) + len(before)
	if header[i]++; header[i] == '9'+1 {
		header[i] = '0'
	}
	r.Header.Set("Authorization", string(header))
}

// The server's clock is more than its ten minutes off. Its refusal says nothing
// but the Date.
func TestClockSkew(t *testing.T) {
	for _, ahead := range []int{3600, -3600} {
		s := start(t, ahead)
		requests := 0
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			requests++
			return s.transport.RoundTrip(r)
		})
		c := connector(t, s.config(dialect.HMACSHA1))
		for _, want := range []int{2, 3, 4} {
			assert.Equal(t, 200, send(t, c, base, newForm(t, s.URL+"/", "a=1")))
			assert.Equal(t, want, requests)
		}
	}
}
