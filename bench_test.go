package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/dghubble/oauth1"
	"golang.org/x/oauth2"
)

// wire stands for the network: it costs one response and nothing else.
type wire struct{}

func (wire) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// floor does what no authenticating RoundTripper can leave out: copy the
// request and its header, set a header, send. The value of the header is in a slice of
// its own, because a base RoundTripper could write to a slice that requests share.
type floor struct{ value string }

func (f floor) RoundTrip(req *http.Request) (*http.Response, error) {
	out := new(http.Request)
	*out = *req
	out.Header = maps.Clone(req.Header)
	out.Header["Authorization"] = []string{f.value}
	return wire{}.RoundTrip(out)
}

const benchToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"

func benchRequest(b *testing.B) *http.Request {
	req, err := http.NewRequest("GET", "https://api.example.com/v1/photos?file=vacation.jpg&size=original&page=2", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "benchmark")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	return req
}

// wrapped returns the connector's RoundTripper over wire.
func wrapped[C connectorauth.Connector](b *testing.B) func(c C, err error) http.RoundTripper {
	return func(c C, err error) http.RoundTripper {
		if err != nil {
			b.Fatal(err)
		}
		return c.Wrap(wire{})
	}
}

func bearer(b *testing.B, hosts ...string) http.RoundTripper {
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
		Grant: connectorauth.ClientCredentials{}, Hosts: hosts,
	})
	if err == nil {
		err = c.SetToken(context.Background(), &oauth2.Token{AccessToken: benchToken, Expiry: time.Now().Add(time.Hour)})
	}
	return wrapped[*connectorauth.OAuth2](b)(c, err)
}

// transports are the contenders: the floor, ours and the others.
func transports(b *testing.B) map[string]http.RoundTripper {
	source := oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: benchToken, Expiry: time.Now().Add(time.Hour)}, nil)
	return map[string]http.RoundTripper{
		"floor":        floor{"Bearer " + benchToken},
		"bearer":       bearer(b),
		"bearer+hosts": bearer(b, "login.example.com", "api.example.com"),
		"apikey":       wrapped[*connectorauth.APIKey](b)(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: benchToken, Prefix: "Bearer "})),
		"basic":        wrapped[*connectorauth.Basic](b)(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "Aladdin", Password: "open sesame"})),
		"x/oauth2":     &oauth2.Transport{Source: source, Base: wire{}},
		"oauth1": wrapped[*connectorauth.OAuth1](b)(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "dpf43f3p2l4k3l03", ClientSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk", TokenSecret: "pfkkdhi9sl3r4s00",
		})),
		"dghubble/oauth1": oauth1.NewConfig("dpf43f3p2l4k3l03", "kd94hf93k423kf44").Client(
			context.WithValue(context.Background(), oauth1.HTTPClient, &http.Client{Transport: wire{}}),
			oauth1.NewToken("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")).Transport,
	}
}

// BenchmarkRoundTrip measures one request without a network.
func BenchmarkRoundTrip(b *testing.B) {
	all := transports(b)
	for _, name := range []string{"floor", "bearer", "bearer+hosts", "apikey", "basic", "x/oauth2", "oauth1", "dghubble/oauth1"} {
		b.Run(name, func(b *testing.B) {
			req := benchRequest(b)
			b.ReportAllocs()
			for b.Loop() {
				all[name].RoundTrip(req)
			}
		})
	}
}

// BenchmarkParallel measures 64 goroutines on one connector.
func BenchmarkParallel(b *testing.B) {
	all := transports(b)
	for _, name := range []string{"floor", "bearer", "x/oauth2"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism((64 + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				req := benchRequest(b)
				for pb.Next() {
					all[name].RoundTrip(req)
				}
			})
		})
	}
}

// BenchmarkAuthFields measures fields going into a JSON object of 57 kB, from
// NewRequest to the end of the body.
func BenchmarkAuthFields(b *testing.B) {
	document := `{"items":[` + strings.TrimSuffix(strings.Repeat(`{"id":12345,"name":"Blue mug","price":12.50,"tags":["a","b"]},`, 900), ",") + `]}`
	rt := wrapped[*connectorauth.AuthFields](b)(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{{Key: "user_token", Value: "secret"}, {Key: "company_id", Type: dialect.FieldInteger, Value: "4711"}},
	}))
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequest("POST", "https://api.example.com/", strings.NewReader(document))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if _, err := rt.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExpired lets 10,000 goroutines meet an expired token, and a dead one,
// and counts the token requests.
func BenchmarkExpired(b *testing.B) {
	for name, answer := range map[string]string{
		"live": `{"access_token":"new","expires_in":3600,"refresh_token":"r2"}`,
		"dead": `{"error":"invalid_grant"}`,
	} {
		b.Run(name, func(b *testing.B) {
			var requests atomic.Int64
			provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				if name == "dead" {
					w.WriteHeader(http.StatusBadRequest)
				}
				io.WriteString(w, answer)
			}))
			defer provider.Close()
			req := benchRequest(b)
			for b.Loop() {
				c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
					ClientID: "client", TokenURL: provider.URL, Grant: connectorauth.AuthorizationCode{AuthURL: provider.URL},
				})
				if err != nil {
					b.Fatal(err)
				}
				c.SetToken(context.Background(), &oauth2.Token{AccessToken: "old", RefreshToken: "r1", Expiry: time.Now().Add(-time.Minute)})
				rt := c.Wrap(wire{})
				var all sync.WaitGroup
				for range 10_000 {
					all.Go(func() { rt.RoundTrip(req) })
				}
				all.Wait()
			}
			b.ReportMetric(float64(requests.Load())/float64(b.N), "token-requests/op")
		})
	}
}

// BenchmarkMemory holds 100,000 live OAuth2 connectors and prints the heap of
// one. What accounts of one service share, such as its URLs, is shared here too.
func BenchmarkMemory(b *testing.B) { memory(b, func(*connectorauth.OAuth2Config) {}) }

// BenchmarkMemoryWithStore is BenchmarkMemory with a store that keeps the records elsewhere.
func BenchmarkMemoryWithStore(b *testing.B) {
	memory(b, func(config *connectorauth.OAuth2Config) { config.Store = nowhere })
}

// BenchmarkMemoryWithDialect is BenchmarkMemory with a dialect, which each account gives anew.
func BenchmarkMemoryWithDialect(b *testing.B) {
	memory(b, func(config *connectorauth.OAuth2Config) {
		config.Dialect = dialect.OAuth2{ScopeSeparator: ",", TokenHeader: http.Header{"Version": {"2"}}, InvalidGrantCodes: []string{"bad_verification_code"}}
	})
}

// discard is a store that keeps nothing in this process.
type discard struct{ tokenstore.Memory }

func (*discard) Load(context.Context, string) ([]byte, bool, error) { return nil, false, nil }
func (*discard) Save(context.Context, string, []byte) error         { return nil }
func (*discard) CompareAndSwap(context.Context, string, []byte, []byte) (bool, error) {
	return true, nil
}

var nowhere = new(discard)

func memory(b *testing.B, edit func(*connectorauth.OAuth2Config)) {
	const count = 100_000
	held := make([]*connectorauth.OAuth2, count)
	var before, after runtime.MemStats
	for b.Loop() {
		clear(held)
		runtime.GC()
		runtime.GC() // ends what the last round left, with its cleanups
		runtime.ReadMemStats(&before)
		for i := range held {
			config := connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
				Scopes: []string{"read", "write"}, Grant: connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize"},
				Account: fmt.Sprintf("account-%d", i), Hosts: []string{"api.example.com"},
			}
			edit(&config)
			c, err := connectorauth.NewOAuth2(config)
			if err != nil {
				b.Fatal(err)
			}
			c.SetToken(context.Background(), &oauth2.Token{
				AccessToken: fmt.Sprintf("%s-%d", benchToken, i), RefreshToken: fmt.Sprintf("refresh-token-of-40-characters-%09d", i), Expiry: time.Now().Add(time.Hour),
			})
			held[i] = c
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/count, "heap-B/connector")
	runtime.KeepAlive(held)
}
