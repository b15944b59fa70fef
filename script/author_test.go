package script_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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

// An ID that JavaScript cannot keep is an error when the program starts, not another
// account's ID in a request.
func TestParametersAreNotRounded(t *testing.T) {
	empty := must(script.Compile(""))
	for _, value := range []any{7615917337495251231, int64(-7615917337495251231), int64(1) << 60, uint64(1<<63 + 1)} {
		_, err := script.Wrap(apiKey(), empty, script.Options{MergeFields: map[string]any{"ids": []any{map[string]any{"account": value}}}})
		assert.ErrorContains(t, err, `script: Options: MergeFields: "ids": "account": a number has more digits than JavaScript keeps; give the number as a string`)
	}
	for _, value := range []any{1 << 53, -5, 1e300, 0.1, uint32(7)} {
		_, err := script.Wrap(apiKey(), empty, script.Options{Parameters: map[string]any{"n": value}})
		assert.NoError(t, err)
	}
}

// An error is about the author's source, never about a line of the package, and
// names what was wrong.
func TestErrorsNameWhatIsWrong(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`method_request_headers.A = {b: 1}`:                              "script: before_action: TypeError: method_request_headers: A is an object; want a string",
		`method_request_parameters.p = [null, {}]`:                       "script: before_action: TypeError: method_request_parameters: p is an object; want a string",
		`method_request_headers = null`:                                  "script: before_action: TypeError: method_request_headers must be an object",
		`method_request = function() {}`:                                 "script: before_action: TypeError: the body is a value that JSON cannot write",
		`method_request_headers.A = method_request.id`:                   "script: before_action: method_request_headers: a number has more digits",
		`method_request_parameters.id = method_request.id`:               "script: before_action: method_request_parameters: a number has more digits",
		`method_endpoint += '&id=' + method_request.id`:                  "script: before_action: method_endpoint: a number has more digits",
		`method_request.text = 'order ' + method_request.id`:             "script: before_action: method_request: a number has more digits",
		`sign('HMAC-SHA256', script_parameters.nothing, 'x')`:            "script: before_action: line 1, column 48: TypeError: argument 2 is missing",
		`[1].forEach(function() { method_request_headers.A = nothing })`: "script: before_action: line 1, column 80: ReferenceError: nothing is not defined",
	} {
		_, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).
			Post(s.URL+"/?a=1", "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
		var failed *script.Error
		require.ErrorAs(t, err, &failed, source)
		assert.True(t, strings.HasPrefix(failed.Error(), want), "%s: %s", source, failed)
		assert.Equal(t, strings.Contains(want, "line 1"), failed.Line == 1 && failed.Column > 0, source)
		assert.GreaterOrEqual(t, failed.Line, 0)
		assert.Equal(t, failed.Line == 0, failed.Column == 0, source)
	}
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

// A text with secrets as the message spells them.
func TestErrorsTellNoSecretInTheSpellingOfABody(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"access_token": "resp\u006fnse\/secret"}`)
	})
	const handler = `function before_action() { throw method_request_content }`
	for body, contentType := range map[string]string{
		`{"token":"jso\u006e\"secret","id":"4711-seen","password":70117011}`: "application/json",
		`password=f%6f%72m+secret&id=4711-seen`:                              "application/x-www-form-urlencoded",
	} {
		_, err := client(t, apiKey(), handler, script.Options{}).Post(s.URL, contentType, strings.NewReader(body))
		assert.ErrorContains(t, err, "4711-seen")
		assert.NotContains(t, err.Error(), "secret")
		assert.NotContains(t, err.Error(), "70117011")
	}
	_, err := client(t, apiKey(), `function after_error() { throw 'seen ' + method_error.content }`, script.Options{}).Get(s.URL)
	assert.ErrorContains(t, err, "seen {")
	assert.NotContains(t, err.Error(), "secret")
}

// A number that moves keeps its digits, in each of the spellings that JavaScript has.
func TestMovedNumbersKeepTheirDigits(t *testing.T) {
	for _, number := range []string{
		"9007199254740993", "-7615917337495251231", "123456789012345678901", "1234567890123456789012.0", "0.0000012345678901234567891",
		"0.00000012345678901234567891", "1.23456789012345678901e-10", "-1.23456789012345678901E+30", "1.23456789012345678901e100",
	} {
		got := post(t, `function before_action() { method_request = {data: method_request} }`, "application/json", `{"n": `+number+`}`)
		assert.Equal(t, `{"data":{"n":`+number+`}}`, got.body)
	}
}

// What a script keeps from the request for the response may be large, up to the limit
// of memory.
func TestLargeValuesLastUntilTheResponse(t *testing.T) {
	s := newServer(t, nil)
	const source = `var kept; function before_action() { kept = new Uint8Array(5e6).fill(7) } function after_action() { throw 'kept ' + kept[4999999] }`
	_, err := client(t, apiKey(), source, script.Options{TimeLimit: time.Minute}).Get(s.URL)
	assert.ErrorContains(t, err, "kept 7")
}

// Options that do not fit into the memory are an excess of the limit.
func TestParametersCountAsMemory(t *testing.T) {
	s := newServer(t, nil)
	o := script.Options{MemoryLimit: 3 << 20, Parameters: map[string]any{"large": strings.Repeat("x", 4<<20)}}
	_, err := client(t, apiKey(), `function before_action() { script_parameters.large }`, o).Get(s.URL)
	assert.ErrorIs(t, err, script.ErrLimit)
	assert.ErrorContains(t, err, "needs more than 3145728 bytes of memory")
}
