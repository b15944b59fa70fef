package connectorauth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDialectRejectionRenewsAndReplays(t *testing.T) {
	long := strings.Repeat(" ", 64<<10)
	rejections := []dialect.Rejection{
		{Status: 403, Header: "X-Error", HeaderValue: "expired"},
		{Status: 418},
		{Path: "error.code", Value: "190"},
		{Path: "ok", Value: "false"},
		{Path: "errors.0.extensions.code", Value: "UNAUTHENTICATED"},
		{Status: 400, Body: "session has expired"},
	}
	for _, test := range []struct {
		status             int
		header, kind, body string
		rejected           bool
	}{
		{401, "", "", "", true},
		{200, "", "", "fine", false},
		{418, "", "", "", true},
		{403, "token expired", "", "", true},
		{403, "no scope", "", "", false},
		{403, "", "", "", false},
		{400, "", "application/json", `{"error":{"code":190}}`, true},
		{400, "", "application/json; charset=utf-8", `{"error":{"code":"190"}}`, true},
		{400, "", "application/json", `{"error":{"code":191}}`, false},
		{400, "", "application/json", `{"error":"190"}`, false},
		{400, "", "application/octet-stream", `{"error":{"code":190}}`, false},
		{200, "", "application/json", `{"ok":false}`, true},
		{200, "", "application/problem+json", `{"ok":false}`, true},
		{200, "", "application/json", `{"ok":true}`, false},
		{200, "", "application/json", `{"ok":`, false},
		{200, "", "application/json", ``, false},
		{200, "", "application/json", `{"errors":[{"extensions":{"code":"UNAUTHENTICATED"}}]}`, true},
		{200, "", "application/json", `{"errors":[]}`, false},
		{200, "", "application/json", `{"ok":false}` + long, false},
		{400, "", "text/xml", `<e>Your session has expired</e>`, true},
		{400, "", "text/event-stream", `data: session has expired`, false},
		{200, "", "text/html", `session has expired`, false},
	} {
		t.Run(fmt.Sprintf("%d %s %.30s", test.status, test.kind, test.body), func(t *testing.T) {
			issued := 0
			c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: dialect.OAuth2{Rejections: rejections}},
				func(n int, _ *http.Request) (int, string) {
					issued = n
					return 200, fmt.Sprintf(`{"access_token":"a%d","expires_in":3600}`, n)
				})
			api := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
				resp := fakehttp.Respond(test.status, test.body)
				resp.ContentLength = -1
				resp.Header.Set("Content-Type", test.kind)
				resp.Header.Set("X-Error", test.header)
				return resp, nil
			}}
			status, body := get(t, c, &http.Client{Transport: api}, "https://api.example.test/")
			assert.Equal(t, test.status, status)
			assert.Equal(t, test.body, body, "the body that the caller sees")
			want := 1
			if test.rejected {
				want = 2
			}
			assert.Equal(t, want, issued, "token requests")
			assert.Len(t, api.Requests(), want)
		})
	}
}

// countingBody tells how much of it was read, and fails at its end.
type countingBody struct {
	left, read int
	closed     bool
}

func (b *countingBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errBroken
	}
	n := min(len(p), b.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	b.left, b.read = b.left-n, b.read+n
	return n, nil
}

func (b *countingBody) Close() error { b.closed = true; return nil }

func TestLookForRejectionIsBounded(t *testing.T) {
	c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: dialect.OAuth2{Rejections: []dialect.Rejection{{Body: "x"}}}}, nil)
	for _, test := range []struct {
		name, kind, encoding string
		size, length, looked int
	}{
		{"long", "application/json", "", 1 << 20, -1, 64<<10 + 1},
		{"announced as long", "application/json", "", 1 << 20, 1 << 20, 0},
		{"binary", "image/png", "", 100, -1, 0},
		{"unlabelled", "", "", 100, -1, 100},
		{"unlabelled and long", "", "", 1 << 20, 1 << 20, 0},
		{"compressed for the caller", "application/json", "gzip", 100, -1, 100},
		{"stream", "text/event-stream", "", 100, -1, 0},
		{"compressed", "application/json", "br", 100, -1, 0},
		{"broken", "application/json", "", 100, 200, 100},
	} {
		body := &countingBody{left: test.size}
		api := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, ContentLength: int64(test.length)}
			resp.Header.Set("Content-Type", test.kind)
			resp.Header.Set("Content-Encoding", test.encoding)
			return resp, nil
		})
		resp, err := connectorauth.NewClient(c, &http.Client{Transport: api}).Get("https://api.example.test/")
		require.NoError(t, err, test.name)
		assert.Equal(t, test.looked, body.read, test.name)
		n, err := io.Copy(io.Discard, resp.Body)
		assert.EqualValues(t, test.size, n, test.name)
		assert.ErrorIs(t, err, errBroken, test.name)
		resp.Body.Close()
		assert.True(t, body.closed, test.name)
	}
}

func TestRefusedGrantThatNeedsNobodyIsAskedForAgain(t *testing.T) {
	for _, password := range []bool{false, true} {
		bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
			c := connect(t, p, func(config *connectorauth.OAuth2Config) {
				config.Grant = connectorauth.ClientCredentials{}
				if password {
					config.Grant = connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)}
				}
			})
			p.Inject(p.TokenURL, 1, authtest.Answer(400, nil, `{"error":"invalid_grant"}`))
			for range 30 {
				_, err := c.Token(t.Context())
				require.ErrorContains(t, err, "invalid_grant")
				require.Equal(t, password, errors.Is(err, connectorauth.ErrReauthRequired), "only a person can correct a password")
				time.Sleep(time.Second)
			}
			assert.Len(t, p.Requests(p.TokenURL), 1)
			time.Sleep(time.Minute)
			_, err := c.Token(t.Context())
			assert.Equal(t, password, err != nil, "a refused password could lock the account")
		})
	}
}

// A body that the dialect asks about may come slowly, or never end.
func TestLookForRejectionIsBoundedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: dialect.OAuth2{Rejections: []dialect.Rejection{
			{Path: "error", Value: "expired"}, {Body: "session over"},
		}}}, nil)
		for body, rejected := range map[string]bool{`{"watch":1}`: false, "session over": true, "": false} {
			sent := 0
			api := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				if sent++; sent > 1 {
					return fakehttp.Respond(204, ""), nil
				}
				resp := fakehttp.Respond(200, "")
				resp.Header.Set("Content-Type", "application/json")
				in, out := io.Pipe()
				go io.WriteString(out, body)
				resp.Body, resp.ContentLength = in, -1
				return resp, nil
			})
			began := time.Now()
			resp, err := connectorauth.NewClient(c, &http.Client{Transport: api}).Get("https://api.example.test/")
			require.NoError(t, err)
			assert.LessOrEqual(t, time.Since(began), 3*time.Second)
			if rejected {
				assert.Equal(t, 204, resp.StatusCode)
				continue
			}
			first := make([]byte, len(body))
			_, err = io.ReadFull(resp.Body, first)
			require.NoError(t, err)
			assert.Equal(t, body, string(first), "nothing is lost")
			resp.Body.Close()
		}
	})
}

// A token that the API rejects right after its renewal is not renewed for a minute. Another
// process may have a better token meanwhile, as after a new consent.
func TestTokenOfAnotherProcessEndsARejection(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		in := func(c *connectorauth.OAuth2Config) {
			c.Store, c.Account, c.Shared = store, "account", new(connectorauth.Shared)
		}
		c, other := connect(t, p, in), connect(t, p, in)
		issue(t, p, c, time.Hour)
		p.Inject(p.BearerURL, 2, authtest.Answer(http.StatusUnauthorized, nil, ""))
		assert.Equal(t, http.StatusUnauthorized, status(t, p, c, p.BearerURL), "the token after the renewal too")
		p.ExpireAccessTokens()
		before := p.Stats().TokenRequests
		for range 3 {
			assert.Equal(t, http.StatusUnauthorized, status(t, p, c, p.BearerURL))
		}
		assert.Equal(t, before, p.Stats().TokenRequests, "no renewal for a minute")
		require.NoError(t, other.Renew(t.Context()))
		assert.Equal(t, http.StatusOK, status(t, p, c, p.BearerURL))
		assert.Equal(t, before+1, p.Stats().TokenRequests)
	})
}

// The same for an account that another process has disconnected.
func TestEndOfAnAccountEndsARejection(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		in := func(c *connectorauth.OAuth2Config) {
			c.Store, c.Account, c.Shared, c.RevokeURL = store, "account", new(connectorauth.Shared), p.RevokeURL
		}
		c, other := connect(t, p, in), connect(t, p, in)
		issue(t, p, c, time.Hour)
		p.Inject(p.BearerURL, 2, authtest.Answer(http.StatusUnauthorized, nil, ""))
		assert.Equal(t, http.StatusUnauthorized, status(t, p, c, p.BearerURL))
		require.NoError(t, other.Revoke(t.Context()))
		before := p.Stats().TokenRequests
		_, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
		assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
		assert.Equal(t, before, p.Stats().TokenRequests)
	})
}

// A token that has expired meanwhile is renewed, although the API rejected it before.
func TestExpiryEndsARejection(t *testing.T) {
	bubble(t, authtest.Config{TokenLifetime: 30 * time.Second}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, func(c *connectorauth.OAuth2Config) { c.Store, c.Account = new(tokenstore.Memory), "account" })
		issue(t, p, c, time.Hour)
		p.Inject(p.BearerURL, 2, authtest.Answer(http.StatusUnauthorized, nil, ""))
		assert.Equal(t, http.StatusUnauthorized, status(t, p, c, p.BearerURL))
		time.Sleep(29 * time.Second)
		p.Inject(p.BearerURL, 1, authtest.Delay(2*time.Second), authtest.Answer(http.StatusUnauthorized, nil, ""))
		assert.Equal(t, http.StatusOK, status(t, p, c, p.BearerURL))
		assert.Equal(t, 2, p.Stats().TokenRequests)
	})
}
