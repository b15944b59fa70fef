package script_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
)

// longHeaders is a base transport whose responses have 10 MB in the status line and in a
// header.
type longHeaders struct{}

func (longHeaders) RoundTrip(req *http.Request) (*http.Response, error) {
	long := strings.Repeat("<", 10<<20)
	return &http.Response{StatusCode: http.StatusOK, Status: "200 " + long, Header: http.Header{"A": {long}}, Body: http.NoBody, Request: req}, nil
}

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

type answer func(*http.Request) *http.Response

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

func TestLongHeadersAreRefused(t *testing.T) {
	c := must(script.Wrap(apiKey(), must(script.Compile(`function after_action() { method_response_headers.B = reasonPhrase }`)), patient(script.Options{})))
	_, err := (&http.Client{Transport: c.Wrap(longHeaders{})}).Get("https://api.example.com/")
	assert.ErrorIs(t, err, script.ErrLimit)
	assert.ErrorContains(t, err, "the headers are longer than")
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

// HTTP/2 has no reason phrases: the script sees the usual one.
func TestReasonPhraseWithoutAReason(t *testing.T) {
	c := must(script.Wrap(apiKey(), must(script.Compile(`function after_error() { throw 'is ' + reasonPhrase + ', ' + method_error.reasonPhrase }`)), patient(script.Options{})))
	for _, status := range []string{"404", "404 ", "", "404 Not Found"} {
		base := answer(func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: 404, Status: status, Header: http.Header{}, Body: http.NoBody, Request: r}
		})
		_, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Get("https://api.example.com/")
		assert.ErrorContains(t, err, "is Not Found, Not Found", status)
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

// Whatever object a script leaves as its headers, the headers are what Object.keys finds.
func TestHeadersAreWhatTheObjectHas(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		name, source string
		want         http.Header
	}{
		{"strings", `h = {'X-A': '1', 'X-B': ''}`, http.Header{"X-A": {"1"}, "X-B": {""}}},
		{"no object of the package", `h = {}; h['X-' + 'A'] = 'a' + 1`, http.Header{"X-A": {"a1"}}},
		{"deleted and made again", `h = {'X-A': '1', 'X-B': '2', 'X-C': '3'}; delete h['X-B']; h['X-A'] = '4'; delete h['X-C']; h['X-C'] = '5'`, http.Header{"X-A": {"4"}, "X-C": {"5"}}},
		{"other values", `h = {'X-N': 12, 'X-T': true, 'X-A': ['a', 2], 'X-Null': null, 'X-None': undefined, 'X-E': []}`, http.Header{"X-N": {"12"}, "X-T": {"true"}, "X-A": {"a", "2"}}},
		{"a getter", `h = {get 'X-A'() { return 'got' }}`, http.Header{"X-A": {"got"}}},
		{"an instance", `h = new (class { constructor() { this['X-A'] = 'own' } get 'X-B'() { return 'inherited' } })`, http.Header{"X-A": {"own"}}},
		{"inherited members", `h = Object.create({'X-A': '1'}); h['X-B'] = '2'`, http.Header{"X-B": {"2"}}},
		{"hidden members and symbols", `h = {[Symbol('X-S')]: 's', 'X-B': '2'}; Object.defineProperty(h, 'X-A', {value: '1'})`, http.Header{"X-B": {"2"}}},
		{"numbers as names", `h = {'X-B': 'b', 12: 'twelve', 4294967295: 'large'}`, http.Header{"X-B": {"b"}, "12": {"twelve"}, "4294967295": {"large"}}},
		{"a Proxy", `h = new Proxy({'X-A': '1'}, {get: function(o, k) { return o[k] + ' by proxy' }})`, http.Header{"X-A": {"1 by proxy"}}},
		{"an array", `h = ['zero']`, http.Header{"0": {"zero"}}},
		{"long texts", `h = {'X-A': 'x'.repeat(4000) + 'x'.repeat(1000), 'X-B': 'b'}`, http.Header{"X-A": {long}, "X-B": {"b"}}},
		{"two spellings", `h = {'x-a': '1', 'X-A': '2'}`, http.Header{"X-A": {"2"}}},
		{"no ASCII", `h = {'X-A': 'caf\u00e9 \u{1f600}'}`, http.Header{"X-A": {"café 😀"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got http.Header
			base := answer(func(r *http.Request) *http.Response {
				got = r.Header
				return &http.Response{StatusCode: 204, Header: http.Header{}, Body: http.NoBody, Request: r}
			})
			compiled := must(script.Compile("function before_action() { var h; " + c.source + "; method_request_headers = h }"))
			rt := must(script.Wrap(apiKey(), compiled, patient(script.Options{}))).Wrap(base)
			_, err := rt.RoundTrip(must(http.NewRequest(http.MethodGet, "https://api.example.com/", nil)))
			assert.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// A method or a URL that is no string is sent as String writes it.
func TestGlobalsAreSentAsTexts(t *testing.T) {
	s := newServer(t, nil)
	resp, err := client(t, apiKey(), `function before_action() {
		http_method = {toString: function() { return 'PUT' }};
		method_endpoint = new String('/new');
		method_request_parameters = {a: 1, b: ['x', 2]};
	}`, script.Options{}).Get(s.URL + "/old")
	read(t, resp, err)
	assert.Equal(t, "PUT", s.last(t).Method)
	assert.Equal(t, "/new?a=1&b=x&b=2", s.last(t).RequestURI)
}
