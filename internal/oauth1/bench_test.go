package oauth1_test

import (
	"context"
	"crypto/rsa"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	dghubble "github.com/dghubble/oauth1"

	"github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// network is the network of the benchmarks. It does what the RoundTripper
// contract asks for and nothing else.
type network struct{}

var response = &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}

func (network) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	return response, nil
}

// signing is the smallest transport around a Signer, to measure the same work
// as dghubble/oauth1's: copy the request, read a form, sign, set the header.
type signing struct{ signer *oauth1.Signer }

func (t signing) RoundTrip(req *http.Request) (*http.Response, error) {
	clone := *req
	clone.Header = make(http.Header, len(req.Header)+1)
	for name, values := range req.Header {
		clone.Header[name] = values
	}
	var form []byte
	if req.Body != nil && wire.IsForm(req.Header.Get("Content-Type")) {
		form = make([]byte, req.ContentLength)
		if _, err := io.ReadFull(req.Body, form); err != nil {
			return nil, err
		}
		req.Body.Close()
		clone.Body = io.NopCloser(strings.NewReader(string(form)))
	}
	params, err := t.signer.Sign(&clone, form, oauth1.Stamp{Timestamp: time.Now().Unix()})
	if err != nil {
		return nil, err
	}
	clone.Header["Authorization"] = []string{params.Header()}
	params.Release()
	return network{}.RoundTrip(&clone)
}

type benchmark struct {
	name         string
	ours, theirs http.RoundTripper // theirs is nil where dghubble/oauth1 has no such method
	body         string
}

func benchmarks(b *testing.B) []benchmark {
	ours := func(method string) http.RoundTripper {
		config := oauth1.Config{ConsumerKey: "dpf43f3p2l4k3l03", ConsumerSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk", TokenSecret: "pfkkdhi9sl3r4s00", Method: method}
		if strings.HasPrefix(method, "RSA") {
			config.PrivateKey = testKey(b)
		}
		signer, err := oauth1.New(config)
		if err != nil {
			b.Fatal(err)
		}
		return signing{signer}
	}
	theirs := func(signer dghubble.Signer) http.RoundTripper {
		config := dghubble.NewConfig("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
		config.Signer = signer
		ctx := context.WithValue(context.Background(), dghubble.HTTPClient, &http.Client{Transport: network{}})
		return config.Client(ctx, dghubble.NewToken("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")).Transport
	}
	form := url.Values{"title": {strings.Repeat("word and word, ", 60)}, "text": {strings.Repeat("plaintext", 100)}}.Encode()
	return []benchmark{
		{"HMAC-SHA1_GET", ours(""), theirs(nil), ""},
		{"HMAC-SHA1_POST_2kB", ours(""), theirs(nil), form},
		{"HMAC-SHA256_GET", ours(oauth1.HMACSHA256), theirs(&dghubble.HMAC256Signer{ConsumerSecret: "kd94hf93k423kf44"}), ""},
		{"HMAC-SHA512_GET", ours(oauth1.HMACSHA512), nil, ""},
		{"RSA-SHA1_GET", ours(oauth1.RSASHA1), theirs(&dghubble.RSASigner{PrivateKey: testKey(b).(*rsa.PrivateKey)}), ""},
		{"RSA-SHA256_GET", ours(oauth1.RSASHA256), nil, ""},
		{"PLAINTEXT_GET", ours(oauth1.Plaintext), nil, ""},
	}
}

// sendOnce returns a function that sends the benchmark's request once.
func (bm benchmark) sendOnce(b *testing.B, transport http.RoundTripper) func() {
	req, err := http.NewRequest("GET", "https://api.example.com/1.1/photos?file=vacation.jpg&size=original&page=2", nil)
	if err != nil {
		b.Fatal(err)
	}
	if bm.body != "" {
		req.Method = "POST"
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.ContentLength = int64(len(bm.body))
	}
	return func() {
		if bm.body != "" {
			req.Body = io.NopCloser(strings.NewReader(bm.body))
		}
		if _, err := transport.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRoundTrip measures a whole signed request without a network, beside
// dghubble/oauth1 where that knows the method.
func BenchmarkRoundTrip(b *testing.B) {
	for _, bm := range benchmarks(b) {
		for name, transport := range map[string]http.RoundTripper{"ours": bm.ours, "dghubble": bm.theirs} {
			if transport == nil {
				continue
			}
			b.Run(bm.name+"/"+name, func(b *testing.B) {
				send := bm.sendOnce(b, transport)
				b.ReportAllocs()
				for b.Loop() {
					send()
				}
			})
		}
	}
}

// BenchmarkRatio sends by both in turn and reports how many times faster ours
// is. It compares the best of many rounds: on a busy machine nothing else
// means anything.
func BenchmarkRatio(b *testing.B) {
	fastest := func(best *time.Duration, send func()) {
		start := time.Now()
		for range 20 {
			send()
		}
		*best = min(*best, time.Since(start))
	}
	for _, bm := range benchmarks(b) {
		if bm.theirs == nil {
			continue
		}
		b.Run(bm.name, func(b *testing.B) {
			sendOurs, sendTheirs := bm.sendOnce(b, bm.ours), bm.sendOnce(b, bm.theirs)
			ours, theirs := time.Hour, time.Hour
			for b.Loop() {
				fastest(&ours, sendOurs)
				fastest(&theirs, sendTheirs)
			}
			b.ReportMetric(float64(theirs)/float64(ours), "times-faster")
		})
	}
}

// BenchmarkSign measures nonce, signature and header value alone.
func BenchmarkSign(b *testing.B) {
	signer, err := oauth1.New(oauth1.Config{ConsumerKey: "dpf43f3p2l4k3l03", ConsumerSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk", TokenSecret: "pfkkdhi9sl3r4s00"})
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequest("GET", "https://api.example.com/1.1/photos?file=vacation.jpg&size=original&page=2", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		params, err := signer.Sign(req, nil, oauth1.Stamp{Timestamp: time.Now().Unix()})
		if err != nil || params.Header() == "" {
			b.Fatal(err)
		}
		params.Release()
	}
}
