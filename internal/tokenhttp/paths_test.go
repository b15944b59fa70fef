package tokenhttp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read lets an exchange read an answer.
func read(status int, body string, paths ...tokenhttp.Paths) (tokenhttp.Answer, error) {
	x := tokenhttp.New(tokenhttp.Request{
		URL: "https://p.example/token", Form: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-secret"}},
		ClientID: "client", ClientSecret: "client-secret", Paths: paths,
	})
	return x.Do(context.Background(), &http.Client{Transport: carrier(func(req *http.Request) (*http.Response, error) {
		if err := x.Prepare(req); err != nil {
			return nil, err
		}
		resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}
		return resp, x.Receive(resp)
	})})
}

type carrier func(*http.Request) (*http.Response, error)

func (f carrier) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestAnswersByPath(t *testing.T) {
	type paths = tokenhttp.Paths
	in30 := time.Now().Add(30 * time.Minute).Truncate(time.Millisecond)
	data := paths{AccessToken: "data.token", RefreshToken: "data.refresh", Expiry: "data.exp", Scope: "data.scope"}
	for _, test := range []struct {
		name, body string
		paths      paths
		want       tokenhttp.Answer // without Extra
		extra      string           // as JSON
	}{
		{"standard", `{"access_token":"a","refresh_token":"r","scope":"s","token_type":"Bearer","expires_in":60,"x":1}`, paths{},
			tokenhttp.Answer{AccessToken: "a", RefreshToken: "r", Scope: "s", TokenType: "Bearer", Lifetime: time.Minute}, `{"x":1}`},
		{"form", `access_token=a&expires_in=60&x=1`, paths{}, tokenhttp.Answer{AccessToken: "a", Lifetime: time.Minute}, `{"x":"1"}`},
		{"form with another name", `token=a&x=1`, paths{AccessToken: "token"}, tokenhttp.Answer{AccessToken: "a"}, `{"x":"1"}`},
		{"nested", `{"data":{"token":"a","refresh":"r","exp":60,"scope":["s","t"],"id":7},"access_token":"other"}`, data,
			tokenhttp.Answer{AccessToken: "a", RefreshToken: "r", Scope: "s t", Lifetime: time.Minute}, `{"data":{"id":7},"access_token":"other"}`},
		{"nothing but the token parses", `{"data":{"token":"a","refresh":{},"exp":"soon","scope":null}}`, data,
			tokenhttp.Answer{AccessToken: "a"}, `{"data":{}}`},
		{"in a list", `{"tokens":[{"t":"a"}]}`, paths{AccessToken: "tokens.0.t"}, tokenhttp.Answer{AccessToken: "a"}, `{"tokens":[{}]}`},
		{"milliseconds", `{"access_token":"a","expires_in":"1800000"}`, paths{Format: tokenhttp.Milliseconds},
			tokenhttp.Answer{AccessToken: "a", Lifetime: 30 * time.Minute}, `{}`},
		{"Unix time", `{"access_token":"a","exp":` + unix(in30) + `}`, paths{Expiry: "exp", Format: tokenhttp.Unix},
			tokenhttp.Answer{AccessToken: "a", Expiry: in30.Truncate(time.Second)}, `{}`},
		{"Unix time in ms", `{"access_token":"a","exp":"` + unix(in30) + `000"}`, paths{Expiry: "exp", Format: tokenhttp.Unix},
			tokenhttp.Answer{AccessToken: "a", Expiry: in30.Truncate(time.Second)}, `{}`},
		{"Unix time gone by", `{"access_token":"a","exp":1700000000}`, paths{Expiry: "exp", Format: tokenhttp.Unix}, tokenhttp.Answer{AccessToken: "a"}, `{}`},
		{"date", `{"access_token":"a","exp":"` + in30.UTC().Format(time.RFC3339Nano) + `"}`, paths{Expiry: "exp", Format: tokenhttp.RFC3339},
			tokenhttp.Answer{AccessToken: "a", Expiry: in30}, `{}`},
		{"no date", `{"access_token":"a","exp":3600}`, paths{Expiry: "exp", Format: tokenhttp.RFC3339}, tokenhttp.Answer{AccessToken: "a"}, `{}`},
		{"no error", `{"access_token":"a","code":0}`, paths{Error: "code"}, tokenhttp.Answer{AccessToken: "a"}, `{"code":0}`},
		{"false error", `{"access_token":"a","error":false}`, paths{}, tokenhttp.Answer{AccessToken: "a"}, `{"error":false}`},
	} {
		got, err := read(200, test.body, test.paths)
		if !assert.NoError(t, err, test.name) {
			continue
		}
		extra, _ := json.Marshal(got.Extra)
		assert.JSONEq(t, test.extra, string(extra), test.name)
		assert.WithinDuration(t, test.want.Expiry, got.Expiry, 0, test.name)
		got.Extra, got.Expiry, test.want.Expiry = nil, time.Time{}, time.Time{}
		assert.Equal(t, test.want, got, test.name)
	}
}

func unix(at time.Time) string {
	text, _ := json.Marshal(at.Unix())
	return string(text)
}

func TestRefusalsByPath(t *testing.T) {
	paths := tokenhttp.Paths{AccessToken: "data.token", RefreshToken: "data.refresh", Error: "data.code", Description: "data.text"}
	for _, test := range []struct {
		body, code, description, refresh string
	}{
		{`{"data":{"code":10010,"text":"gone"}}`, "10010", "gone", ""},
		{`{"data":{"code":"10010","token":"a","refresh":"r"}}`, "10010", "", ""},
		{`{"data":{"code":true}}`, "error", "", ""},
		{`{"data":{"code":{"type":"T","message":"because"}}}`, "T", "because", ""},
		{`{"data":{"code":0,"text":"ok","refresh":"r"}}`, "", "ok", "r"},
		{`{"data":[]}`, "", "", ""},
		{`{"data":{"code":"no refresh-secret"}}`, "no [redacted]", "", ""},
	} {
		answer, err := read(200, test.body, paths)
		var failed *tokenhttp.Error
		require.ErrorAs(t, err, &failed, test.body)
		assert.Equal(t, test.code, failed.Code, test.body)
		assert.Equal(t, test.description, failed.Description, test.body)
		assert.Equal(t, tokenhttp.Answer{RefreshToken: test.refresh}, answer, test.body)
	}
}

// The second place is for refresh answers like Slack's.
func TestAnswerIsLookedForInTurn(t *testing.T) {
	nested := tokenhttp.Paths{AccessToken: "user.token", RefreshToken: "user.refresh"}
	answer, err := read(200, `{"access_token":"a","refresh_token":"r","token_type":"user"}`, nested, tokenhttp.Paths{})
	require.NoError(t, err)
	assert.Equal(t, tokenhttp.Answer{AccessToken: "a", RefreshToken: "r", TokenType: "user", Extra: map[string]any{}}, answer)
	answer, err = read(200, `{"access_token":"a","user":{"token":"u"}}`, nested, tokenhttp.Paths{})
	require.NoError(t, err)
	assert.Equal(t, "u", answer.AccessToken)
}

func FuzzAnswerByPath(f *testing.F) {
	for _, body := range []string{
		`{"data":{"token":"a","refresh":"r","exp":1e400,"code":0}}`, `[[[[`, `data.token=a&data.code=b`, "\xef\xbb\xbf{}",
		`{"data":[{"token":"a"}],"exp":"9999-12-31T23:59:59Z"}`, `{"access_token":"a","expires_in":9e99}`,
	} {
		f.Add(200, body, "data.token", "data.exp", 0)
		f.Add(400, body, "data.0.token", "exp", 3)
	}
	f.Fuzz(func(t *testing.T, status int, body, path, expiry string, format int) {
		paths := tokenhttp.Paths{AccessToken: path, RefreshToken: "data.refresh", Expiry: expiry, Error: "data.code", Format: tokenhttp.ExpiryFormat(format)}
		answer, err := read(status, body, paths, tokenhttp.Paths{})
		if err != nil {
			var failed *tokenhttp.Error
			require.ErrorAs(t, err, &failed)
			require.Empty(t, answer.AccessToken)
			require.LessOrEqual(t, len(failed.Code)+len(failed.Description), 300)
			return
		}
		require.NotEmpty(t, answer.AccessToken)
		require.GreaterOrEqual(t, answer.Lifetime, time.Duration(0))
		if !answer.Expiry.IsZero() {
			require.True(t, answer.Expiry.After(time.Now().Add(-time.Minute)))
			_, err := answer.Expiry.MarshalJSON()
			require.NoError(t, err)
		}
		_, err = json.Marshal(answer.Extra)
		require.NoError(t, err)
	})
}
