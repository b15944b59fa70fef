package connectorauth_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// A contender is a RoundTripper with the request that it sends.
type contender struct {
	http.RoundTripper
	request *http.Request
}

// rewound is a body that is the same again once it is closed.
type rewound struct{ *strings.Reader }

func (r rewound) Close() error {
	_, err := r.Seek(0, 0)
	return err
}

// hosts returns a list of n entries, of which the last one is last.
func hosts(n int, form, last string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(form, i)
	}
	list[n-1] = last
	return list
}

// contenders are the transports of BenchmarkRoundTrip, and those of requests of other
// shapes and of further configs.
func contenders(b *testing.B) map[string]contender {
	all := map[string]contender{}
	add := func(name string, rt http.RoundTripper, edit func(*http.Request)) {
		req := benchRequest(b)
		edit(req)
		all[name] = contender{rt, req}
	}
	same := func(*http.Request) {}
	for name, rt := range transports(b) {
		add(name, rt, same)
	}
	key := func(in dialect.Location) http.RoundTripper {
		return wrapped[*connectorauth.APIKey](b)(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "0123456789abcdef0123456789abcdef", In: in, Name: "api_key"}))
	}
	eight := func(req *http.Request) {
		for _, name := range []string{"Accept-Language", "Cache-Control", "Content-Type", "If-None-Match", "Traceparent"} {
			req.Header.Set(name, "value")
		}
	}
	cookie := func(req *http.Request) { req.Header.Set("Cookie", "theme=dark; lang=de") }
	form := func(req *http.Request) {
		const body = "file=vacation.jpg&size=original"
		req.Method, req.Body, req.ContentLength = http.MethodPost, rewound{strings.NewReader(body)}, int64(len(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	upper := func(req *http.Request) { req.URL.Host = "API.Example.COM" }
	floor, plain, wild, wild20 := all["floor"].RoundTripper, all["bearer"].RoundTripper, bearer(b, "*.example.com"), bearer(b, hosts(20, "*.tenant-%d.example.org", "*.example.com")...)
	add("hosts2", bearer(b, "login.example.com", "api.example.com"), same)
	add("hosts20", bearer(b, hosts(20, "tenant-%d.example.com", "api.example.com")...), same)
	add("wildcard", wild, same)
	add("wildcards20", wild20, same)
	add("wildcard,upper", wild, upper)
	add("wildcards20,upper", wild20, upper)
	add("bearer,8", plain, eight)
	add("floor,8", floor, eight)
	add("query", key(dialect.InQuery), same)
	add("cookie", key(dialect.InCookie), cookie)
	add("floor,cookie", floor, cookie)
	add("field", key(dialect.InBody), form)
	add("floor,form", floor, form)
	hooked, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: benchToken, Prefix: "Bearer "})
	if err != nil {
		b.Fatal(err)
	}
	empty := func(*connectorauth.Exchange) error { return nil }
	add("hook", connectorauth.WithHooks(hooked, connectorauth.Hooks{BeforeRequest: empty}).Wrap(wire{}), same)
	return all
}

// BenchmarkRatio runs two transports in turn and prints how the time of the
// first compares with that of the second, by the best of many rounds: on a busy
// machine nothing else means much.
func BenchmarkRatio(b *testing.B) {
	all := contenders(b)
	for _, pair := range [][2]string{
		{"bearer", "floor"}, {"bearer+hosts", "floor"}, {"apikey", "floor"}, {"basic", "floor"},
		{"bearer", "x/oauth2"}, {"oauth1", "dghubble/oauth1"},
		{"hosts2", "bearer"}, {"hosts20", "bearer"},
		{"wildcard", "bearer"}, {"wildcards20", "bearer"}, {"wildcard,upper", "bearer"}, {"wildcards20,upper", "bearer"},
		{"bearer,8", "floor,8"},
		{"query", "floor"}, {"cookie", "floor,cookie"}, {"field", "floor,form"},
		{"hook", "floor"},
	} {
		b.Run(strings.ReplaceAll(pair[0]+" to "+pair[1], "/", "."), func(b *testing.B) {
			first, second := takeTurns(b, func() { all[pair[0]].send(200) }, func() { all[pair[1]].send(200) })
			b.ReportMetric(float64(first)/float64(second), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
	b.Run("bearer to floor, 64 goroutines", func(b *testing.B) {
		crowd := func(c contender) {
			var all sync.WaitGroup
			for range 64 {
				all.Go(func() { c.send(100) })
			}
			all.Wait()
		}
		first, second := takeTurns(b, func() { crowd(all["bearer"]) }, func() { crowd(all["floor"]) })
		b.ReportMetric(float64(first)/float64(second), "ratio")
		b.ReportMetric(0, "ns/op")
	})
}

// send sends the request n times.
func (c contender) send(n int) {
	for range n {
		c.RoundTrip(c.request)
	}
}

// takeTurns returns the best times of two functions, which run in turn.
func takeTurns(b *testing.B, one, other func()) (first, second time.Duration) {
	first, second = time.Hour, time.Hour
	for b.Loop() {
		start := time.Now()
		one()
		middle := time.Now()
		other()
		first, second = min(first, middle.Sub(start)), min(second, time.Since(middle))
	}
	return first, second
}

// BenchmarkPath measures one request of each shape, without a network.
func BenchmarkPath(b *testing.B) {
	for name, c := range contenders(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.send(1)
			}
		})
	}
}
