package endpoint_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type paths = dialect.Response

func TestResponsesByPath(t *testing.T) {
	in30 := issued.Add(30 * time.Minute)
	data := paths{AccessToken: "data.token", RefreshToken: "data.refresh", Expiry: "data.exp", Scope: "data.scope"}
	for _, test := range []struct {
		name, body string
		paths      paths
		want       endpoint.Token // without Extra
		extra      string         // as JSON
	}{
		{"standard", `{"access_token":"a","refresh_token":"r","scope":"s","token_type":"Bearer","expires_in":60,"x":1}`, paths{},
			endpoint.Token{AccessToken: "a", RefreshToken: "r", Scope: "s", TokenType: "Bearer", Expiry: issued.Add(time.Minute)}, `{"x":1}`},
		{"form", `access_token=a&expires_in=60&x=1`, paths{}, endpoint.Token{AccessToken: "a", Expiry: issued.Add(time.Minute)}, `{"x":"1"}`},
		{"form with another name", `token=a&x=1`, paths{AccessToken: "token"}, endpoint.Token{AccessToken: "a"}, `{"x":"1"}`},
		{"nested", `{"data":{"token":"a","refresh":"r","exp":60,"scope":["s","t"],"id":7},"access_token":"other"}`, data,
			endpoint.Token{AccessToken: "a", RefreshToken: "r", Scope: "s t", Expiry: issued.Add(time.Minute)}, `{"data":{"id":7},"access_token":"other"}`},
		{"nothing but the token parses", `{"data":{"token":"a","refresh":{},"exp":"soon","scope":null}}`, data,
			endpoint.Token{AccessToken: "a"}, `{"data":{}}`},
		{"in a list", `{"tokens":[{"t":"a"}]}`, paths{AccessToken: "tokens.0.t"}, endpoint.Token{AccessToken: "a"}, `{"tokens":[{}]}`},
		{"milliseconds", `{"access_token":"a","expires_in":"1800000"}`, paths{ExpiryFormat: dialect.ExpiryMilliseconds},
			endpoint.Token{AccessToken: "a", Expiry: in30}, `{}`},
		{"seconds by name", `{"access_token":"a","expires_in":"1800"}`, paths{ExpiryFormat: dialect.ExpirySeconds},
			endpoint.Token{AccessToken: "a", Expiry: in30}, `{}`},
		{"Unix time", `{"access_token":"a","exp":` + fmt.Sprint(in30.Unix()) + `}`, paths{Expiry: "exp", ExpiryFormat: dialect.ExpiryUnix},
			endpoint.Token{AccessToken: "a", Expiry: in30}, `{}`},
		{"Unix time in ms", `{"access_token":"a","exp":"` + fmt.Sprint(in30.Unix()) + `000"}`, paths{Expiry: "exp", ExpiryFormat: dialect.ExpiryUnix},
			endpoint.Token{AccessToken: "a", Expiry: in30}, `{}`},
		{"Unix time gone by", `{"access_token":"a","exp":1700000000}`, paths{Expiry: "exp", ExpiryFormat: dialect.ExpiryUnix}, endpoint.Token{AccessToken: "a"}, `{}`},
		{"date", `{"access_token":"a","exp":"` + in30.Format(time.RFC3339Nano) + `"}`, paths{Expiry: "exp", ExpiryFormat: dialect.ExpiryRFC3339},
			endpoint.Token{AccessToken: "a", Expiry: in30}, `{}`},
		{"no date", `{"access_token":"a","exp":3600}`, paths{Expiry: "exp", ExpiryFormat: dialect.ExpiryRFC3339}, endpoint.Token{AccessToken: "a"}, `{}`},
		{"no error", `{"access_token":"a","code":0}`, paths{Error: "code"}, endpoint.Token{AccessToken: "a"}, `{"code":0}`},
		{"false error", `{"access_token":"a","error":false}`, paths{}, endpoint.Token{AccessToken: "a"}, `{"error":false}`},
	} {
		got, err := ask(t, reply{body: test.body}, request{paths: []paths{test.paths}})
		if !assert.Nil(t, err, test.name) {
			continue
		}
		extra, _ := json.Marshal(got.Extra)
		assert.JSONEq(t, test.extra, string(extra), test.name)
		got.Extra, got.Unread = nil, nil
		assert.Equal(t, test.want, got, test.name)
	}
}

func TestRefusalsByPath(t *testing.T) {
	refresh := request{
		params: map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-secret"}},
		paths:  []paths{{AccessToken: "data.token", RefreshToken: "data.refresh", Error: "data.code", ErrorDescription: "data.text"}},
	}
	for _, test := range []struct {
		body, code, description, refresh string
	}{
		{`{"data":{"code":10010,"text":"gone"}}`, "10010", "gone", ""},
		{`{"data":{"code":"10010","token":"a","refresh":"r"}}`, "10010", "", ""},
		{`{"data":{"code":true}}`, "error", "", ""},
		{`{"data":{"code":{"type":"T","message":"because"}}}`, "T", "because", ""},
		{`{"data":{"code":"no refresh-secret"}}`, "no [redacted]", "", ""},
		{`{"data":{"code":0,"text":"ok","refresh":"r"}}`, "", "ok", "r"},
		{`{"data":[]}`, "", "", ""},
	} {
		token, err := ask(t, reply{body: test.body}, refresh)
		require.NotNil(t, err, test.body)
		assert.Equal(t, test.code, err.Code, test.body)
		assert.Equal(t, test.description, err.Description, test.body)
		assert.Equal(t, endpoint.Token{RefreshToken: test.refresh}, token, test.body)
	}
}

// The second place is for refresh responses like Slack's.
func TestTokenIsLookedForInTurn(t *testing.T) {
	r := request{paths: []paths{{AccessToken: "user.token", RefreshToken: "user.refresh"}, {}}}
	token, err := ask(t, reply{body: `{"access_token":"a","refresh_token":"r","token_type":"user"}`}, r)
	require.Nil(t, err)
	assert.Equal(t, endpoint.Token{AccessToken: "a", RefreshToken: "r", TokenType: "user", Extra: map[string]any{}}, token)
	token, err = ask(t, reply{body: `{"access_token":"a","user":{"token":"u"}}`}, r)
	require.Nil(t, err)
	assert.Equal(t, "u", token.AccessToken)
	token, err = ask(t, reply{body: `{"user":{"refresh":"first"},"refresh_token":"second"}`}, r)
	require.NotNil(t, err)
	assert.Equal(t, endpoint.Token{RefreshToken: "first"}, token)
}

func TestPathsIntoTheResponse(t *testing.T) {
	body := `{"data":{"token":"a","refresh":"r","ends":1000,"list":[{"s":"x y"}]},"expires_in":5,"ok":true}`
	to := paths{AccessToken: "data.token", RefreshToken: "data.refresh", Expiry: "data.ends", Scope: "data.list.0.s", ExpiryFormat: dialect.ExpiryMilliseconds}
	token, err := ask(t, reply{body: body}, request{paths: []paths{{}, to}})
	require.Nil(t, err)
	assert.Equal(t, "a", token.AccessToken)
	assert.Equal(t, "r", token.RefreshToken)
	assert.Equal(t, "x y", token.Scope)
	assert.Equal(t, issued.Add(time.Second), token.Expiry)
	assert.NotContains(t, fmt.Sprint(token.Extra), "token:a", "a token is no extra value")

	for _, missing := range []string{"data.list.1.s", "data.list.x.s", "data.token.deeper", "nothing", "data..token"} {
		_, err := ask(t, reply{body: body}, request{paths: []paths{{AccessToken: missing}}})
		require.NotNil(t, err, missing)
		assert.ErrorContains(t, err, "the response has no "+missing)
	}
}
