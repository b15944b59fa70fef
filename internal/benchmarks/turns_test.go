package benchmarks

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) {
	child.Main(jobs)
	leaktest.Main(m)
}

// A contender does the work of a benchmark in one of the ways that are compared.
type contender struct {
	name string
	do   func() error
}

// turns lets the contenders take turns, so many calls at a time. It reports the time of
// each by its best turn, the ratio to the first contender, and the allocations.
func turns(b *testing.B, calls int, all ...contender) {
	best := make([]time.Duration, len(all))
	for i := range all {
		best[i] = time.Hour
	}
	for b.Loop() {
		for i, c := range all {
			began := time.Now()
			for range calls {
				if err := c.do(); err != nil {
					b.Fatal(c.name, err)
				}
			}
			best[i] = min(best[i], time.Since(began))
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, c := range all {
		b.ReportMetric(float64(best[i].Nanoseconds())/float64(calls), c.name+"-ns")
		b.ReportMetric(testing.AllocsPerRun(calls, func() { c.do() }), c.name+"-allocs")
		if i > 0 {
			b.ReportMetric(float64(best[i])/float64(best[0]), c.name+"/"+all[0].name)
		}
	}
}

// wire is a base RoundTripper without a network: a request costs one response, and the
// reading of the body.
type wire struct{}

func (wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// floor is the least work of any authenticating RoundTripper: copy the request and its
// header, set a header, send. The value of the header is in a slice of its own, because a
// base RoundTripper could write to a slice that requests share.
type floor struct {
	value string
	base  http.RoundTripper
}

func (f floor) RoundTrip(req *http.Request) (*http.Response, error) {
	out := new(http.Request)
	*out = *req
	out.Header = maps.Clone(req.Header)
	out.Header["Authorization"] = []string{f.value}
	return f.base.RoundTrip(out)
}

// A message is what requests are made of.
type message struct {
	method, url, contentType string
	body                     []byte
}

// request returns a request with three headers.
func (m message) request() *http.Request {
	req := must(http.NewRequest(m.method, m.url, nil))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "benchmark")
	if m.body == nil {
		req.Header.Set("X-Request-Id", "0123456789abcdef")
		return req
	}
	req.Header.Set("Content-Type", m.contentType)
	req.ContentLength = int64(len(m.body))
	return req
}

// readable is a body that is sent again and again: a new body would be an allocation of
// the benchmark.
type readable struct{ bytes.Reader }

func (*readable) Close() error { return nil }

// by returns the contender that sends m through rt, again and again.
func (m message) by(name string, rt http.RoundTripper) contender {
	req := m.request()
	var body readable
	return contender{name, func() error {
		if m.body != nil {
			body.Reset(m.body)
			req.Body = &body
		}
		_, err := rt.RoundTrip(req)
		return err
	}}
}

// photos is the request of most benchmarks.
var photos = message{method: "GET", url: "https://api.example.com/v1/photos?file=vacation.jpg&size=original&page=2"}

// kept is a base RoundTripper that keeps what the last request had.
type kept struct {
	header http.Header
	body   []byte
}

func (k *kept) RoundTrip(req *http.Request) (*http.Response, error) {
	k.header, k.body = req.Header, nil
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		k.body = body
	}
	return wire{}.RoundTrip(req)
}

// wrap returns c around base.
func wrap[C connectorauth.Connector](base http.RoundTripper) func(C, error) http.RoundTripper {
	return func(c C, err error) http.RoundTripper { return must(c, err).Wrap(base) }
}

// must returns v, and panics if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
