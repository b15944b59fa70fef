package script_test

import (
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
)

// wire is a base transport without a network. A request costs one response value.
type wire struct{}

func (wire) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

const bearerScript = `function before_action() {
	method_request_headers.Authorization = 'Bearer ' + method_auth_value;
	return true;
}`

// signScript also uses arrays, a function of the package, and the response.
const signScript = `
function before_action() {
	method_request_headers['X-Signature'] = sign('HMAC-SHA256', method_auth_value, [http_method, method_endpoint].join());
}
function after_action() { action_data.seen = method_response }`

// BenchmarkBearer measures a request with the plain connector, with an empty hook,
// with the bearer script and with a longer script.
func BenchmarkBearer(b *testing.B) {
	plain := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "0123456789abcdef"}))
	hooked := connectorauth.WithHooks(plain, connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return nil }})
	scripted := must(script.Wrap(plain, must(script.Compile(bearerScript)), patient(script.Options{})))
	signing := must(script.Wrap(plain, must(script.Compile(signScript)), patient(script.Options{})))
	for _, c := range []struct {
		name string
		connectorauth.Connector
	}{{"plain", plain}, {"hook", hooked}, {"script", scripted}, {"longer script", signing}} {
		b.Run(c.name, func(b *testing.B) {
			rt := c.Wrap(wire{})
			req := must(http.NewRequest("GET", "https://api.example.com/v1/photos?size=original", nil))
			req.Header.Set("Accept", "application/json")
			req.Header.Set("User-Agent", "benchmark")
			b.ReportAllocs()
			began := processTime()
			for b.Loop() {
				if _, err := rt.RoundTrip(req); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processTime()-began)/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkMessages reports by how much memory grows over 10,000 messages.
func BenchmarkMessages(b *testing.B) {
	const n = 10_000
	rt := must(script.Wrap(must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "0123456789abcdef"})), must(script.Compile(bearerScript)), patient(script.Options{}))).Wrap(wire{})
	req := must(http.NewRequest("GET", "https://api.example.com/v1/photos", nil))
	send := func(n int) {
		for range n {
			if _, err := rt.RoundTrip(req); err != nil {
				b.Fatal(err)
			}
		}
	}
	send(1_000)
	var live, resident int64
	for b.Loop() {
		liveBefore, residentBefore := heap(), residentMemory()
		send(n)
		live, resident = heap()-liveBefore, residentMemory()-residentBefore
	}
	b.ReportMetric(float64(live)/(1<<20), "heap-MiB")
	b.ReportMetric(float64(resident)/(1<<20), "resident-MiB")
}

// residentMemory returns the bytes that the process has in memory when nothing is left
// to give back; 0 where the system does not tell.
func residentMemory() int64 {
	debug.FreeOSMemory()
	text, _ := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}
