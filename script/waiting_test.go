package script_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/race"
	"github.com/connectorauth/connectorauth/script"
)

// slowAPI is a base transport for one request, whose response comes when open is
// closed.
type slowAPI struct {
	arrived func()
	open    chan struct{}
}

func (s slowAPI) RoundTrip(req *http.Request) (*http.Response, error) {
	s.arrived()
	<-s.open
	return &http.Response{StatusCode: http.StatusOK, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(`{"ok":true}`)), Request: req}, nil
}

// photos is a JSON body of about n bytes: some objects, and a long text.
func photos(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	for i := range 50 {
		fmt.Fprintf(&b, `{"id":%d,"name":"photo number %d","size":{"w":1000,"h":%d},"tags":["a","b"]},`, i, i, i)
	}
	fmt.Fprintf(&b, `{"id":7615917337495251231}],"text":%q}`, strings.Repeat("x", n))
	return b.Bytes()
}

// A script that reads the body, keeps something, and looks at the response.
const waitingScript = `
function before_action() { action_data.count = method_request.items.length; method_request.last = action_data.count }
function after_action() {
	if (method_request.last !== action_data.count || method_request.items.length !== action_data.count) throw 'the body is another';
	method_response.count = action_data.count;
}`

// inFlight sends n requests with this body, and returns by how much memory has grown
// when all of them wait for their responses. The bodies themselves do not count.
func inFlight(t testing.TB, source string, n int, body []byte) int64 {
	connector := must(script.Wrap(apiKey(), must(script.Compile(source)), script.Options{TimeLimit: time.Minute}))
	before := heap()
	open := make(chan struct{})
	var failures sync.Map
	var arrived, done sync.WaitGroup
	arrived.Add(n)
	for i := range n {
		done.Go(func() {
			api := slowAPI{sync.OnceFunc(arrived.Done), open}
			defer api.arrived() // also if the request fails
			rt := connector.Wrap(api)
			req := must(http.NewRequest("POST", "https://api.example.com/v1/photos", bytes.NewReader(body)))
			req.Header.Set("Content-Type", "application/json")
			resp, err := rt.RoundTrip(req)
			if err != nil {
				failures.Store(i, err)
				return
			}
			resp.Body.Close()
		})
	}
	arrived.Wait()
	grown := heap() - before
	close(open)
	done.Wait()
	failures.Range(func(_, err any) bool { assert.NoError(t, err.(error)); return false })
	return grown - int64(n)*int64(len(body))
}

// A thousand requests wait for a slow API. Each keeps its body, once, and what the
// script has made of its machine.
func TestAThousandRequestsWait(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("takes a while")
	}
	const n, each = 1_000, 32 << 10
	grown := inFlight(t, waitingScript, n, photos(100_000))
	t.Logf("%d bytes for each request, beside the body", grown/n)
	assert.Less(t, grown, int64(n*each))
}

// BenchmarkWaiting reports how many bytes a request keeps until its response, beside the
// body.
func BenchmarkWaiting(b *testing.B) {
	for _, c := range []struct {
		name, source string
		body         []byte
	}{
		{"no body", "function before_action() { action_data.x = 1 } function after_action() {}", nil},
		{"body of 100 kB", waitingScript, photos(100_000)},
		{"body of 640 kB", waitingScript, photos(640_000)},
		{"objects that are garbage", "function before_action() { var a = []; for (var i = 0; i < 50000; i++) a.push({self: a, text: 'x' + i}); action_data.x = 1 } function after_action() {}", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			const n = 50
			var bytes int64
			for b.Loop() {
				bytes = inFlight(b, c.source, n, c.body)
			}
			b.ReportMetric(float64(bytes/n), "B/request")
		})
	}
}

// hoarder keeps 2 MB until the response.
const hoarder = `
function before_action() { action_data.kept = 'x'.repeat(2e6) + method_endpoint }
function after_action() { if (action_data.kept.length < 2e6) throw 'lost' }`

// What the requests of a tenant keep is bounded: the next request fails before it is
// sent, other tenants do not notice, and after the responses there is room again.
func TestATenantKeepsSoMuchUntilTheResponses(t *testing.T) {
	defer script.SetMaxWaiting(script.SetMaxWaiting(9 << 20))
	compiled := must(script.Compile(hoarder))
	with := func(tenant string, base http.RoundTripper) http.RoundTripper {
		return must(script.Wrap(apiKey(), compiled, patient(script.Options{Tenant: tenant, MemoryLimit: 8 << 20}))).Wrap(base)
	}
	send := func(rt http.RoundTripper) error {
		resp, err := rt.RoundTrip(must(http.NewRequest("GET", "https://api.example.com/", nil)))
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for range 2 {
		open := make(chan struct{})
		var arrived, done sync.WaitGroup
		arrived.Add(4)
		for range 4 {
			done.Go(func() {
				api := slowAPI{sync.OnceFunc(arrived.Done), open}
				defer api.arrived() // also if the request fails
				assert.NoError(t, send(with("hoarder", api)))
			})
		}
		arrived.Wait()
		err := send(with("hoarder", wire{}))
		assert.ErrorIs(t, err, script.ErrLimit)
		assert.ErrorContains(t, err, "until their responses")
		assert.NoError(t, send(with("another", wire{})))
		close(open)
		done.Wait()
	}
	assert.NoError(t, send(with("hoarder", wire{})))
}

// broken is a base transport that has only an error.
type broken struct{ error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.error }

// A request that fails has no response, and keeps nothing once its memory is collected.
func TestFailedRequestsKeepNothing(t *testing.T) {
	defer script.SetMaxWaiting(script.SetMaxWaiting(9 << 20))
	down := errors.New("the API is down")
	rt := must(script.Wrap(apiKey(), must(script.Compile(hoarder)), patient(script.Options{Tenant: "failing", MemoryLimit: 8 << 20}))).Wrap(
		broken{down})
	for i := range 12 {
		if i%4 == 3 {
			runtime.GC() // the package collects too, but not at any time
		}
		_, err := rt.RoundTrip(must(http.NewRequest("GET", "https://api.example.com/", nil)))
		require.ErrorIs(t, err, down)
	}
}

// After the response a script sees the body as the script sent the body: the same kind of
// value, and numbers that the script has kept from the first reading are known.
func TestTheSentBodyIsReadAnew(t *testing.T) {
	for _, c := range []struct{ name, contentType, body, before, after, want string }{
		{"an object", "application/json", `{"a":[1,2]}`, "method_request.b = 3", "JSON.stringify(method_request)", `{"a":[1,2],"b":3}`},
		{"a new object", "application/json", `{"a":1}`, "method_request = {data: method_request}", "JSON.stringify(method_request)", `{"data":{"a":1}}`},
		{"a text that is JSON", "application/json", `{"a":1}`, "method_request = JSON.stringify(method_request)", "typeof method_request + method_request", `string{"a":1}`},
		{"a text of another type", "text/plain", `plain`, "method_request; method_request_headers['Content-Type'] = 'application/x-www-form-urlencoded'", "typeof method_request + method_request", "stringplain"},
		{"a form", "application/x-www-form-urlencoded", "a=1&b=2", "method_request.c = ['x', 'y']; delete method_request_headers['Content-Type']", "JSON.stringify(method_request)", `{"a":"1","b":"2","c":["x","y"]}`},
		{"no body", "application/json", `{"a":1}`, "method_request = null", "String(method_request)", "null"},
		{"an empty text", "text/plain", `a`, "method_request = ''", "typeof method_request", "string"},
		{"not read before", "application/json", `{"a":1}`, "", "JSON.stringify(method_request)", `{"a":1}`},
		{"an object that is kept", "application/json", `{"a":1}`, "action_data.kept = method_request; action_data.kept.b = 2", "JSON.stringify([action_data.kept, method_request])", `[{"a":1,"b":2},{"a":1,"b":2}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, nil)
			resp, err := client(t, apiKey(), "function before_action() { "+c.before+" } function after_action() { method_response_headers['X-Seen'] = "+c.after+" }", script.Options{}).
				Post(s.URL, c.contentType, strings.NewReader(c.body))
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, c.want, resp.Header.Get("X-Seen"))
		})
	}
	s := newServer(t, nil)
	_, err := client(t, apiKey(), `function before_action() { action_data.id = method_request.id; method_request = {other: 7615917337495251777} }
		function after_action() { method_request.other; method_response_headers['X-Id'] = action_data.id }`, script.Options{}).
		Post(s.URL, "application/json", strings.NewReader(`{"id":7615917337495251231}`))
	assert.ErrorContains(t, err, "rounded")
}
