// Package fakehttp stands in for the network below a client: a base RoundTripper
// that keeps what was sent, request bodies that count how often they are closed,
// and an internet of httptest servers for redirects.
package fakehttp

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// RoundTripper is a RoundTripper made of a function.
type RoundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f RoundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Request is a request as it arrived. Its Body has been read.
type Request struct {
	*http.Request
	Body string
}

// String returns all of the request, to be searched for credentials.
func (r Request) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\nHost: %s\n", r.Method, r.URL, r.Host)
	r.Header.Write(&b)
	r.Trailer.Write(&b)
	return b.String() + "\n" + r.Body
}

// Base stands in for an http.Transport: it reads and closes the body of each
// request, and keeps what was sent. The zero value answers with status 200.
type Base struct {
	// Answer makes the responses. nil means status 200 without a body.
	Answer func(*http.Request) (*http.Response, error)
	// Idle counts the calls of CloseIdleConnections.
	Idle int

	mu   sync.Mutex
	sent []Request
}

// RoundTrip keeps req and calls Answer.
func (b *Base) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	b.mu.Lock()
	b.sent = append(b.sent, Request{req, string(body)})
	b.mu.Unlock()
	if b.Answer == nil {
		return Respond(http.StatusOK, ""), nil
	}
	return b.Answer(req)
}

// CloseIdleConnections counts the call.
func (b *Base) CloseIdleConnections() { b.Idle++ }

// Requests returns what was sent so far.
func (b *Base) Requests() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Request(nil), b.sent...)
}

// Forget forgets what was sent so far.
func (b *Base) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = nil
}

// Respond makes a response.
func Respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// Status answers every request with a status and no body.
func Status(status int) RoundTripper {
	return func(*http.Request) (*http.Response, error) { return Respond(status, ""), nil }
}

// Statuses answers with one status after another, the last one for ever. The
// bodies are "answer 1", "answer 2" and so on.
func Statuses(list ...int) RoundTripper {
	var n atomic.Int32
	return func(*http.Request) (*http.Response, error) {
		i := int(n.Add(1))
		return Respond(list[min(i, len(list))-1], fmt.Sprintf("answer %d", i)), nil
	}
}
