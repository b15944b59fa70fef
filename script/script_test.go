package script_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestBearerSnippetRunsAsWritten(t *testing.T) {
	s := newServer(t, nil)
	source := `function before_action() { method_request_headers.Authorization = 'Bearer ' + method_auth_value; return true; }`
	resp, err := client(t, apiKey(), source, script.Options{}).Get(s.URL)
	read(t, resp, err)
	assert.Equal(t, "Bearer "+key, s.last(t).Header.Get("Authorization"))
}

func TestAuthValue(t *testing.T) {
	provider := authtest.NewProvider(t)
	tokens := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: provider.ClientID, ClientSecret: connectorauth.Secret(provider.ClientSecret),
		TokenURL: provider.TokenURL, Grant: connectorauth.ClientCredentials{},
	}))
	for _, c := range []struct {
		connectorauth.Connector
		want string
	}{
		{apiKey(), key},
		{must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "Aladdin", Password: "open sesame"})), "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{tokens, must(tokens.Token(t.Context())).AccessToken},
		{connectorauth.None{}, ""},
	} {
		s := newServer(t, nil)
		resp, err := client(t, c.Connector, `function before_action() { method_request_headers['X-Seen'] = '<' + method_auth_value + '>' }`, script.Options{}).Get(s.URL)
		read(t, resp, err)
		assert.Equal(t, "<"+c.want+">", s.last(t).Header.Get("X-Seen"), c.AuthType())
	}
}

func TestHeaders(t *testing.T) {
	for source, want := range map[string]string{
		`delete method_request_headers['X-Key']`:       "",
		`method_request_headers['x-KEY'] = 'mine'`:     "mine",
		`method_request_headers['X-Key'] += '!'`:       key + "!",
		`method_request_headers['X-Key'] = null`:       "",
		`method_request_headers['X-Key'] = 7`:          "7",
		`method_request_headers['X-Key'] = ['a', 'b']`: "a,b",
		`method_request_headers = {'x-key': 'only'}`:   "only",
		`Object.defineProperty(method_request_headers, 'X-Key', {get: function(){ return 'got' }, enumerable: true})`: "got",
	} {
		got := post(t, "function before_action() { "+source+" }", "text/plain", "body")
		assert.Equal(t, want, strings.Join(got.Header["X-Key"], ","), source)
		assert.Equal(t, "body", got.body)
	}
}

func TestInvalidHeadersAreRefused(t *testing.T) {
	s := newServer(t, nil)
	for _, source := range []string{
		`method_request_headers['X-Key'] = 'a\r\nX-Evil: 1'`, `method_request_headers['X-Key'] = 'a\n'`, `method_request_headers['X-Key'] = '\u0000'`,
		`method_request_headers['X-Evil: 1\r\nX'] = '1'`, `method_request_headers[''] = '1'`, `method_request_headers['a b'] = '1'`,
		`method_request_headers['X-Key'] = {}`, `method_request_headers['X-Key'] = [['a']]`, `method_request_headers = 5`,
		`method_request_headers['content-length'] = '5'`, `method_request_headers['Transfer-Encoding'] = 'chunked'`, `method_request_headers.host = 'evil.example'`,
		`method_request_headers['X-Key'] = new Array(70000).join('x')`,
		`method_endpoint = 'http://user@' + method_endpoint.slice(7)`, `method_endpoint = 'file:///etc/passwd'`, `method_endpoint = '/a\nb'`,
		`http_method = 'GET / HTTP/1.1\r\nX: 1'`, `http_method = ''`, `http_method = 'CONNECT'`,
	} {
		_, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Get(s.URL)
		var failed *script.Error
		if assert.ErrorAs(t, err, &failed, source) {
			assert.Equal(t, "before_action", failed.Event)
			assert.NotContains(t, err.Error(), "\n")
		}
	}
	assert.Empty(t, s.seen, "nothing was sent")
}

func TestRequest(t *testing.T) {
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	for _, test := range []struct{ source, contentType, body, want string }{
		{`method_request.token = method_auth_value`, jsonType, `{"b": 1, "a": [2]}`, `{"b": 1, "a": [2],"token":"` + key + `"}`},
		{`var x = method_request.a`, jsonType, `{ "a": 12345678901234567890 }`, `{ "a": 12345678901234567890 }`},
		{`method_request = {envelope: method_request}`, jsonType, `[1]`, `{"envelope":[1]}`},
		{`method_request.c = 'x&y'; delete method_request.a`, formType, `b=1&a=2&b=3`, `b=1&b=3&c=x%26y`},
		{`method_request.c = 1`, formType, ``, `c=1`},
		{`method_request = method_request.toUpperCase()`, "text/plain", `hé`, `HÉ`},
		{`method_request = method_request.replace('<a/>', '<b/>')`, "application/xml", `<r><a/></r>`, `<r><b/></r>`},
		{`method_request = {typed: typeof method_request}`, "image/png", "\xff\x00", `{"typed":"undefined"}`},
		{`typeof method_request`, "image/png", "\xff\x00", "\xff\x00"},
		{`method_request = null`, jsonType, `{}`, ``},
		{`method_request = 'unread'`, jsonType, `{}`, `unread`},
		{`method_request.a = 1`, jsonType, ``, `{"a":1}`},
		{`method_request.a = Array.from(new Set(method_request.a)).concat([4]).map(function(n) { return n * 2 })`, jsonType, `{"a": [1, 1, 3]}`, `{"a": [2, 6, 8]}`},
	} {
		got := post(t, "function before_action() { "+test.source+" }", test.contentType, test.body)
		assert.Equal(t, test.want, got.body, test.source)
		assert.EqualValues(t, len(test.want), got.ContentLength)
		assert.Equal(t, test.contentType, got.Header.Get("Content-Type"))
	}
}

func TestEndpointAndMethod(t *testing.T) {
	got := post(t, `function before_action() {
		if (http_method !== 'POST') throw 'method is ' + http_method;
		http_method = 'PUT';
		method_endpoint = method_endpoint.replace('/items', '/things') + '&b=' + url_encode('x y');
	}`, "text/plain", "body")
	assert.Equal(t, "PUT", got.Method)
	assert.Equal(t, "/things?a=1&b=x%20y", got.URL.RequestURI())

	// A script cannot send credentials to another host.
	s, other := newServer(t, nil), newServer(t, nil)
	_, err := client(t, apiKey(), `function before_action() { method_endpoint = '`+other.URL+`' }`, script.Options{}).Get(s.URL)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Empty(t, other.seen)
}

func TestScriptDoesNotFollowARedirect(t *testing.T) {
	other := newServer(t, nil)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	resp, err := client(t, apiKey(), `function before_action() { method_request_headers['X-Extra'] = method_auth_value }`, script.Options{}).Get(s.URL)
	read(t, resp, err)
	assert.Equal(t, key, s.last(t).Header.Get("X-Extra"))
	assert.Empty(t, other.last(t).Header.Get("X-Extra"))
}

func TestResponse(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Rate", "7")
		io.WriteString(w, `{"data": {"id": 1}}`)
	})
	resp, err := client(t, apiKey(), `
		function before_action() { action_data.began = method_auth_value.length }
		function after_action() {
			method_response_headers['x-rate'] = method_response_headers['X-Rate'] + '/' + action_data.began;
			method_response = method_response.data;
			method_response.url = method_endpoint;
		}`, script.Options{}).Get(s.URL)
	_, body := read(t, resp, err)
	assert.JSONEq(t, `{"id": 1, "url": "`+s.URL+`"}`, body)
	assert.EqualValues(t, len(body), resp.ContentLength)
	assert.Equal(t, fmt.Sprint("7/", len(key)), resp.Header.Get("X-Rate"))
}

func TestAfterError(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"reason": "short and stout"}`)
	})
	_, err := client(t, apiKey(), `
		function after_action() { throw 'not this one' }
		function after_error() { throw method_error.statusCode + ' ' + method_error.error.reason }`, script.Options{}).Get(s.URL)
	assert.ErrorContains(t, err, "script: after_error: line 3, column 28: 418 short and stout")

	resp, err := client(t, apiKey(), `function after_action() { throw 'not this one' }`, script.Options{}).Get(s.URL)
	status, _ := read(t, resp, err)
	assert.Equal(t, http.StatusTeapot, status)
}

func TestParameters(t *testing.T) {
	s := newServer(t, nil)
	c := client(t, apiKey(), `function before_action() {
		method_request_headers['X-Seen'] = script_parameters.tenant + script_parameters.secret + script_parameters.list[1].n;
		script_parameters.tenant = 'changed';
	}`, script.Options{Parameters: map[string]any{"tenant": "t1", "secret": connectorauth.Secret("hush"), "list": []any{1, map[string]any{"n": 2.5}}}})
	for range 2 {
		resp, err := c.Get(s.URL)
		read(t, resp, err)
		assert.Equal(t, "t1hush2.5", s.last(t).Header.Get("X-Seen"))
	}
	_, err := script.Wrap(apiKey(), must(script.Compile("")), script.Options{Parameters: map[string]any{"f": func() {}}})
	assert.ErrorContains(t, err, `script: Options: Parameters: "f": a value of type func()`)
}

func TestAbortAndThrow(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`return false`:                                 "script: before_action: returned false",
		`throw 'plain'`:                                "script: before_action: line 1, column 28: plain",
		`throw new Error('an error')`:                  "column 38: Error: an error",
		`throw {message: 'an object'}`:                 "an object",
		`nothing.here`:                                 "ReferenceError: nothing is not defined",
		`throw new AuthSessionException('no session')`: "AuthSessionException: no session",
		`throw new AuthRefreshException()`:             "AuthRefreshException",
		`return Promise.resolve(false)`:                "returned false",
		`return new Promise(function(){})`:             "waits for a promise",
		`return Promise.reject('later')`:               "later",
	} {
		_, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Get(s.URL)
		assert.ErrorContains(t, err, want, source)
		assert.Equal(t, strings.Contains(want, "returned false"), errors.Is(err, script.ErrAborted), source)
		assert.Equal(t, strings.Contains(source, "Session"), errors.Is(err, script.ErrSession), source)
	}
	assert.Empty(t, s.seen)
	for _, source := range []string{`const before_action = async () => { method_request_headers.A = await 'b' }`, `var before_action = function() { method_request_headers.A = 'b' }`} {
		resp, err := client(t, apiKey(), source, script.Options{}).Get(s.URL)
		read(t, resp, err)
		assert.Equal(t, "b", s.last(t).Header.Get("A"))
	}
}

func TestCompileErrors(t *testing.T) {
	for source, want := range map[string]string{
		"function f() {\n  return (;\n}": "script: line 2, column 11: SyntaxError: unexpected token",
		"\nbreak":                        "script: line 2, column 6: ",
		strings.Repeat(" ", 70_000):      "script: the source is longer than",
		"let a; let a":                   "script: ",
	} {
		_, err := script.Compile(source)
		var failed *script.Error
		if assert.ErrorAs(t, err, &failed, want) {
			assert.ErrorContains(t, err, want)
		}
	}
	_, err := script.Compile("//# sourceMappingURL=file:///etc/passwd\nfunction before_action() {}")
	assert.NoError(t, err)
	_, err = script.Compile(strings.Repeat("[", 60_000))
	assert.Error(t, err)
}

func TestOAuth2Events(t *testing.T) {
	p := authtest.NewProvider(t)
	c, api := tokenClient(t, p, `
		function before_oauth2_authorise() { method_endpoint += '&audience=' + url_encode('https://api/') }
		function before_oauth2_token() { method_request.audience = 'a ' + method_request.grant_type; method_request_headers['X-Step'] = 'token' }
		function after_oauth2_token() { method_response.tenant = 't1' }
		function before_oauth2_refresh() { method_request_headers['X-Step'] = 'refresh'; method_endpoint += '?again=1' }
		function after_oauth2_refresh() { method_response.scope = 'from the script' }`)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	assert.Equal(t, "https://api/", must(url.Parse(authURL)).Query().Get("audience"))
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
	sent := p.Requests(p.TokenURL)[0]
	assert.Equal(t, "token", sent.Header.Get("X-Step"))
	assert.Equal(t, "a authorization_code", must(url.ParseQuery(string(sent.Body))).Get("audience"))
	assert.Equal(t, "t1", must(c.Token(t.Context())).Extra("tenant"))

	p.RevokeAccessTokens()
	resp, err := api.Get(p.BearerURL)
	status, _ := read(t, resp, err)
	assert.Equal(t, http.StatusOK, status)
	sent = p.Requests(p.TokenURL)[1]
	assert.Equal(t, "refresh", sent.Header.Get("X-Step"))
	assert.Equal(t, "again=1", sent.URL.RawQuery)
	token := must(c.Token(t.Context()))
	assert.Equal(t, "from the script", token.Extra("scope"))
}

func TestAuthRefreshExceptionRenewsAndReplaysOnce(t *testing.T) {
	p := authtest.NewProvider(t)
	stale, refresh := p.IssueTokens("")
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+stale {
			io.WriteString(w, `{"error": "session_expired"}`)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"ok": "yes"})
	})
	c, api := tokenClient(t, p, `function after_action() {
		if (method_response.error === 'session_expired') throw new AuthRefreshException('expired');
	}`)
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: stale, RefreshToken: refresh}))
	resp, err := api.Post(s.URL, "text/plain", strings.NewReader("body"))
	_, body := read(t, resp, err)
	assert.JSONEq(t, `{"ok": "yes"}`, body)
	assert.Len(t, s.seen, 2)
	assert.Equal(t, "body", s.seen[1].body)

	// A renewal that does not help is not repeated, and the error names the exception.
	s.respond = func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"error": "session_expired"}`) }
	for range 3 {
		_, err = api.Get(s.URL)
		require.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
		require.ErrorContains(t, err, "script: after_action: line 2, column 62: AuthRefreshException: expired")
	}
	assert.Equal(t, 2, p.Stats().TokenRequests)
}
