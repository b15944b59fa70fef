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
