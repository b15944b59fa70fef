package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw sends bytes to the Server, and returns the statuses of all responses.
func (w *world) raw(text string) (statuses []int) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL(), "http://"))
	require.NoError(w.t, err)
	defer conn.Close()
	require.NoError(w.t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, text)
	require.NoError(w.t, err)
	for responses := bufio.NewReader(conn); ; {
		resp, err := http.ReadResponse(responses, nil)
		if err != nil {
			return statuses
		}
		_, err = io.Copy(io.Discard, resp.Body)
		assert.NoError(w.t, err)
		resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			return statuses
		}
	}
}

func TestAttacks(t *testing.T) {
	w := newWorld(t)
	host := strings.TrimPrefix(w.URL(), "http://")
	_, port, err := net.SplitHostPort(host)
	require.NoError(t, err)
	type change = func(*http.Request)
	set := func(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }
	without := func(changes ...change) change {
		return func(r *http.Request) {
			r.Header.Del("Authorization")
			for _, f := range changes {
				f(r)
			}
		}
	}
	named := func(name string) change { return func(r *http.Request) { r.Host = name } }
	token := string(w.Token())
	for name, test := range map[string]struct {
		change change
		status int
		code   string
	}{
		"host of a site":               {named("evil.example"), 421, "wrong_host"},
		"host of a site, right port":   {named("evil.example:" + port), 421, "wrong_host"},
		"name below localhost":         {named("evil.localhost:" + port), 421, "wrong_host"},
		"no port":                      {named("127.0.0.1"), 421, "wrong_host"},
		"another port":                 {named("127.0.0.1:1"), 421, "wrong_host"},
		"another loopback address":     {named("127.0.0.2:" + port), 421, "wrong_host"},
		"a dot at the end":             {named("localhost.:" + port), 421, "wrong_host"},
		"another spelling":             {named("2130706433:" + port), 421, "wrong_host"},
		"no token":                     {without(), 401, "token_missing"},
		"wrong token":                  {set("Authorization", "Bearer "+token[1:]+"A"), 401, "token_wrong"},
		"part of the token":            {set("Authorization", "Bearer "+token[:42]), 401, "token_wrong"},
		"longer token":                 {set("Authorization", "Bearer "+token+"A"), 401, "token_wrong"},
		"empty token":                  {set("Authorization", "Bearer "), 401, "token_wrong"},
		"another scheme":               {set("Authorization", "Basic "+token), 401, "token_wrong"},
		"token twice":                  {func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+token) }, 401, "token_wrong"},
		"wrong own header":             {set("X-Connectorauth-Token", "x"), 401, "token_wrong"},
		"own header twice":             {without(func(r *http.Request) { r.Header["X-Connectorauth-Token"] = []string{token, token} }), 401, "token_wrong"},
		"empty own header":             {without(set("X-Connectorauth-Token", "")), 401, "token_wrong"},
		"token in the query":           {without(func(r *http.Request) { r.URL.RawQuery = "token=" + token }), 401, "token_missing"},
		"token in the query, too":      {func(r *http.Request) { r.URL.RawQuery = "token=" + token }, 400, "token_misplaced"},
		"token in the path, too":       {func(r *http.Request) { r.URL.Path += token }, 400, "token_misplaced"},
		"token in a cookie":            {without(set("Cookie", "connectorauth_"+port+"="+token)), 401, "token_missing"},
		"token in another header, too": {set("X-Debug", "token "+token), 400, "token_misplaced"},
		"token for a proxy":            {without(set("Proxy-Authorization", "Bearer "+token)), 401, "token_missing"},
		"origin":                       {set("Origin", "https://evil.example"), 403, "browser"},
		"own origin":                   {set("Origin", w.URL()), 403, "browser"},
		"origin null":                  {set("Origin", "null"), 403, "browser"},
		"empty origin":                 {set("Origin", ""), 403, "browser"},
		"page of another site":         {set("Sec-Fetch-Site", "cross-site"), 403, "browser"},
		"page of this site":            {set("Sec-Fetch-Site", "same-origin"), 403, "browser"},
		"typed in a browser":           {set("Sec-Fetch-Site", "none"), 403, "browser"},
		"preflight": {without(func(r *http.Request) {
			r.Method = "OPTIONS"
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Access-Control-Request-Method", "GET")
		}), 403, "browser"},
		"reflected request": {func(r *http.Request) { r.Method = "TRACE" }, 405, "method_not_allowed"},
	} {
		r := w.request("GET", "/echo/x", nil)
		test.change(r)
		f := w.refused(r, test.status)
		assert.Equal(t, test.code, f.Code, name)
		assert.NotContains(t, f.Message, "evil", name)
	}
	assert.Empty(t, w.seen.String(), "nothing was passed on")
	for _, good := range []string{"localhost:" + port, "LocalHost:" + port, "[::1]:" + port, "127.0.0.1:" + port} {
		r := w.request("GET", "/echo/x", nil)
		r.Host = good
		resp, body := w.send(r)
		assert.Equal(t, 200, resp.StatusCode, "%s: %s", good, body)
	}
}

func TestPathsAreSentAsWritten(t *testing.T) {
	w := newWorld(t)
	for sent, want := range map[string]string{ // empty: refused
		"/echo":                            "/v1",
		"/echo?":                           "/v1?",
		"/echo/":                           "/v1/",
		"/echo/a%2Fb/%7bc%7D?q=a+b%20;c&d": "/v1/a%2Fb/%7bc%7D?q=a+b%20;c&d",
		"/echo/a%2Fb/{c}":                  "/v1/a%2Fb/%7Bc%7D",
		"/echo//evil.example/x":            "/v1//evil.example/x",
		"/echo/@evil.example":              "/v1/@evil.example",
		"/echo/http://evil.example/":       "/v1/http://evil.example/",
		"/echo/a/./b":                      "/v1/a/./b",
		"/echo/...":                        "/v1/...",
		"/echo/a..b":                       "/v1/a..b",
		"/echo/%252e%252e/x":               "/v1/%252e%252e/x",
		"/echo?/../x":                      "/v1?/../x",
		"http://evil.example/echo/x":       "", // the host is that of the URL
		w.URL() + "/echo/a?b":              "/v1/a?b",
		"/echo/../x":                       "",
		"/echo/..":                         "",
		"/echo/a/../../x":                  "",
		"/echo/%2e%2E/x":                   "",
		"/echo/.%2e":                       "",
		"/echo/a%2f..%2f..%2fx":            "",
		"/echo/..%5cx":                     "",
		"/echo/..;x/y":                     "",
		"/echo/\\..\\x":                    "",
		"/echo/%zz":                        "",
		"//evil.example/x":                 "",
		"/;upload/x":                       "",
		"/%2e%2e/echo/x":                   "",
		"/echo%2F..%2Fx/y":                 "",
		"*":                                "",
	} {
		before := w.seen.String()
		statuses := w.raw(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n",
			sent, strings.TrimPrefix(w.URL(), "http://"), string(w.Token())))
		require.Len(t, statuses, 1, sent)
		now := strings.TrimPrefix(w.seen.String(), before)
		if want == "" {
			assert.Contains(t, []int{400, 404, 421}, statuses[0], sent)
			assert.Empty(t, now, sent)
			continue
		}
		assert.Equal(t, 200, statuses[0], sent)
		line, _, _ := strings.Cut(now, "\n")
		assert.Equal(t, "GET "+want, line, sent)
	}
}

func TestSmuggledRequestsAreNoRequests(t *testing.T) {
	w := newWorld(t)
	w.echo = func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w.seen, "body %q\n", body)
	}
	head := "POST /echo/a HTTP/1.1\r\nHost: " + strings.TrimPrefix(w.URL(), "http://") + "\r\nAuthorization: Bearer " + string(w.Token()) + "\r\n"
	smuggled := "GET /echo/admin HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, text := range map[string]string{
		"both lengths":       head + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		"two lengths":        head + "Content-Length: 3\r\nContent-Length: 40\r\n\r\n" + smuggled,
		"list of lengths":    head + "Content-Length: 3, 40\r\n\r\n" + smuggled,
		"signed length":      head + "Content-Length: +3\r\n\r\n" + smuggled,
		"unknown encoding":   head + "Transfer-Encoding: xchunked\r\n\r\n" + smuggled,
		"encoding twice":     head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + smuggled,
		"space before colon": head + "Transfer-Encoding : chunked\r\n\r\n" + smuggled,
		"folded header":      head + "X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n",
		"bare line feed":     head + "X-A: b\nContent-Length: 0\r\n\r\n",
		"line in the path":   strings.Replace(head, "/echo/a", "/echo/a%0d%0aX-Evil:1", 1) + "Content-Length: 0\r\n\r\n",
		"chunk of no size":   head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + smuggled,
		"credential dropped": head + "Connection: close, X-Key, Authorization\r\nContent-Length: 1\r\n\r\na",
	} {
		before := w.seen.String()
		statuses := w.raw(text)
		now := strings.TrimPrefix(w.seen.String(), before)
		assert.LessOrEqual(t, len(statuses), 2, name)
		assert.NotContains(t, now, "admin", name)
		assert.NotContains(t, now, "X-Evil: 1", name)
		assert.LessOrEqual(t, strings.Count(now, " /v1/"), 1, "%s: %s", name, now)
		if name == "credential dropped" {
			assert.Equal(t, []int{200}, statuses)
		}
	}
}

func TestWhatIsOfNoBusinessOfTheService(t *testing.T) {
	w := newWorld(t)
	r := w.request("GET", "/echo/x", nil)
	for name, value := range map[string]string{
		"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "a", "X-Forwarded-Proto": "a", "Forwarded": "for=10.0.0.1",
		"Proxy-Authorization": "Basic cHJveHk=", "Keep-Alive": "1", "Cookie": "dev=1", "X-Own": "kept", "User-Agent": "mine/1", "X-Key": "mine",
	} {
		r.Header.Set(name, value)
	}
	resp, body := w.send(r)
	assert.Equal(t, 200, resp.StatusCode, body)
	seen := w.seen.String()
	for _, name := range []string{"Forwarded", "127.0.0.1", "cHJveHk", "Keep-Alive", "dev=1", "X-Key: mine", "Authorization"} {
		assert.NotContains(t, seen, name)
	}
	for _, header := range []string{"X-Own: kept", "User-Agent: mine/1", "Accept-Encoding: identity", "X-Key: " + key} {
		assert.Contains(t, seen, header+"\r\n")
	}
	r = w.request("GET", "/echo/x", nil)
	r.Header.Set("User-Agent", "")
	w.send(r)
	assert.NotContains(t, w.seen.String(), "Go-http-client")
}

func TestWhatIsOfNoBusinessOfThePrograms(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, _ *http.Request) {
		h := rw.Header()
		h.Add("Set-Cookie", "sid=1; Path=/")
		h.Add("Set-Cookie", "connectorauth_"+mustPort(w)+"=x; Path=/-/")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Alt-Svc", `h3=":443"`)
		h.Set("Connectorauth-Error", "reauth_required")
		h.Set("X-Own", "kept")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "1")
		h.Set("Link", "</next>; rel=preload")
		rw.WriteHeader(http.StatusEarlyHints)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL(), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	r := w.request("GET", "/echo/x", nil)
	r.Close = true
	require.NoError(t, r.Write(conn))
	text, err := io.ReadAll(conn)
	require.NoError(t, err)
	for _, name := range []string{"Set-Cookie", "Access-Control", "Alt-Svc", "Connectorauth-Error", "X-Hop"} {
		assert.NotContains(t, string(text), name)
	}
	assert.Contains(t, string(text), "X-Own: kept")
	assert.Contains(t, string(text), "HTTP/1.1 103 Early Hints\r\n")
}

func mustPort(w *world) string {
	u, err := url.Parse(w.URL())
	require.NoError(w.t, err)
	return u.Port()
}

func TestRedirects(t *testing.T) {
	w := newWorld(t)
	location, self := "", "" // self is the URL of the service, which the service tells
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		self = "http://" + r.Host
		rw.Header().Set("Location", strings.NewReplacer("SELF", self, "HOST", r.Host).Replace(location))
		rw.WriteHeader(http.StatusFound)
	}
	for to, want := range map[string]string{
		"SELF/v1/c?d=%2F#e":      "/echo/c?d=%2F#e",
		"/v1/c%2Fd":              "/echo/c%2Fd",
		"c":                      "/echo/a/c",
		"?page=2":                "/echo/a/b?page=2",
		"/v1":                    "/echo",
		"/login":                 "SELF/login",
		"/v1x":                   "SELF/v1x",
		"/v1/..%2Fx":             "SELF/v1/..%2Fx",
		"//other.example/v1/c":   "http://other.example/v1/c",
		"https://other.example/": "https://other.example/",
		"https://127.0.0.1/v1/c": "https://127.0.0.1/v1/c",
		"http://u@HOST/v1/c":     "http://u@HOST/v1/c",
		"mailto:a@b.example":     "mailto:a@b.example",
		"http://[":               "http://[",
	} {
		location = to
		resp, _ := w.send(w.request("GET", "/echo/a/b", nil))
		assert.Equal(t, http.StatusFound, resp.StatusCode)
		want = strings.NewReplacer("SELF", self, "HOST", strings.TrimPrefix(self, "http://")).Replace(want)
		assert.Equal(t, want, resp.Header.Get("Location"), to)
	}
}
