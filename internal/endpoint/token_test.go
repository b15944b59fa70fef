package endpoint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const jsonType = "application/json"

func TestResponsesAsProvidersWriteThem(t *testing.T) {
	const form = "access_token=a%2Bb&token_type=bearer&expires_in=3600&refresh_token=r&scope=x+y"
	const object = `{"access_token":"a+b","token_type":"bearer","expires_in":3600,"refresh_token":"r","scope":"x y"}`
	usual := endpoint.Token{AccessToken: "a+b", TokenType: "bearer", RefreshToken: "r", Scope: "x y", Expiry: issued.Add(time.Hour)}
	for name, test := range map[string]struct {
		reply
		want endpoint.Token
	}{
		"JSON":                      {reply{body: object, kind: jsonType}, usual},
		"JSON with charset":         {reply{body: object, kind: jsonType + "; charset=utf-8"}, usual},
		"JSON as text/plain":        {reply{body: object, kind: "text/plain"}, usual},
		"JSON as text/html":         {reply{body: object, kind: "text/html; charset=utf-8"}, usual},
		"JSON as a form":            {reply{body: object, kind: "application/x-www-form-urlencoded"}, usual},
		"JSON as nonsense":          {reply{body: object, kind: "\x00;;;"}, usual},
		"JSON without type":         {reply{body: object}, usual},
		"JSON after a BOM":          {reply{body: "\xef\xbb\xbf" + object, kind: jsonType}, usual},
		"JSON in white space":       {reply{body: "\r\n\t " + object + "\n\n", kind: jsonType}, usual},
		"form":                      {reply{body: form, kind: "application/x-www-form-urlencoded"}, usual},
		"form as JSON":              {reply{body: form, kind: jsonType}, usual},
		"form as text/plain":        {reply{body: form + "\n", kind: "text/plain"}, usual},
		"form after a BOM":          {reply{body: "\xef\xbb\xbf" + form}, usual},
		"created":                   {reply{body: object, status: http.StatusCreated}, usual},
		"scope as list":             {reply{body: `{"access_token":"a","scope":["x","y"]}`}, endpoint.Token{AccessToken: "a", Scope: "x y"}},
		"token as number":           {reply{body: `{"access_token":12345678901234567890}`}, endpoint.Token{AccessToken: "12345678901234567890"}},
		"members that are null":     {reply{body: `{"access_token":"a","refresh_token":null,"scope":null,"error":null,"token_type":null}`}, endpoint.Token{AccessToken: "a"}},
		"members of the wrong type": {reply{body: `{"access_token":"a","refresh_token":{},"scope":true,"token_type":[]}`}, endpoint.Token{AccessToken: "a"}},
		"an empty error":            {reply{body: `{"access_token":"a","error":""}`}, endpoint.Token{AccessToken: "a"}},
		"an error of code 0":        {reply{body: `{"access_token":"a","error":{"code":0,"message":""}}`}, endpoint.Token{AccessToken: "a"}},
		"lists in a list":           {reply{body: `{"access_token":"a","scope":["x",["y"],3]}`}, endpoint.Token{AccessToken: "a", Scope: "x  3"}},
		"a member twice":            {reply{body: `{"access_token":"a","access_token":"b"}`}, endpoint.Token{AccessToken: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := ask(t, test.reply, request{})
			require.Nil(t, err)
			token.Extra = nil
			assert.Equal(t, test.want, token)
		})
	}
}

func TestFurtherMembersAreKeptAsTheyWereWritten(t *testing.T) {
	token, err := ask(t, reply{body: `{"access_token":"a","token_type":"bearer","expires_in":60,"refresh_token":"r","scope":"s",` +
		`"id":12345678901234567890,"instance_url":"https://eu.example","team":{"id":"T1"}}`}, request{})
	require.Nil(t, err)
	assert.Equal(t, map[string]any{
		"id": json.Number("12345678901234567890"), "instance_url": "https://eu.example", "team": map[string]any{"id": "T1"},
	}, token.Extra)
}

func TestRefusals(t *testing.T) {
	type failure = endpoint.Failure
	for name, test := range map[string]struct {
		reply
		want failure
	}{
		"RFC 6749 section 5.2": {reply{status: 400, body: `{"error":"invalid_request"}`}, failure{StatusCode: 400, Code: "invalid_request"}},
		"with a description":   {reply{status: 401, body: `{"error":"invalid_client","error_description":"who?"}`}, failure{StatusCode: 401, Code: "invalid_client", Description: "who?"}},
		"as a form":            {reply{status: 400, body: `error=invalid_grant&error_description=gone+by`}, failure{StatusCode: 400, Code: "invalid_grant", Description: "gone by"}},
		"with status 200":      {reply{body: `{"error":"bad_verification_code"}`}, failure{StatusCode: 200, Code: "bad_verification_code"}},
		"as a form with 200":   {reply{body: `error=bad_verification_code`}, failure{StatusCode: 200, Code: "bad_verification_code"}},
		"and yet a token":      {reply{body: `{"error":"x","access_token":"a"}`}, failure{StatusCode: 200, Code: "x"}},
		"a token with 400":     {reply{status: 400, body: `{"access_token":"a"}`}, failure{StatusCode: 400}},
		"an object with type":  {reply{status: 400, body: `{"error":{"message":"expired","type":"OAuthException","fbtrace_id":"x"}}`}, failure{StatusCode: 400, Code: "OAuthException", Description: "expired"}},
		"an object with code":  {reply{status: 400, body: `{"error":{"message":"expired","type":"OAuthException","code":190}}`}, failure{StatusCode: 400, Code: "190", Description: "expired"}},
		"two descriptions":     {reply{status: 400, body: `{"error":{"code":"c","message":"less"},"error_description":"more"}`}, failure{StatusCode: 400, Code: "c", Description: "more"}},
		"an object with 200":   {reply{body: `{"error":{"status":"DENIED"}}`}, failure{StatusCode: 200, Code: "DENIED"}},
		"an empty object":      {reply{body: `{"error":{}}`}, failure{StatusCode: 200, Code: "error"}},
		"an object of code 0":  {reply{status: 400, body: `{"error":{"code":0,"message":"busy"}}`}, failure{StatusCode: 400, Description: "busy"}},
		"a number":             {reply{body: `{"error":42}`}, failure{StatusCode: 200, Code: "42"}},
		"Retry-After":          {reply{status: 429, header: http.Header{"Retry-After": {"120"}}, body: `{}`}, failure{StatusCode: 429, RetryAfter: 2 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, test.reply, request{})
			require.NotNil(t, err)
			assert.Equal(t, test.want, *err)
		})
	}
}

// A response that no OAuth2 server would send is a failure, in doubt where the
// status says that something was granted: the credential may be spent.
func TestResponsesThatAreNone(t *testing.T) {
	object := `{"access_token":"a","refresh_token":"` + strings.Repeat("r", 100) + `"}`
	for name, test := range map[string]struct {
		reply
		inDoubt bool
		says    string
	}{
		"HTML with 200":         {reply{body: "<html><body>Please sign in</body></html>", kind: "text/html"}, true, "neither"},
		"HTML with 500":         {reply{status: 500, body: "<html><h1>Oops</h1></html>", kind: "text/html"}, false, "neither"},
		"HTML with 404":         {reply{status: 404, body: "<html></html>"}, false, "neither"},
		"truncated":             {reply{body: object[:60]}, true, "not complete JSON"},
		"truncated with 502":    {reply{status: 502, body: object[:60]}, false, "not complete JSON"},
		"empty":                 {reply{}, true, "neither"},
		"no content":            {reply{status: 204}, true, "neither"},
		"empty with 503":        {reply{status: 503}, false, "neither"},
		"null":                  {reply{body: "null"}, true, "neither"},
		"a list":                {reply{body: `[{"access_token":"a"}]`}, true, "neither"},
		"a string":              {reply{body: `"access_token"`}, true, "neither"},
		"an empty object":       {reply{body: `{}`}, true, "no access_token"},
		"an empty token":        {reply{body: `{"access_token":""}`}, true, "no access_token"},
		"a null token":          {reply{body: `{"access_token":null}`}, true, "no access_token"},
		"a token as object":     {reply{body: `{"access_token":{"value":"a"}}`}, true, "no access_token"},
		"malformed form":        {reply{body: "access_token=%zz"}, true, "neither"},
		"a jar of depth":        {reply{body: strings.Repeat(`{"a":`, 20000)}, true, "not complete JSON"},
		"more than a megabyte":  {reply{body: `{"access_token":"a","x":"` + strings.Repeat("x", endpoint.MaxResponse) + `"}`}, true, "longer than 1048576 bytes"},
		"two megabytes and 500": {reply{status: 500, body: strings.Repeat("x", 2<<20)}, false, "longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, test.reply, request{})
			require.NotNil(t, err)
			assert.ErrorContains(t, err, test.says)
			assert.Equal(t, test.inDoubt, err.InDoubt)
			assert.Empty(t, err.Code)
			if len(test.body) > 20 {
				assert.NotContains(t, err.Error(), test.body[:20], "no body in an error")
			}
		})
	}
}

func TestNewRefreshTokenWithoutAccessTokenIsNotLost(t *testing.T) {
	token, err := ask(t, reply{body: `{"refresh_token":"next"}`}, request{})
	require.NotNil(t, err)
	assert.Equal(t, endpoint.Token{RefreshToken: "next"}, token)
	assert.False(t, err.InDoubt, "it is known what became of the old one")
}

func TestResponseOfExactlyOneMegabyte(t *testing.T) {
	body := `{"access_token":"a","x":"` + strings.Repeat("x", endpoint.MaxResponse-27) + `"}`
	require.Len(t, body, endpoint.MaxResponse)
	token, err := ask(t, reply{body: body}, request{})
	require.Nil(t, err)
	assert.Equal(t, "a", token.AccessToken)
}

func TestTokensOf64KiB(t *testing.T) {
	long := strings.Repeat("t", 64<<10)
	token, err := ask(t, reply{body: fmt.Sprintf(`{"access_token":%q,"refresh_token":%q}`, long, long)}, request{})
	require.Nil(t, err)
	assert.Equal(t, long, token.AccessToken)
	assert.Equal(t, long, token.RefreshToken)
}

func TestDescriptionIsScrubbed(t *testing.T) {
	r := request{clientID: "client", clientSecret: "s3cret+/&=", params: map[string][]string{
		"grant_type": {"refresh_token"}, "refresh_token": {"refresh/tok+en"}, "code": {"thecode"}, "code_verifier": {"theverifier"}, "password": {"pass word"},
	}}
	said := "s3cret+/&= s3cret%2B%2F%26%3D refresh/tok+en refresh%2Ftok%2Ben thecode theverifier pass word pass+word \r\n\x00\x1b[31m\u202ered\u2028 end"
	body, _ := json.Marshal(map[string]string{"error": "invalid_grant\r\nthecode", "error_description": said})
	_, err := ask(t, reply{status: 400, body: string(body)}, r)
	require.NotNil(t, err)
	assert.Equal(t, "invalid_grant  [redacted]", err.Code)
	assert.Equal(t, strings.Repeat("[redacted] ", 8)+"    [31m red  end", err.Description)
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err)} {
		for _, secret := range []string{"s3cret", "refresh/tok", "tok+en", "tok%2Ben", "thecode", "theverifier", "word", "\r", "\n", "\x00", "\x1b"} {
			assert.NotContains(t, text, secret)
		}
	}
}

func TestWordsOfAProviderAreShort(t *testing.T) {
	long := strings.Repeat("x", 1000)
	_, err := ask(t, reply{status: 400, body: `{"error":"` + long + `","error_description":"` + long + `"}`}, request{})
	require.NotNil(t, err)
	assert.Equal(t, long[:64]+"...", err.Code)
	assert.Equal(t, long[:200]+"...", err.Description)
}
