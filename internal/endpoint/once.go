package endpoint

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// A sender sends a request once each time, whatever net/http would do by itself.
type sender struct {
	base   http.RoundTripper // nil means http.DefaultTransport
	cancel context.CancelFunc
	watch  *watch // of the last request; nil before the first
}

// RoundTrip sends req.
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	s.watch = &watch{cancel: s.cancel}
	req = once(req.WithContext(httptrace.WithClientTrace(req.Context(), s.watch.trace())))
	origin.Resolve(req)
	base := s.base
	if base == nil {
		base = http.DefaultTransport
	}
	return base.RoundTrip(req)
}

// ended reports whether the last request was about to be sent again by itself.
func (s *sender) ended() bool { return s.watch != nil && s.watch.again.Load() }

// inDoubt reports whether the last request may have been sent.
func (s *sender) inDoubt() bool {
	return s.watch != nil && (s.watch.sent.Load() || !s.watch.traced.Load())
}

// once returns req in a form that net/http never sends twice by itself: without
// GetBody, and with a body that net/http cannot rewind.
//
// An empty body of a POST stays empty. As an unknown body it would be sent in
// chunks, which some servers refuse. HTTP/1 does not repeat such a POST unless
// the request has an idempotency key; watch keeps HTTP/2 from repeating it.
func once(req *http.Request) *http.Request {
	req.GetBody = nil
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = opaque{req.Body}
		return req
	}
	_, key := req.Header["Idempotency-Key"]
	_, xKey := req.Header["X-Idempotency-Key"]
	if req.Method != http.MethodPost || key || xKey {
		req.Body = opaque{io.NopCloser(strings.NewReader(""))}
	}
	return req
}

// opaque hides the type of a body from net/http.
type opaque struct{ io.ReadCloser }

// watch follows a request on its way to the network, and ends the request before
// the request is sent again.
type watch struct {
	cancel context.CancelFunc
	traced atomic.Bool // the transport reports its steps
	wrote  atomic.Bool // the header was written
	sent   atomic.Bool // the whole request was written
	again  atomic.Bool // the transport was about to send the request again
}

func (w *watch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { w.connection() },
		GotConn:      func(httptrace.GotConnInfo) { w.connection() },
		WroteHeaders: func() { w.wrote.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				w.sent.Store(true)
			}
		},
	}
}

// connection notes that the transport wants or has a connection.
func (w *watch) connection() {
	w.traced.Store(true)
	if w.wrote.Load() {
		w.again.Store(true)
		w.cancel()
	}
}
