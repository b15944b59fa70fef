package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/dghubble/oauth1"
)

// oauth1Shape is a request whose signature covers parameters in the query or the form.
type oauth1Shape struct {
	name           string
	queried, forms int // how many parameters
}

var oauth1Shapes = []oauth1Shape{
	{"no parameters", 0, 0}, {"query of 3", 3, 0}, {"query of 30", 30, 0}, {"form of 3", 0, 3}, {"form of 30", 0, 30},
}

// oauth1Pairs returns n parameters, as a shop or a social network has them.
func oauth1Pairs(n int) string {
	values := []string{"vacation.jpg", "original", "2", "Blue%20mountain%20mug", "2026-11-28T07%3A15%3A00Z", "created_at"}
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%s_%d=%s", []string{"file", "size", "page", "title", "since", "sort"}[i%6], i, values[i%6]))
	}
	return strings.Join(list, "&")
}

// still stands for the network and costs nothing.
type still struct{}

var stillResponse = &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}

func (still) RoundTrip(req *http.Request) (*http.Response, error) { return stillResponse, nil }

// again is a body that can be sent many times, at no cost.
type again struct{ strings.Reader }

func (*again) Close() error { return nil }

// sender returns a function that sends a request of the shape through rt.
func (s oauth1Shape) sender(tb testing.TB, rt http.RoundTripper) func() {
	form := oauth1Pairs(s.forms)
	address := "https://api.example.com/v1/photos"
	method, body := http.MethodGet, io.Reader(nil)
	if s.queried > 0 {
		address += "?" + oauth1Pairs(s.queried)
	}
	if s.forms > 0 {
		method, body = http.MethodPost, strings.NewReader(form)
	}
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "benchmark")
	if s.forms > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	reader := new(again)
	return func() {
		if s.forms > 0 {
			reader.Reset(form)
			req.Body = reader
		}
		if _, err := rt.RoundTrip(req); err != nil {
			tb.Fatal(err)
		}
	}
}

// oauth1Contenders are the connector and dghubble/oauth1, with the same credentials.
func oauth1Contenders(tb testing.TB) (ours, dghubble http.RoundTripper) {
	connector, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "dpf43f3p2l4k3l03", ClientSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk", TokenSecret: "pfkkdhi9sl3r4s00",
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx := context.WithValue(context.Background(), oauth1.HTTPClient, &http.Client{Transport: still{}})
	client := oauth1.NewConfig("dpf43f3p2l4k3l03", "kd94hf93k423kf44").Client(ctx, oauth1.NewToken("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"))
	return connector.Wrap(still{}), client.Transport
}

// BenchmarkOAuth1 sends requests of each shape through the connector and through
// dghubble/oauth1 in turn. The ratio compares the best of many rounds.
func BenchmarkOAuth1(b *testing.B) {
	ours, dghubble := oauth1Contenders(b)
	for _, shape := range oauth1Shapes {
		b.Run(shape.name, func(b *testing.B) {
			sends := [2]func(){shape.sender(b, ours), shape.sender(b, dghubble)}
			best := [2]time.Duration{time.Hour, time.Hour}
			for b.Loop() {
				for i, send := range sends {
					start := time.Now()
					for range 50 {
						send()
					}
					best[i] = min(best[i], time.Since(start))
				}
			}
			b.ReportMetric(float64(best[0])/50, "ns/ours")
			b.ReportMetric(float64(best[1])/50, "ns/dghubble")
			b.ReportMetric(float64(best[1])/float64(best[0]), "times-as-fast")
			b.ReportMetric(testing.AllocsPerRun(100, sends[0]), "allocs/ours")
			b.ReportMetric(0, "ns/op")
		})
	}
}
