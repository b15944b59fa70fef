package script_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fails runs a before_action with this body, which must fail, and returns the error.
func fails(t *testing.T, s *server, body string, limit time.Duration) error {
	t.Helper()
	_, err := client(t, apiKey(), "function before_action() { "+body+" }", script.Options{TimeLimit: limit}).Get(s.URL)
	require.Error(t, err, body)
	return err
}

// What a script cannot have is not there.
func TestScriptsAreConfined(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`eval('1')`:                                                    "eval is not defined",
		`new Function('return 1')`:                                     "Function is not defined",
		`(function(){}).constructor('return 1')()`:                     "TypeError",
		`(async function(){}).constructor('return 1')`:                 "TypeError",
		`(function*(){}).constructor('return 1')()`:                    "TypeError",
		`(async function*(){}).constructor('1')`:                       "TypeError",
		`class A {}; A.constructor('return 1')`:                        "TypeError",
		`require('fs')`:                                                "require is not defined",
		`process.env`:                                                  "process is not defined",
		`fetch('http://127.0.0.1/')`:                                   "fetch is not defined",
		`console.log(1)`:                                               "console is not defined",
		`setTimeout(function(){}, 1)`:                                  "setTimeout is not defined",
		`return import('fs')`:                                          "could not load module",
		`random_bytes(1e9)`:                                            "a count from 1 to 1024",
		`method_request_headers = {get A() { throw 'from a getter' }}`: "from a getter",
		`throw {get message() { throw 'again' }}`:                      "cannot be described",
		`throw Object.create(null)`:                                    "cannot be described",
		`throw null`:                                                   "null",
		`sign('HMAC-MD5', 'k', 'm')`:                                   "unknown method",
		`sign('RSA-SHA256', 'k', 'm')`:                                 "not in PEM",
		`sign('HMAC-SHA256', 'k')`:                                     "argument 3 is missing",
		`base64_decode('\xff')`:                                        "not valid in its encoding",
		`base64_decode('/w==')`:                                        "not UTF-8",
	} {
		assert.ErrorContains(t, fails(t, s, source, time.Minute), want, source)
	}
	assert.Empty(t, s.seen, "nothing was sent")
}

// A script that changes every built-in object leaves no trace for the next request
// and for other scripts.
func TestNothingStaysFromOneMessageToTheNext(t *testing.T) {
	s := newServer(t, nil)
	tamper := client(t, apiKey(), `
		var count = (typeof count === 'number' ? count : 0) + 1;
		leaked = globalThis.leaked ? 'yes' : 'no';
		function before_action() {
			method_request_headers['X-Seen'] = [count, leaked, ''.planted, [].join === 5, JSON.stringify({}), typeof action_data.left].join();
			globalThis.leaked = true; action_data.left = 1;
			String.prototype.planted = Object.prototype.planted = 'evil';
			Object.prototype.toString = Array.prototype.push = JSON.stringify = JSON.parse = null;
			Array.prototype.join = 5;
			Object.defineProperty(Object.prototype, 'X-Planted', {value: 'evil', enumerable: true});
		}`, script.Options{})
	for range 3 {
		resp, err := tamper.Get(s.URL)
		read(t, resp, err)
		assert.Equal(t, "1,no,,false,{},undefined", s.last(t).Header.Get("X-Seen"))
		assert.Empty(t, s.last(t).Header.Get("X-Planted"), "only the header object's own properties count")
	}
	resp, err := client(t, apiKey(), `function before_action() { method_request_headers['X-Seen'] = '<' + ''.planted + '>' }`, script.Options{}).Get(s.URL)
	read(t, resp, err)
	assert.Equal(t, "<undefined>", s.last(t).Header.Get("X-Seen"))
}

// A script that fails for some requests does no harm to other requests.
func TestTenThousandConcurrentRequests(t *testing.T) {
	s := newServer(t, nil)
	s.respond = func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"n": %q}`, r.Header.Get("Authorization"))
	}
	base := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 100, MaxIdleConnsPerHost: 100}}
	defer base.CloseIdleConnections()
	compiled := must(script.Compile(`
		var n = method_request_headers['X-N'];
		function before_action() {
			if (n % 100 === 0) throw 'number ' + n;
			action_data.n = n;
			method_request_headers.Authorization = 'Bearer ' + n;
		}
		function after_action() { method_response = method_response.n + '/' + action_data.n + '/' + n }`))
	api := connectorauth.NewClient(must(script.Wrap(apiKey(), compiled, script.Options{TimeLimit: 5 * time.Minute})), base)
	var all sync.WaitGroup
	for n := range 10_000 {
		all.Go(func() {
			req := must(http.NewRequest(http.MethodGet, s.URL, nil))
			req.Header.Set("X-N", fmt.Sprint(n))
			resp, err := api.Do(req)
			if n%100 == 0 {
				assert.ErrorContains(t, err, fmt.Sprintf("number %d", n))
				return
			}
			_, body := read(t, resp, err)
			assert.Equal(t, fmt.Sprintf("Bearer %d/%d/%d", n, n, n), body)
		})
	}
	all.Wait()
}

func TestErrorsNeverTellASecret(t *testing.T) {
	s := newServer(t, nil)
	const parameter = "p4rameter/secret+1"
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "Aladdin", Password: "open sesame"}))
	for _, c := range []connectorauth.Connector{apiKey(), basic} {
		for _, thrown := range []string{
			`method_auth_value`, `new Error(method_auth_value)`, `{message: method_auth_value}`, `new AuthSessionException(method_auth_value)`,
			`JSON.stringify(method_request_headers)`, `base64_encode(method_auth_value)`, `base64url_encode(method_auth_value)`, `hex_encode(method_auth_value)`,
			`url_encode(method_auth_value)`, `base64_decode(method_auth_value, 'text')`, `script_parameters.secret`, `'a' + base64_encode(script_parameters.secret)`,
			`method_request.password`, `JSON.stringify(method_request)`, `method_endpoint`,
		} {
			source := "function before_action() { throw " + thrown + " }"
			_, err := client(t, c, source, script.Options{Parameters: map[string]any{"secret": connectorauth.Secret(parameter)}}).
				Post(s.URL+"?token=query-t0ken", "application/json", strings.NewReader(`{"password": "in-the-b0dy"}`))
			require.Error(t, err)
			text := strings.Replace(err.Error(), s.URL+"?token=query-t0ken", "", 1) // http.Client adds the caller's own URL
			for _, secret := range []string{key, "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ", parameter, "in-the-b0dy", "query-t0ken"} {
				for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)), url.QueryEscape(secret), url.PathEscape(secret)} {
					assert.NotContains(t, text, form, thrown)
				}
			}
		}
	}
}

func TestErrorsOfTokenRequestsNeverTellASecret(t *testing.T) {
	p := authtest.NewProvider(t)
	for _, source := range []string{
		`function before_oauth2_token() { throw JSON.stringify([method_request, method_request_headers]) }`,
		`function after_oauth2_token() { throw JSON.stringify(method_response) }`,
		`function after_oauth2_token() { throw method_response.access_token + method_response.refresh_token }`,
	} {
		c, _ := tokenClient(t, p, source)
		authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		callback := must(p.Authorize(authURL))
		err = c.Finish(t.Context(), pending, callback.Query())
		require.ErrorContains(t, err, "oauth2_token: line 1, column")
		for _, secret := range []string{p.ClientSecret, callback.Query().Get("code"), "access-", "refresh-"} {
			assert.NotContains(t, err.Error(), secret, source)
		}
	}
}

// panicking is a body whose Read panics, through a mistake in the caller's program.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("in Read") }

// The wait for a body does not count as time of the script. A canceled context ends
// the request at once.
func TestSlowBodiesAreNotTheScriptsFault(t *testing.T) {
	s := newServer(t, nil)
	release := make(chan struct{})
	s.respond = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-release
		fmt.Fprint(w, `{"late": true}`)
	}
	api := client(t, apiKey(), `function after_action() { method_response.seen = method_response.late }`, script.Options{TimeLimit: time.Second})
	time.AfterFunc(1500*time.Millisecond, func() { close(release) })
	resp, err := api.Get(s.URL)
	_, body := read(t, resp, err)
	assert.JSONEq(t, `{"late": true, "seen": true}`, body)

	// A panic in a body's Read must not keep the slot of the script.
	failing := client(t, apiKey(), `function before_action() { method_request.a = 1 }`, script.Options{})
	for range 20 {
		_, err = failing.Post(s.URL, "application/json", panicking{})
		require.ErrorContains(t, err, "panic of type string")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = api.Do(must(http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)))
	require.ErrorIs(t, err, context.Canceled)
}
