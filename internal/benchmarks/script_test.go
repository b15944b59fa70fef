package benchmarks

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/dop251/goja"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
)

// scripts are scripts with before_action, by the name of the benchmark.
var scripts = map[string]string{
	"before_action": `function before_action() {
	method_request_headers.Authorization = 'Bearer ' + method_auth_value;
	return true;
}`,
	"sorted_headers": `function before_action() {
	var names = Object.keys(method_request_headers).sort();
	var lines = names.map(function (name) { return name.toLowerCase() + ':' + method_request_headers[name].trim(); });
	var query = method_endpoint.split('?')[1].split('&').sort().join('&');
	method_request_headers['X-Signed'] = lines.concat([http_method, query, String(names.length)]).join('\n').length;
	method_request_headers.Authorization = 'Bearer ' + method_auth_value;
}`,
	"checksum": `function before_action() {
	var text = method_auth_value + method_endpoint, sum = 2166136261;
	for (var round = 0; round < 10; round++) {
		for (var i = 0; i < text.length; i++) {
			sum = Math.imul(sum ^ text.charCodeAt(i), 16777619) >>> 0;
		}
	}
	method_request_headers['X-Checksum'] = sum.toString(16);
	method_request_headers.Authorization = 'Bearer ' + method_auth_value;
}`,
}

// interpreter runs a script by goja alone: a new runtime for each request, and no limits.
type interpreter struct {
	program *goja.Program
	base    http.RoundTripper
}

func (g interpreter) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Header.Set("Authorization", token)
	runtime := goja.New()
	headers := runtime.NewObject()
	for name := range out.Header {
		if err := headers.Set(name, out.Header.Get(name)); err != nil {
			return nil, err
		}
	}
	for name, value := range map[string]any{
		"method_request_headers": headers, "method_auth_value": token, "http_method": out.Method, "method_endpoint": out.URL.String(),
	} {
		if err := runtime.Set(name, value); err != nil {
			return nil, err
		}
	}
	if _, err := runtime.RunProgram(g.program); err != nil {
		return nil, err
	}
	before, ok := goja.AssertFunction(runtime.Get("before_action"))
	if !ok {
		return nil, errors.New("before_action is no function")
	}
	if _, err := before(goja.Undefined()); err != nil {
		return nil, err
	}
	for _, name := range headers.Keys() {
		out.Header.Set(name, headers.Get(name).String())
	}
	return g.base.RoundTrip(out)
}

// runners run the script of a benchmark. Goja is the first: ratios are to goja.
func runners(source string) []peer {
	return []peer{
		{"goja", func(base http.RoundTripper) http.RoundTripper {
			return interpreter{must(goja.Compile("script", source, false)), base}
		}},
		{"ours", func(base http.RoundTripper) http.RoundTripper {
			key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: token}))
			return wrap[connectorauth.Connector](base)(script.Wrap(key, must(script.Compile(source)), script.Options{TimeLimit: time.Minute}))
		}},
	}
}

func TestRunnersAgree(t *testing.T) {
	for name, source := range scripts {
		t.Run(name, func(t *testing.T) {
			var sent []http.Header
			for _, r := range runners(source) {
				var base kept
				require.NoError(t, photos.by(r.name, r.over(&base)).do())
				assert.Equal(t, "Bearer "+token, base.header.Get("Authorization"))
				sent = append(sent, base.header)
			}
			assert.Equal(t, sent[0], sent[1])
		})
	}
}

// BenchmarkScript sends a request whose headers a script writes.
func BenchmarkScript(b *testing.B) {
	for name, source := range scripts {
		b.Run(name, func(b *testing.B) {
			var all []contender
			for _, r := range runners(source) {
				all = append(all, photos.by(r.name, r.over(wire{})))
			}
			turns(b, 20, all...)
		})
	}
}
