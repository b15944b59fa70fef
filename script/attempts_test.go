package script_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An event that starts again because of a body has one limit of time altogether.
func TestAnEventThatStartsAgainHasOneLimit(t *testing.T) {
	s := newServer(t, nil)
	source := `function before_action() { for (var end = Date.now() + 120; Date.now() < end;); method_request }`
	_, err := client(t, apiKey(), source, script.Options{TimeLimit: 200 * time.Millisecond}).
		Post(s.URL, "application/json", io.NopCloser(strings.NewReader(`{}`)))
	assert.ErrorIs(t, err, script.ErrLimit)
}

// A body that a script mentions and does not use may have any length.
func TestUnusedBodiesMayHaveAnyLength(t *testing.T) {
	large := strings.Repeat("x", 2000)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/known" {
			w.Header().Set("Content-Length", "2000")
		} else {
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, large)
	})
	c := client(t, apiKey(), `
		function before_action() { if (http_method === 'X') method_request + method_request_content }
		function after_action() { if (http_method === 'X') method_response }`, script.Options{MaxBody: 1000})
	for path, body := range map[string]io.Reader{"/known": strings.NewReader(large), "/unknown": io.NopCloser(strings.NewReader(large))} {
		resp, err := c.Post(s.URL+path, "text/plain", body)
		_, got := read(t, resp, err)
		assert.Equal(t, large, got)
		assert.Equal(t, large, s.last(t).body)
	}
}

// An authorization URL has no body.
func TestAnAuthorizationURLHasNoBody(t *testing.T) {
	c, _ := tokenClient(t, authtest.NewProvider(t), `function before_oauth2_authorise() {
		method_request_parameters.seen = [typeof method_request, typeof method_response, typeof method_request_content].join() }`)
	u, _, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	assert.Contains(t, u, "seen=undefined%2Cundefined%2Cundefined")
}

// A rounded number is no argument either: a signature or a base64 text would hide the
// number. The exact text of a body is one, also if the body has the rounded number too.
func TestRoundedNumbersAreNoArguments(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"next": 90071992547409931}`) })
	post := func(source string) error {
		resp, err := client(t, apiKey(), source, script.Options{}).Post(s.URL, "application/json", strings.NewReader(`[90071992547409921, 90071992547409920, {"id": 7615917337495251231}]`))
		if err == nil {
			read(t, resp, err)
		}
		return err
	}
	for _, source := range []string{
		`function before_action() { base64_encode(JSON.stringify(method_request)) }`,
		`function before_action() { sign('HMAC-SHA256', 'k', 'id=' + method_request[2].id) }`,
		`function before_action() { sha256(method_request[2].id) }`,
		`function after_action() { url_encode(method_response.next) }`,
	} {
		assert.ErrorContains(t, post(source), "line 1, column ", source)
		assert.ErrorContains(t, post(source), "TypeError: a number has more digits than JavaScript keeps", source)
	}
	assert.NoError(t, post(`function before_action() { if (method_request.length) sha256(method_request_content) }`))
	assert.NoError(t, post(`function before_action() { sha256('id=' + method_request.length) }`))
}

// A number of the request is not rounded on its way through action_data into the
// response.
func TestNumbersOfTheRequestAreNotRoundedInTheResponse(t *testing.T) {
	respond := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"a": 1}`) }
	const before = `function before_action() { action_data.id = method_request.id; method_request = {} } `
	for source, want := range map[string]string{
		`method_response.asked = action_data.id`:                "method_response: a number has more digits",
		`method_response = 'id ' + action_data.id`:              "method_response: a number has more digits",
		`method_response_headers['X-Id'] = action_data.id`:      "method_response_headers: a number has more digits",
		`method_response_headers['X-Id'] = md5(action_data.id)`: "TypeError: a number has more digits",
	} {
		s := newServer(t, respond)
		_, err := client(t, apiKey(), before+"function after_action() { "+source+" }", script.Options{}).
			Post(s.URL, "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
		assert.ErrorContains(t, err, want, source)
	}
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"id": 7615917337495251231}`) })
	resp, err := client(t, apiKey(), before+"function after_action() { method_response.asked = action_data.id }", script.Options{}).
		Post(s.URL, "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
	_, body := read(t, resp, err)
	assert.Equal(t, `{"id": 7615917337495251231,"asked":7615917337495251231}`, body)
}

// What a script assigns is sent, also in place of a body that the script has not read.
func TestAssignedBodiesReplaceUnreadOnes(t *testing.T) {
	for _, test := range []struct{ source, contentType, want string }{
		{`method_request = ''`, "application/json", ""},
		{`method_request = null`, "application/json", ""},
		{`method_request = {b: 'x y'}`, "application/x-www-form-urlencoded; charset=utf-8", "b=x+y"},
		{`method_request = {b: 1}`, "text/plain", `{"b":1}`},
		{`method_request += ''`, "text/plain", "\ufeff[1"},
	} {
		s := newServer(t, nil)
		for _, body := range []io.Reader{strings.NewReader("\ufeff[1"), io.NopCloser(strings.NewReader("\ufeff[1"))} {
			resp, err := client(t, apiKey(), "function before_action() { "+test.source+" }", script.Options{}).Post(s.URL, test.contentType, body)
			read(t, resp, err)
			assert.Equal(t, test.want, s.last(t).body, test.source)
		}
	}
	s := newServer(t, nil)
	_, err := client(t, apiKey(), `function before_action() { method_request = 'x'.repeat(11) }`, script.Options{MaxBody: 10}).Get(s.URL)
	assert.ErrorIs(t, err, script.ErrLimit)
	assert.ErrorContains(t, err, "the new body is longer than 10 bytes")
}

func TestChangesHaveLimits(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"id": 7615917337495251231}`) })
	for source, want := range map[string]string{
		`function before_action() { http_method = 'X'.repeat(33) }`:                                                    "http_method must be an HTTP method of at most 32 bytes",
		`function before_action() { method_endpoint += '\n' }`:                                                         "method_endpoint must be a URL",
		`function before_action() { method_endpoint += '\x7f' }`:                                                       "method_endpoint must be a URL",
		`function before_action() { method_endpoint += '/' + 'x'.repeat(20000) }`:                                      "method_endpoint must be a URL",
		`function before_action() { method_request_parameters.a = 'x'.repeat(20000) }`:                                 "method_request_parameters are longer than 16384 bytes",
		`function after_action() { method_response_headers['X-Id'] = 'id ' + method_response.id }`:                     "method_response_headers: a number has more digits",
		`function before_action() { for (var i = 0; i < 70; i++) method_request_headers['X' + i] = 'x'.repeat(1000) }`: "method_request_headers is larger than 65536 bytes",
	} {
		_, err := client(t, apiKey(), source, script.Options{}).Get(s.URL)
		assert.ErrorContains(t, err, want, source)
		assert.Equal(t, strings.Contains(want, "er than"), errors.Is(err, script.ErrLimit), source)
	}
}

// A header of the caller that is spelled in another way is replaced, not doubled.
func TestHeadersOfAnySpellingAreReplaced(t *testing.T) {
	s := newServer(t, nil)
	req := must(http.NewRequest(http.MethodGet, s.URL, nil))
	req.Header["x-old"] = []string{"old"}
	resp, err := client(t, apiKey(), `function before_action() { method_request_headers['X-OLD'] = 'a\tb' }`, script.Options{}).Do(req)
	read(t, resp, err)
	assert.Equal(t, []string{"a\tb"}, s.last(t).Header["X-Old"])
}

type answer func(*http.Request) *http.Response

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

// HTTP/2 has no reason phrases: the script sees the usual one.
func TestReasonPhraseWithoutAReason(t *testing.T) {
	c := must(script.Wrap(apiKey(), must(script.Compile(`function after_error() { throw 'is ' + reasonPhrase + ', ' + method_error.reasonPhrase }`)), script.Options{}))
	for _, status := range []string{"404", "404 ", "", "404 Not Found"} {
		base := answer(func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: 404, Status: status, Header: http.Header{}, Body: http.NoBody, Request: r}
		})
		_, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Get("https://api.example.com/")
		assert.ErrorContains(t, err, "is Not Found, Not Found", status)
	}
}

// The HTTP client controls what is between two machines.
func TestNoScriptSetsWhatTheClientControls(t *testing.T) {
	s := newServer(t, nil)
	for _, name := range []string{"connection", "CONTENT-LENGTH", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		_, err := client(t, apiKey(), "function before_action() { method_request_headers['"+name+"'] = 'x' }", script.Options{}).Get(s.URL)
		assert.ErrorContains(t, err, "a script cannot set "+http.CanonicalHeaderKey(name))
	}
	assert.Empty(t, s.seen)
	resp, err := client(t, apiKey(), `function after_action() { method_response_headers.Date = null; method_response_headers['X-New'] = [] }`, script.Options{}).Get(s.URL)
	read(t, resp, err)
	assert.NotContains(t, resp.Header, "Date")
	assert.NotContains(t, resp.Header, "X-New")
}

func TestNamesTwoLettersAway(t *testing.T) {
	_, err := script.Compile("function bfore_acton() {}")
	assert.ErrorContains(t, err, "did you mean before_action?")
	for _, name := range []string{"bfor_acton", "$before_paging", "reaction", "error", "on_error"} {
		_, err := script.Compile("function " + name + "() {}")
		assert.NoError(t, err, name)
	}
}
