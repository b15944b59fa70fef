package script_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever a body looks like, the package's own work on the body takes no longer than
// the script: repeated names in repeated names took forever, a form with many names two
// minutes, many long numbers beside many texts or headers seconds.
func TestBodiesOfAnyShapeTakeNoTime(t *testing.T) {
	var form, numbers strings.Builder
	for i := 0; form.Len() < 1<<20-10; i++ {
		fmt.Fprintf(&form, "%x&", i)
	}
	for i := 0; numbers.Len() < 900<<10; i++ {
		fmt.Fprintf(&numbers, ",%d12345678901231", 1000000+i)
	}
	const repeated = 60
	for name, test := range map[string]struct{ kind, source, body string }{
		"repeated names":           {"application/json", `method_request.a`, strings.Repeat(`{"a":0,"a":`, repeated) + "1" + strings.Repeat("}", repeated)},
		"repeated names, changed":  {"application/json", `method_request.x = 1`, strings.Repeat(`{"a":0,"a":`, repeated) + "1" + strings.Repeat("}", repeated)},
		"many names in a form":     {"application/x-www-form-urlencoded", `method_request.a = 1`, form.String()},
		"long numbers and texts":   {"application/json", `method_request; method_request = Array(3000).fill('a text of some length')`, "[0" + numbers.String() + "]"},
		"long numbers and headers": {"application/json", `method_request; for (var i = 0; i < 1000; i++) method_request_headers['X' + i] = 'a'`, "[0" + numbers.String() + "]"},
		"long numbers and queries": {"application/json", `method_request; for (var i = 0; i < 1000; i++) method_request_parameters['x' + i] = 'a'`, "[0" + numbers.String() + "]"},
		"extreme numbers":          {"application/json", `method_request.length = 1`, "[1.0e-308" + strings.Repeat(",1.0e-308", 1<<16) + "]"},
		"extreme numbers, changed": {"application/json", `for (var i in method_request) method_request[i] = 1e-308`, "[0" + strings.Repeat(",0", 1<<15) + "]"},
		"long extreme numbers":     {"application/json", `method_request.length = 1`, "[0" + strings.Repeat(",0."+strings.Repeat("0", 308)+"1", 3000) + "]"},
		"many secrets":             {"application/json", `method_request; throw 'x'.repeat(1e5)`, `[{"key":"0"}` + strings.Repeat(`,{"key":"abcdefgh"}`, 1<<15) + "]"},
		"a long array of bytes":    {"application/json", `utf8_encode('x'.repeat(4e6))`, "{}"},
	} {
		api := on(t, "function before_action() { "+test.source+" }", "", script.Options{TimeLimit: time.Second})
		began := time.Now()
		if resp, err := api.Post("https://api.example.com/?q=1", test.kind, strings.NewReader(test.body)); err == nil {
			resp.Body.Close()
		}
		assert.Less(t, time.Since(began), 30*time.Second, name)
	}
}

// What a script writes has no Content-Encoding: the body that was replaced may have had
// one.
func TestANewBodyIsNotEncoded(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		io.WriteString(w, "\x8b\xff")
	})
	send := func(source string) (*http.Response, string) {
		req := must(http.NewRequest(http.MethodPost, s.URL, strings.NewReader("\x1f\x8b\xff")))
		req.Header.Set("Content-Encoding", "gzip")
		resp, err := client(t, apiKey(), source, script.Options{}).Do(req)
		_, body := read(t, resp, err)
		return resp, body
	}
	resp, body := send(`function before_action() { method_request = {a: 1} } function after_action() { method_response = {b: 1} }`)
	assert.Equal(t, `{"a":1}`, s.last(t).body)
	assert.Empty(t, s.last(t).Header.Get("Content-Encoding"))
	assert.Equal(t, `{"b":1}`, body)
	assert.Empty(t, resp.Header.Get("Content-Encoding"))
	resp, body = send(`function before_action() { method_request } function after_action() { method_response }`)
	assert.Equal(t, "\x1f\x8b\xff", s.last(t).body)
	assert.Equal(t, "gzip", s.last(t).Header.Get("Content-Encoding"))
	assert.Equal(t, "\x8b\xff", body)
	assert.Equal(t, "br", resp.Header.Get("Content-Encoding"))
}

// The body of the request is there after the response as well, or an error says why not:
// never another body.
func TestTheRequestIsThereAfterTheResponse(t *testing.T) {
	for _, test := range []struct {
		source, want string
		unknown      bool
	}{
		{`function after_action() { method_response_headers.A = JSON.stringify(method_request) }`, `{"a":1}`, false},
		{`function before_action() {} function after_action() { method_response_headers.A = JSON.stringify(method_request) }`, `{"a":1}`, false},
		{`function before_action() { method_request.b = 2 } function after_action() { method_response_headers.A = JSON.stringify(method_request) }`, `{"a":1,"b":2}`, true},
		{`function after_action() { method_response_headers.A = JSON.stringify(method_request) }`, "", true},
		{`function before_action() {} function after_action() { method_response_headers.A = JSON.stringify(method_request) }`, "", true},
	} {
		s := newServer(t, nil)
		var body io.Reader = strings.NewReader(`{"a":1}`)
		if test.unknown {
			body = io.NopCloser(body)
		}
		resp, err := client(t, apiKey(), test.source, script.Options{}).Post(s.URL, "application/json", body)
		if test.want == "" {
			assert.ErrorContains(t, err, "the request has been sent", test.source)
			continue
		}
		read(t, resp, err)
		assert.Equal(t, test.want, resp.Header.Get("A"), test.source)
	}
}

// A signature covers the body as it is sent: numbers, spaces and an empty body too.
func TestTheTextOfARequestCanBeSigned(t *testing.T) {
	const source = `function before_action() { method_request_headers['X-Text'] = sha256(method_request_content) + typeof method_request }`
	const digestOnly = `function before_action() { method_request_headers['X-Text'] = sha256(method_request_content) }`
	for _, test := range []struct{ contentType, body string }{
		{"application/json", `{ "id" : 7615917337495251231, "price": 10.00 }`},
		{"application/json", "\ufeff{}"},
		{"application/x-www-form-urlencoded", "q=a%20b&&r=c+d"},
		{"text/plain", "\x00line\r\né"},
		{"", ""},
	} {
		for _, source := range []string{source, digestOnly} {
			got := post(t, source, test.contentType, test.body)
			assert.Equal(t, test.body, got.body)
			assert.Contains(t, got.Header.Get("X-Text"), fmt.Sprintf("%x", sha256.Sum256([]byte(test.body))), test.body)
		}
	}
}

// The text of a request is what came, without the changes of the handler; after the
// response the text is what was sent. Bytes without a text are an error.
func TestTheTextOfARequestIsWhatCame(t *testing.T) {
	got := post(t, `function before_action() { method_request = {was: method_request_content}; method_request_content = 'x'; method_request.is = method_request_content }`,
		"application/json", `{"a": 1.0}`)
	assert.JSONEq(t, `{"was": "{\"a\": 1.0}", "is": "{\"a\": 1.0}"}`, got.body)

	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") })
	resp, err := client(t, apiKey(), `function before_action() { method_request.b = 2 } function after_action() { method_response.sent = method_request_content }`, script.Options{}).
		Post(s.URL, "application/json", io.NopCloser(strings.NewReader(`{"a": 1.0}`))) // a body of unknown length
	_, body := read(t, resp, err)
	assert.JSONEq(t, `{"sent": "{\"a\": 1.0,\"b\":2}"}`, body)

	_, err = client(t, apiKey(), `function before_action() { method_request_headers.S = sha256(method_request_content) }`, script.Options{}).
		Post(s.URL, "image/png", strings.NewReader("\xff\x00"))
	assert.ErrorContains(t, err, "column 62: TypeError: the body is not UTF-8, and has no text")
}

// A script whose only handler comes after the response sees the body that was sent, or
// learns that the body is gone.
func TestTheBodyOfASentRequest(t *testing.T) {
	s := newServer(t, nil)
	for _, source := range []string{
		`function after_action() { throw 'was ' + JSON.stringify(method_request) }`,
		`function after_action() { throw 'was ' + method_request_content }`,
		`function before_action() {} function after_action() { throw 'was ' + method_request_content }`,
	} {
		c := client(t, apiKey(), source, script.Options{MaxBody: 9})
		_, err := c.Post(s.URL, "application/json", strings.NewReader(`{"a":"1"}`))
		assert.ErrorContains(t, err, `was {"a":"1"}`)
		_, err = c.Post(s.URL, "application/json", nil)
		assert.ErrorContains(t, err, `was`)
		_, err = c.Post(s.URL, "application/json", strings.NewReader(`{"a":"12"}`))
		assert.ErrorContains(t, err, "the body cannot be read: the body is longer than 9 bytes")
		_, err = c.Post(s.URL, "application/json", io.NopCloser(strings.NewReader(`{"a":"1"}`)))
		assert.ErrorContains(t, err, "the body cannot be read: the request has been sent")
	}
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

// What a script keeps from the request for the response may be large, up to the limit
// of memory.
func TestLargeValuesLastUntilTheResponse(t *testing.T) {
	s := newServer(t, nil)
	const source = `var kept; function before_action() { kept = new Uint8Array(5e6).fill(7) } function after_action() { throw 'kept ' + kept[4999999] }`
	_, err := client(t, apiKey(), source, script.Options{TimeLimit: time.Minute}).Get(s.URL)
	assert.ErrorContains(t, err, "kept 7")
}
