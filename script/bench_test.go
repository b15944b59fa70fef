package script_test

import (
	"net/http"
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
	scripted := must(script.Wrap(plain, must(script.Compile(bearerScript)), script.Options{}))
	signing := must(script.Wrap(plain, must(script.Compile(signScript)), script.Options{}))
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
