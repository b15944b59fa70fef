package script_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faults.md 6.6: what a script does not change goes out as it came in.
func TestUnchangedPartsOfARequestStayByteForByte(t *testing.T) {
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	const ids = `{ "id" : 7615917337495251231, "price": 10.00, "half": "\ud800", "caf\u00e9": [1e2, {"deep": 0.10}], "10": 1, "2": 2 }`
	for _, test := range []struct{ source, contentType, body, want string }{
		{`method_request.id`, jsonType, ids, ids},
		{`method_request = method_request`, jsonType, ids, ids},
		{`method_request = JSON.parse(JSON.stringify(method_request))`, jsonType, ids, ids},
		{`method_request['10'] = 'new'`, jsonType, ids, strings.Replace(ids, `"10": 1`, `"10": "new"`, 1)},
		{`method_request['café'][1].deep = 1; delete method_request.price`, jsonType, ids, strings.NewReplacer("0.10", "1", `, "price": 10.00`, "").Replace(ids)},
		{`method_request.signature = 'x'`, jsonType, ids, strings.Replace(ids, ` }`, `,"signature":"x" }`, 1)},
		{`method_request = {data: method_request}`, jsonType, `{"id": 7615917337495251231}`, `{"data":{"id":7615917337495251231}}`},
		{`method_request.items.shift()`, jsonType, `{"items": [{"id": 1}, {"id": 7615917337495251231}], "n": 1.0}`, `{"items": [{"id": 7615917337495251231}], "n": 1.0}`},
		{`method_request.a = 1`, jsonType, "\ufeff{\"b\": 1.0}", "\ufeff{\"b\": 1.0,\"a\":1}"},
		{`method_request.token = 'x y'`, formType, `q=a%20b&&r=c+d&e=%E9&flag`, `q=a%20b&&r=c+d&e=%E9&flag&token=x+y`},
		{`method_request.r = 'new'`, formType, `q=a%20b&r=c+d`, `q=a%20b&r=new`},
		{`method_request += ''`, "text/plain", "line\r\n\ufeffé", "line\r\n\ufeffé"},
		{`method_request`, "image/png", "\xff\x00", "\xff\x00"},
		{`method_request = method_request`, "image/png", "\xff\x00", "\xff\x00"},
		{`method_request`, jsonType, `null`, `null`},
		{`method_request`, jsonType, "not JSON", "not JSON"},
	} {
		got := post(t, "function before_action() { "+test.source+" }", test.contentType, test.body)
		assert.Equal(t, test.want, got.body, test.source)
	}
}

func TestUnchangedPartsOfAResponseStayByteForByte(t *testing.T) {
	const body = `{"next" : "abc\/def==", "ids": [7615917337495251231, 12345678901234567890], "sum": 10.00}`
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
	for source, want := range map[string]string{
		`var x = method_response.next`:          body,
		`method_response.ids.length`:            body,
		`method_response.sum = 11`:              strings.Replace(body, "10.00", "11", 1),
		`method_response = method_response`:     body,
		`method_response.ids.reverse()`:         strings.Replace(body, "7615917337495251231, 12345678901234567890", "12345678901234567890, 7615917337495251231", 1),
		`method_response = method_response.ids`: `[7615917337495251231,12345678901234567890]`,
	} {
		resp, err := client(t, apiKey(), "function after_action() { "+source+" }", script.Options{}).Get(s.URL)
		_, got := read(t, resp, err)
		assert.Equal(t, want, got, source)
	}
}

// A number that cannot be kept is an error, wherever the script takes the number.
func TestRoundedNumbersAreRefused(t *testing.T) {
	s := newServer(t, nil)
	for _, source := range []string{
		`method_request_headers['X-Id'] = method_request.id`,
		`method_endpoint += '&id=' + method_request.id`,
		`method_request_parameters.id = method_request.id`,
		`method_request = JSON.stringify(method_request)`,
		`method_request.text = 'order ' + method_request.id`,
		`method_request.text = method_request.id.toFixed()`,
		`method_request.text = String(BigInt(method_request.id))`,
		`method_request.twin = method_request.other; method_request.third = method_request.id`,
	} {
		_, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).
			Post(s.URL+"/?a=1", "application/json", strings.NewReader(`{"id": 7615917337495251231, "other": 7615917337495251232}`))
		require.ErrorContains(t, err, "more digits than JavaScript keeps", source)
		assert.NotContains(t, err.Error(), "761591733749525")
	}
	assert.Empty(t, s.seen)
}

// The query stays as it is spelled, too.
func TestQueryKeepsItsSpelling(t *testing.T) {
	for source, want := range map[string]string{
		`method_request_parameters.a`:                                  "q=x%20y&a=1&a=2&e=%7E",
		`method_request_parameters.b = 'x y&z'`:                        "q=x%20y&a=1&a=2&e=%7E&b=x%20y%26z",
		`method_request_parameters.a = ['1', '3']`:                     "q=x%20y&a=1&a=3&e=%7E",
		`delete method_request_parameters.a`:                           "q=x%20y&e=%7E",
		`method_request_parameters = {only: 1}`:                        "only=1",
		`method_endpoint += '&z=9'; method_request_parameters.e = 'f'`: "q=x%20y&a=1&a=2&e=f&z=9",
		`if (method_request_parameters.q !== 'x y' || method_request_parameters.a.join() !== '1,2') throw 'wrong'`: "q=x%20y&a=1&a=2&e=%7E",
	} {
		s := newServer(t, nil)
		resp, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Get(s.URL + "/items?q=x%20y&a=1&a=2&e=%7E")
		read(t, resp, err)
		assert.Equal(t, want, s.last(t).URL.RawQuery, source)
	}
}

// A body that a script only looks at is the same afterwards, whatever the body is.
func FuzzUntouchedBody(f *testing.F) {
	compiled := must(script.Compile(`
		function before_action() { JSON.stringify(method_request); method_request = method_request }
		function after_action() { JSON.stringify(method_response); method_response = method_response }`))
	rt := must(script.Wrap(apiKey(), compiled, patient(script.Options{}))).Wrap(reflector{})
	for _, seed := range []string{`{"a": 1.0, "b": "\ud800"}`, "a=%20+&b", "\ufeff[1e400]", "plain", "\xff", "", `{"__proto__": 1}`} {
		f.Add("application/json", seed)
		f.Add("application/x-www-form-urlencoded", seed)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		req := must(http.NewRequest(http.MethodPost, "https://api.example.com/", strings.NewReader(body)))
		req.Header["Content-Type"] = []string{contentType}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			if strings.Contains(err.Error(), "nest too deep") {
				return
			}
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		if string(got) != body {
			t.Fatalf("%q became %q", body, got)
		}
	})
}

// reflector is a base transport whose responses have the body of the request.
type reflector struct{}

func (reflector) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	h := http.Header{"Content-Type": req.Header["Content-Type"]}
	return &http.Response{StatusCode: http.StatusOK, Header: h, Body: io.NopCloser(strings.NewReader(string(body))), ContentLength: int64(len(body)), Request: req}, nil
}

// FuzzCompile: no source ends the process or takes long.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{bearerScript, "1||1||1", "`${`", "function before_action(", "/(?<a>.)\\k<a>/u", "class A { #x; static { } }"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		s, err := script.Compile(source)
		if (s == nil) == (err == nil) {
			t.Fatalf("%v, %v", s, err)
		}
	})
}
