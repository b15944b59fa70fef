package script_test

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
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
		assert.Less(t, time.Since(began), 5*time.Second, name)
	}
}

// A script that mentions headers or the URL leaves bytes alone that are not UTF-8.
func TestHeadersAndURLsKeepTheirBytes(t *testing.T) {
	const latin = "attachment; filename=\"caf\xe9.txt\""
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Disposition", latin) })
	api := client(t, apiKey(), `
		function before_action() { method_request_headers.A = 'a'; method_endpoint; method_request_parameters.b = 'b' }
		function after_action() { method_response_headers.A = 'a' }`, script.Options{})
	req := must(http.NewRequest(http.MethodGet, s.URL+"/p%E9?q=caf\xe9", nil))
	req.Header.Set("X-Name", latin)
	resp, err := api.Do(req)
	read(t, resp, err)
	assert.Equal(t, latin, s.last(t).Header.Get("X-Name"))
	assert.Equal(t, "/p%E9?q=caf\xe9&b=b", s.last(t).RequestURI)
	assert.Equal(t, latin, resp.Header.Get("Content-Disposition"))
	assert.Equal(t, "a", resp.Header.Get("A"))
}

// Neighbouring IDs look alike in JavaScript. No script mixes them up without an error.
func TestNumbersThatLookAlikeAreNotMixedUp(t *testing.T) {
	const body = `{"items": [{"id": 7615917337495251231, "n": 1}, {"id": 7615917337495251232, "n": 2}], "ids": [7615917337495251231, 7615917337495251232]}`
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`method_request.items[0].n`:                                                            body,
		`method_request = JSON.parse(JSON.stringify(method_request))`:                          body,
		`method_request.items.forEach(function(i) { i.n = 3 })`:                                strings.NewReplacer(`"n": 1`, `"n": 3`, `"n": 2`, `"n": 3`).Replace(body),
		`method_request.ids.push(5)`:                                                           strings.Replace(body, `232]`, `232,5]`, 1),
		`method_request.items.length = 0; method_request.ids.push(1)`:                          `{"items": [], "ids": [7615917337495251231, 7615917337495251232,1]}`,
		`method_request.items.shift()`:                                                         "",
		`method_request.items.reverse()`:                                                       "",
		`method_request.items.sort(function(a, b) { return b.n - a.n })`:                       "",
		`method_request.items = method_request.items.filter(function(i) { return i.n === 2 })`: "",
		`method_request.items = method_request.items.filter(function(i) { return i.n === 2 }).map(function(i) { return {id: i.id} })`: "",
		`method_request.ids.shift()`:                             "",
		`method_request.first = method_request.ids[0]`:           "",
		`method_request.items[0] = method_request.items[1]`:      "",
		`Map.prototype.get = null; method_request.items.shift()`: "",
	} {
		resp, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Post(s.URL, "application/json", strings.NewReader(body))
		if want == "" {
			assert.ErrorContains(t, err, "more digits than JavaScript keeps", source)
			continue
		}
		read(t, resp, err)
		assert.Equal(t, want, s.last(t).body, source)
	}
}

// A rounded number is refused wherever the number comes from and goes to.
func TestRoundedNumbersOfOtherPlacesAreRefused(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"a": 1}`) })
	for _, source := range []string{
		`method_response.id = action_data.id`, `method_response = {id: action_data.id}`, `method_response = [action_data.id]`,
		`method_response.text = 'order ' + action_data.id`, `method_response_headers['X-Id'] = action_data.id`, `method_response = 'id ' + action_data.id`,
	} {
		_, err := client(t, apiKey(), "function before_action() { action_data.id = method_request.id } function after_action() { "+source+" }", script.Options{}).
			Post(s.URL, "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
		assert.ErrorContains(t, err, "more digits than JavaScript keeps", source)
	}
	for _, n := range []any{int64(7615917337495251231), uint64(1<<63 + 1), json.Number("0.12345678901234567891"), json.Number("1e400")} {
		_, err := script.Wrap(apiKey(), must(script.Compile("")), script.Options{Parameters: map[string]any{"n": n}})
		assert.ErrorContains(t, err, `"n": a number has more digits than JavaScript keeps`)
	}
	for _, n := range []any{1 << 53, int64(-5), uint64(1 << 40), json.Number("10.00")} {
		_, err := script.Wrap(apiKey(), must(script.Compile("")), script.Options{MergeFields: map[string]any{"n": n}})
		assert.NoError(t, err)
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

// A key that is too long is refused before anything is computed, in PKCS #1 and PKCS #8.
func TestLongKeysAreRefusedAtOnce(t *testing.T) {
	random := func(bits int) *big.Int {
		b := make([]byte, bits/8)
		rand.Read(b)
		b[0], b[len(b)-1] = b[0]|0xc0, b[len(b)-1]|1
		return new(big.Int).SetBytes(b)
	}
	p, q := random(6000), random(6000)
	pkcs1 := must(asn1.Marshal(struct {
		Version                  int
		N, E, D, P, Q, DP, DQ, R *big.Int
	}{0, new(big.Int).Mul(p, q), big.NewInt(65537), p, p, q, p, q, p}))
	pkcs8 := must(asn1.Marshal(struct {
		Version   int
		Algorithm struct {
			ID   asn1.ObjectIdentifier
			Null asn1.RawValue
		}
		Key []byte
	}{0, struct {
		ID   asn1.ObjectIdentifier
		Null asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue}, pkcs1}))
	for kind, der := range map[string][]byte{"RSA PRIVATE KEY": pkcs1, "PRIVATE KEY": pkcs8} {
		key := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		api := on(t, `function before_action() { sign('RSA-SHA256', script_parameters.key, 'm') }`, "", script.Options{Parameters: map[string]any{"key": key}, TimeLimit: time.Second})
		_, err := api.Get("https://api.example.com/")
		assert.ErrorContains(t, err, "the RSA key is longer than 4096 bits", kind)
	}
}

// A script that spoils what JSON.stringify uses still has an error with a text, and an
// error of the package has no place in the script.
func TestErrorsHaveATextAndTheRightPlace(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`Object.prototype.toJSON = function() { throw 'json' }; throw 'text'`:       "line 1, column 83: text",
		`Array.prototype.toJSON = function() { return 5 }; throw new Error('text')`: "Error: text",
		`throw {stack: 'a\0b', message: 'text'}`:                                    "text",
		`method_request = Symbol()`:                                                 "before_action: TypeError: the body is a value",
		`method_request_headers = null`:                                             "before_action: TypeError: method_request_headers must be",
	} {
		assert.ErrorContains(t, fails(t, s, source, time.Second), want, source)
	}
}

// Half of a surrogate pair has no UTF-8: nothing else is sent in its place.
func TestHalvesOfSurrogatePairsAreRefused(t *testing.T) {
	s := newServer(t, nil)
	for _, source := range []string{
		`method_request_headers.A = '\ud800'`, `method_request_parameters.a = 'x\udfff'`, `method_endpoint += '?a=\\\ud800'`, `method_request = 'a\ud800'`,
		`method_request_headers['Content-Type'] = 'application/x-www-form-urlencoded'; method_request = {a: '\ud800'}`,
	} {
		_, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Post(s.URL, "application/x-www-form-urlencoded", strings.NewReader("a=1"))
		assert.ErrorContains(t, err, "half of a surrogate pair", source)
	}
	got := post(t, `function before_action() { method_request_headers.A = '\\ud800 \u{1f600}' }`, "text/plain", "x")
	assert.Equal(t, `\ud800 😀`, got.Header.Get("A"))
}

// JavaScript lets authors spell letters of a name by their number.
func TestNamesMayBeEscaped(t *testing.T) {
	got := post(t, `function before\u005faction() { method_\u{72}equest_headers.A = 'a' }`, "text/plain", "x")
	assert.Equal(t, "a", got.Header.Get("A"))
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

// longHeaders is a base transport whose responses have 10 MB in the status line and in a
// header.
type longHeaders struct{}

func (longHeaders) RoundTrip(req *http.Request) (*http.Response, error) {
	long := strings.Repeat("<", 10<<20)
	return &http.Response{StatusCode: http.StatusOK, Status: "200 " + long, Header: http.Header{"A": {long}}, Body: http.NoBody, Request: req}, nil
}

func TestLongHeadersAreRefused(t *testing.T) {
	c := must(script.Wrap(apiKey(), must(script.Compile(`function after_action() { method_response_headers.B = reasonPhrase }`)), script.Options{}))
	_, err := (&http.Client{Transport: c.Wrap(longHeaders{})}).Get("https://api.example.com/")
	assert.ErrorIs(t, err, script.ErrLimit)
	assert.ErrorContains(t, err, "the headers are longer than")
}
