package doctor

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxBody bounds what is read of a body in advance, in bytes.
const maxBody = 64 << 10

// An observer is the RoundTripper of an account's requests. The observer remembers what came
// back, and makes the secrets of each message known to the mask.
type observer struct {
	base http.RoundTripper
	mask *mask
	now  func() time.Time

	mu   sync.Mutex
	seen []*exchange
}

// An exchange is a request, and what came back.
type exchange struct {
	req      *http.Request // as sent
	status   int           // 0 means no response
	header   http.Header
	body     []byte // at most maxBody
	err      error
	sent     time.Time // when the request was written
	received time.Time // when the response began
}

// Unwrap shows the base to package egress.
func (o *observer) Unwrap() http.RoundTripper { return o.base }

// CloseIdleConnections closes the idle connections of the base.
func (o *observer) CloseIdleConnections() {
	if c, ok := o.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip sends the request, and reads the beginning of the response.
func (o *observer) RoundTrip(req *http.Request) (*http.Response, error) {
	e := &exchange{req: req, sent: o.now()}
	o.mu.Lock()
	o.seen = append(o.seen, e)
	o.mu.Unlock()
	o.mask.request(req)
	var body kept
	var written sync.Mutex
	sent := e.sent
	trace := &httptrace.ClientTrace{WroteHeaders: func() {
		written.Lock()
		defer written.Unlock()
		sent = o.now()
	}}
	out := req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	if req.Body != nil && req.Body != http.NoBody {
		body.ReadCloser = req.Body
		out.Body = &body
	}
	resp, err := o.base.RoundTrip(out)
	received := o.now()
	o.mask.sentBody(req.Header.Get("Content-Type"), body.text())
	written.Lock()
	defer written.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	e.sent, e.received, e.err = sent, received, err
	if err != nil {
		return nil, err
	}
	resp.Request = req
	e.status, e.header = resp.StatusCode, resp.Header.Clone()
	if resp.StatusCode == http.StatusSwitchingProtocols || strings.HasPrefix(e.header.Get("Content-Type"), "text/event-stream") {
		return resp, nil // no end in sight
	}
	begun, failure := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	e.body = begun
	o.mask.response(e.header, begun)
	rest := io.Reader(resp.Body)
	if failure != nil {
		rest = failed{failure}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begun), rest), resp.Body}
	return resp, nil
}

// exchanges returns what was seen from the n-th request on.
func (o *observer) exchanges(n int) []exchange {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []exchange
	for _, e := range o.seen[min(n, len(o.seen)):] {
		list = append(list, *e)
	}
	return list
}

// count returns how many requests were seen.
func (o *observer) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen)
}

// kept is a body, and what was read so far.
type kept struct {
	io.ReadCloser
	mu  sync.Mutex
	got []byte
}

func (k *kept) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got = append(k.got, p[:min(n, maxBody-len(k.got))]...)
	return n, err
}

func (k *kept) text() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.got)
}

// failed is a reader after a failure.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// shownHeaders are the headers of responses whose values the report shows, without secrets.
var shownHeaders = []string{
	"Age", "Allow", "Cache-Control", "Cf-Ray", "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "Date", "Deprecation",
	"Location", "Proxy-Authenticate", "Ratelimit", "Ratelimit-Policy", "Retry-After", "Server", "Sunset", "Vary", "Via", "Www-Authenticate",
	"X-Cache", "X-Correlation-Id", "X-Powered-By", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "X-Request-Id",
	"X-Squid-Error",
}

// shown returns an exchange for the report.
func (e exchange) shown(m *mask) Exchange {
	x := Exchange{Method: e.req.Method, URL: m.text(e.address(), 500), Status: e.status}
	if e.err != nil {
		x.Error = m.text(e.err.Error(), 300)
	}
	for name, values := range e.header {
		if x.Header == nil {
			x.Header = http.Header{}
		}
		for _, v := range values {
			switch {
			case name == "Location":
				v = m.text(originOf(v), 300)
			case slices.Contains(shownHeaders, name):
				v = m.text(v, 300)
			default:
				v = "[redacted]"
			}
			x.Header.Add(name, v)
		}
	}
	return x
}

// address returns the URL of the request without values. Where a redirect led, the path may be a
// secret too, as in a signed URL.
func (e exchange) address() string {
	if e.req.Response != nil {
		return originOf(e.req.URL.String())
	}
	return withoutValues(e.req.URL)
}

// isHTML reports whether the response is a page for people.
func (e exchange) isHTML() bool {
	kind := strings.ToLower(e.header.Get("Content-Type"))
	return strings.HasPrefix(kind, "text/html") || strings.HasPrefix(kind, "application/xhtml+xml") ||
		kind == "" && bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(e.body)), []byte("<!doctype html"))
}
