package tokenhttp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reply is what a token endpoint answers.
type reply struct {
	status int // 0 means 200
	kind   string
	body   string
	header http.Header
}

func (r reply) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	header := r.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if r.kind != "" {
		header.Set("Content-Type", r.kind)
	}
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header, Request: req, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(r.body)),
	}, nil
}

// ask sends r through base as the library's transport does.
func ask(t testing.TB, base http.RoundTripper, r tokenhttp.Request) (tokenhttp.Answer, *tokenhttp.Error) {
	t.Helper()
	if r.URL == "" {
		r.URL = "https://login.example.test/token"
	}
	x := tokenhttp.New(r)
	answer, err := x.Do(t.Context(), clientOf(x, base))
	if err == nil {
		return answer, nil
	}
	failed, ok := err.(*tokenhttp.Error)
	require.Truef(t, ok, "%T is not an *Error", err)
	return answer, failed
}

func clientOf(x *tokenhttp.Exchange, base http.RoundTripper) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			out := req.Clone(req.Context())
			if err := x.Prepare(out); err != nil {
				return nil, err
			}
			resp, err := base.RoundTrip(out)
			if err == nil {
				err = x.Receive(resp)
			}
			return resp, err
		}),
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

const jsonType = "application/json"

func TestLifetimesAsProvidersWriteThem(t *testing.T) {
	for written, want := range map[string]time.Duration{
		`3600`: time.Hour, `"3600"`: time.Hour, `3600.0`: time.Hour, `3.6e3`: time.Hour, `"3600.5"`: time.Hour + time.Second/2,
		`" 3600 "`: time.Hour, `[3600]`: time.Hour, `1`: time.Second,
		`""`: 0, `0`: 0, `"0"`: 0, `-1`: 0, `"-1"`: 0, `-1e400`: 0, `null`: 0, `true`: 0, `{}`: 0, `[]`: 0, `"soon"`: 0, `"3600s"`: 0, `"NaN"`: 0,
		`9223372036854775807`: 100 * 365 * 24 * time.Hour, `1e300`: 100 * 365 * 24 * time.Hour,
		`"99999999999999999999999"`: 100 * 365 * 24 * time.Hour, `"Inf"`: 100 * 365 * 24 * time.Hour,
	} {
		answer, err := ask(t, reply{body: `{"access_token":"a","refresh_token":"r","expires_in":` + written + `}`}, tokenhttp.Request{})
		require.Nil(t, err, written)
		assert.Equal(t, want, answer.Lifetime, written)
		assert.Equal(t, "r", answer.RefreshToken, "whatever the lifetime is, the tokens are not lost")
	}
	answer, err := ask(t, reply{body: `{"access_token":"a"}`}, tokenhttp.Request{})
	require.Nil(t, err)
	assert.Zero(t, answer.Lifetime)
}

func TestAnswersAsProvidersWriteThem(t *testing.T) {
	const form = "access_token=a%2Bb&token_type=bearer&expires_in=3600&refresh_token=r&scope=x+y"
	const object = `{"access_token":"a+b","token_type":"bearer","expires_in":3600,"refresh_token":"r","scope":"x y"}`
	usual := tokenhttp.Answer{AccessToken: "a+b", TokenType: "bearer", RefreshToken: "r", Scope: "x y", Lifetime: time.Hour}
	for name, test := range map[string]struct {
		reply
		want tokenhttp.Answer
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
		"scope as list":             {reply{body: `{"access_token":"a","scope":["x","y"]}`}, tokenhttp.Answer{AccessToken: "a", Scope: "x y"}},
		"token as number":           {reply{body: `{"access_token":12345678901234567890}`}, tokenhttp.Answer{AccessToken: "12345678901234567890"}},
		"members that are null":     {reply{body: `{"access_token":"a","refresh_token":null,"scope":null,"error":null,"token_type":null}`}, tokenhttp.Answer{AccessToken: "a"}},
		"members of the wrong type": {reply{body: `{"access_token":"a","refresh_token":{},"scope":true,"token_type":[]}`}, tokenhttp.Answer{AccessToken: "a"}},
		"an empty error":            {reply{body: `{"access_token":"a","error":""}`}, tokenhttp.Answer{AccessToken: "a"}},
		"a member twice":            {reply{body: `{"access_token":"a","access_token":"b"}`}, tokenhttp.Answer{AccessToken: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := ask(t, test.reply, tokenhttp.Request{})
			require.Nil(t, err)
			answer.Extra = nil
			assert.Equal(t, test.want, answer)
		})
	}
}

func TestFurtherMembersAreKeptAsTheyWereWritten(t *testing.T) {
	answer, err := ask(t, reply{body: `{"access_token":"a","token_type":"bearer","id":12345678901234567890,"instance_url":"https://eu.example","team":{"id":"T1"}}`}, tokenhttp.Request{})
	require.Nil(t, err)
	assert.Equal(t, map[string]any{
		"id": json.Number("12345678901234567890"), "instance_url": "https://eu.example", "team": map[string]any{"id": "T1"},
	}, answer.Extra)
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		reply
		want tokenhttp.Error
	}{
		"RFC 6749 section 5.2": {reply{status: 400, body: `{"error":"invalid_request"}`}, tokenhttp.Error{StatusCode: 400, Code: "invalid_request"}},
		"with a description":   {reply{status: 401, body: `{"error":"invalid_client","error_description":"who?"}`}, tokenhttp.Error{StatusCode: 401, Code: "invalid_client", Description: "who?"}},
		"as a form":            {reply{status: 400, body: `error=invalid_grant&error_description=gone+by`}, tokenhttp.Error{StatusCode: 400, Code: "invalid_grant", Description: "gone by"}},
		"with status 200":      {reply{body: `{"error":"bad_verification_code"}`}, tokenhttp.Error{StatusCode: 200, Code: "bad_verification_code"}},
		"as a form with 200":   {reply{body: `error=bad_verification_code`}, tokenhttp.Error{StatusCode: 200, Code: "bad_verification_code"}},
		"and yet a token":      {reply{body: `{"error":"x","access_token":"a"}`}, tokenhttp.Error{StatusCode: 200, Code: "x"}},
		"a token with 400":     {reply{status: 400, body: `{"access_token":"a"}`}, tokenhttp.Error{StatusCode: 400}},
		"an object with type":  {reply{status: 400, body: `{"error":{"message":"expired","type":"OAuthException","fbtrace_id":"x"}}`}, tokenhttp.Error{StatusCode: 400, Code: "OAuthException", Description: "expired"}},
		"an object with code":  {reply{status: 400, body: `{"error":{"message":"expired","type":"OAuthException","code":190}}`}, tokenhttp.Error{StatusCode: 400, Code: "190", Description: "expired"}},
		"an object with 200":   {reply{body: `{"error":{"status":"DENIED"}}`}, tokenhttp.Error{StatusCode: 200, Code: "DENIED"}},
		"an empty object":      {reply{body: `{"error":{}}`}, tokenhttp.Error{StatusCode: 200, Code: "error"}},
		"a number":             {reply{body: `{"error":42}`}, tokenhttp.Error{StatusCode: 200, Code: "42"}},
		"Retry-After":          {reply{status: 429, header: http.Header{"Retry-After": {"120"}}, body: `{}`}, tokenhttp.Error{StatusCode: 429, RetryAfter: 2 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, test.reply, tokenhttp.Request{})
			require.NotNil(t, err)
			assert.Equal(t, test.want, *err)
		})
	}
}

// What no OAuth2 server would send is a failure, in doubt where the status says
// that something was granted: the credential may be spent.
func TestAnswersThatAreNone(t *testing.T) {
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
		"more than a megabyte":  {reply{body: `{"access_token":"a","x":"` + strings.Repeat("x", tokenhttp.MaxAnswer) + `"}`}, true, "longer than 1048576 bytes"},
		"two megabytes and 500": {reply{status: 500, body: strings.Repeat("x", 2<<20)}, false, "longer than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, test.reply, tokenhttp.Request{})
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
	answer, err := ask(t, reply{body: `{"refresh_token":"next"}`}, tokenhttp.Request{})
	require.NotNil(t, err)
	assert.Equal(t, tokenhttp.Answer{RefreshToken: "next"}, answer)
	assert.False(t, err.InDoubt, "it is known what became of the old one")
}

func TestAnswerOfExactlyOneMegabyte(t *testing.T) {
	body := `{"access_token":"a","x":"` + strings.Repeat("x", tokenhttp.MaxAnswer-27) + `"}`
	require.Len(t, body, tokenhttp.MaxAnswer)
	answer, err := ask(t, reply{body: body}, tokenhttp.Request{})
	require.Nil(t, err)
	assert.Equal(t, "a", answer.AccessToken)
}

func TestTokensOf64KiB(t *testing.T) {
	long := strings.Repeat("t", 64<<10)
	answer, err := ask(t, reply{body: fmt.Sprintf(`{"access_token":%q,"refresh_token":%q}`, long, long)}, tokenhttp.Request{})
	require.Nil(t, err)
	assert.Equal(t, long, answer.AccessToken)
	assert.Equal(t, long, answer.RefreshToken)
}

func TestGzippedAnswer(t *testing.T) {
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.String()
	}
	for text, fine := range map[string]bool{
		`{"access_token":"a"}`: true,
		`{"access_token":"a","x":"` + strings.Repeat("x", 8<<20) + `"}`: false, // 8 kB on the wire
	} {
		p := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, zip(text))
		})
		answer, err := p.ask(t, tokenhttp.Request{})
		if fine {
			require.Nil(t, err)
			assert.Equal(t, "a", answer.AccessToken)
		} else {
			require.NotNil(t, err)
			assert.ErrorContains(t, err, "longer than")
		}
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"120": 2 * time.Minute, "0": 0, "-5": 0, "": 0, "soon": 0, "1.5": 0, "2147483647": 2147483647 * time.Second,
			"99999999999999999999": math.MaxInt32 * time.Second,
			time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):       0,
		} {
			_, err := ask(t, reply{status: 503, header: http.Header{"Retry-After": {value}}}, tokenhttp.Request{})
			require.NotNil(t, err)
			assert.Equal(t, want, err.RetryAfter, value)
		}
	})
}

func TestDescriptionIsScrubbed(t *testing.T) {
	r := tokenhttp.Request{
		ClientID: "client", ClientSecret: "s3cret+/&=",
		Form: map[string][]string{
			"grant_type": {"refresh_token"}, "refresh_token": {"refresh/tok+en"}, "code": {"thecode"}, "code_verifier": {"theverifier"}, "password": {"pass word"},
		},
	}
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

func TestCleanKeepsTextWholeAndShort(t *testing.T) {
	assert.Equal(t, "grüße", tokenhttp.Clean("grüße", 100))
	assert.Equal(t, "gr...", tokenhttp.Clean("grüße", 3), "no half characters")
	assert.Equal(t, "a b", tokenhttp.Clean("a\xffb", 10))
	assert.Equal(t, "abc", tokenhttp.Clean("abc", 10, "a", "", "ab"), "what is too short is no secret")
}

// FuzzParse feeds the reader of answers: it must not panic, its errors quote no
// secret and no control character, and what it makes of an answer is bounded.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":3600}`, `access_token=a&expires_in=3600`, `{"error":{"code":1}}`,
		`error=invalid_grant&error_description=%0d%0a`, "\xef\xbb\xbf{}", `{"access_token":["a",["b"]],"scope":[1,2]}`, `[`, `{"a":`, "", "null",
		`{"expires_in":1e999,"access_token":1}`, `{"error_description":"s3cret-s3cret","error":"s3cret"}`,
	} {
		f.Add(200, seed, "1")
		f.Add(400, seed, "Fri, 31 Dec 1999 23:59:59 GMT")
	}
	f.Fuzz(func(t *testing.T, status int, body, retry string) {
		if status < 200 || status > 599 {
			return
		}
		answer, err := ask(t, reply{status: status, body: body, header: http.Header{"Retry-After": {retry}}}, tokenhttp.Request{
			ClientID: "client", ClientSecret: "s3cret",
		})
		if err == nil {
			require.NotEmpty(t, answer.AccessToken)
			require.GreaterOrEqual(t, answer.Lifetime, time.Duration(0))
			require.LessOrEqual(t, answer.Lifetime, 100*365*24*time.Hour)
			return
		}
		require.GreaterOrEqual(t, err.RetryAfter, time.Duration(0))
		for _, said := range []string{err.Code, err.Description} {
			require.NotContains(t, said, "s3cret")
			require.True(t, utf8.ValidString(said))
			require.LessOrEqual(t, len(said), 203)
			require.False(t, strings.ContainsFunc(said, unicode.IsControl), "%q", said)
		}
	})
}
