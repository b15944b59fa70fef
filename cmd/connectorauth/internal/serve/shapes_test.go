package serve_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dialogue sends bytes, with HOST and TOKEN replaced, and returns all bytes of the response.
func (w *world) dialogue(text string) string {
	host := strings.TrimPrefix(w.URL(), "http://")
	conn, err := net.Dial("tcp", host)
	require.NoError(w.t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, strings.NewReplacer("HOST", host, "TOKEN", string(w.Token())).Replace(text))
	require.NoError(w.t, err)
	response, err := io.ReadAll(conn)
	require.NoError(w.t, err)
	return string(response)
}

func TestRequestsThatAreForNoService(t *testing.T) {
	w := newWorld(t)
	for name, row := range map[string]struct{ line, header, status string }{
		"about the server":                  {"OPTIONS *", "Authorization: Bearer TOKEN", "400"},
		"about the server, without a token": {"OPTIONS *", "X-A: 1", "401"},
		"about the server, of a browser":    {"OPTIONS *", "Origin: https://evil.example", "403"},
		"a tunnel":                          {"CONNECT api.example:443", "Authorization: Bearer TOKEN", "421"},
		"a tunnel to this server":           {"CONNECT HOST", "Authorization: Bearer TOKEN", "405"},
		"a tunnel to a path":                {"CONNECT /echo/x", "Authorization: Bearer TOKEN", "405"},
		"as to a proxy":                     {"GET http://api.example/echo/x", "Authorization: Bearer TOKEN", "421"},
		"as to a proxy, by TLS":             {"GET https://HOST/echo/x", "Authorization: Bearer TOKEN", "400"},
		"as to a proxy, this server":        {"GET http://HOST", "Authorization: Bearer TOKEN", "400"},
		"another scheme":                    {"GET file:///echo/x", "Authorization: Bearer TOKEN", "400"},
		"an empty segment":                  {"GET //echo/x", "Authorization: Bearer TOKEN", "400"},
		"a parent that is encoded":          {"GET /echo%2f..%2f-/x", "Authorization: Bearer TOKEN", "404"},
		"the pages by a detour":             {"GET /echo/../-/accounts/", "Authorization: Bearer TOKEN", "400"},
		"a very long path":                  {"GET /" + strings.Repeat("a", 100<<10), "Authorization: Bearer TOKEN", "404"},
		"a path without an end":             {"GET /" + strings.Repeat("a", 2<<20), "Authorization: Bearer TOKEN", "431"},
	} {
		if name == "a path without an end" {
			statuses := w.raw(row.line + " HTTP/1.1\r\n\r\n")
			assert.Equal(t, []int{431}, statuses)
			continue
		}
		response := w.dialogue(row.line + " HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n" + row.header + "\r\n\r\n")
		assert.True(t, strings.HasPrefix(response, "HTTP/1.1 "+row.status+" "), "%s: %.300s", name, response)
		assert.Less(t, len(response), 2000, name)
	}
	response := w.dialogue("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
	assert.True(t, strings.HasPrefix(response, "HTTP/1.1 421 "), response)
	assert.Empty(t, w.seen.String())
}

func TestTheTokenIsSeenInEverySpelling(t *testing.T) {
	w := newWorld(t)
	token := string(w.Token())
	encoded := fmt.Sprintf("%%%02x", token[0]) + token[1:]
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, change := range map[string]func(*http.Request){
		"encoded in the query": func(r *http.Request) { r.URL.RawQuery = "token=" + encoded },
		"encoded in the path":  func(r *http.Request) { r.URL.Opaque = "/echo/" + encoded },
		"a password":           func(r *http.Request) { r.Header.Set("Authorization", basic("me:"+token)) },
		"a user name":          func(r *http.Request) { r.Header.Set("Authorization", basic(token+":")) },
		"a trailer": func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("a")), -1
			r.Trailer = http.Header{"X-Connectorauth-Token": {token}}
		},
	} {
		r := w.request("POST", "/echo/x", nil)
		r.Header.Del("Authorization")
		r.Header.Set("X-Connectorauth-Token", token)
		change(r)
		assert.Equal(t, "token_misplaced", w.refused(r, http.StatusBadRequest).Code, name)
	}
	assert.Empty(t, w.seen.String())
	r := w.request("GET", "/echo/x", nil)
	r.Header.Del("Authorization")
	r.SetBasicAuth("me", token) // alone, as of a URL with a password
	assert.Equal(t, "token_wrong", w.refused(r, http.StatusUnauthorized).Code)
}

// A client of HTTP/2 may offer to go on in HTTP/2, as that of Java does with each request. No
// service in HTTP/2 takes the offer as a header (RFC 9113 section 8.2.2).
func TestAnOfferOfHTTP2IsForThisServer(t *testing.T) {
	w := newWorld(t)
	response := w.dialogue("GET /echo/x HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\nAuthorization: Bearer TOKEN\r\n\r\n")
	assert.True(t, strings.HasPrefix(response, "HTTP/1.1 200 "), response)
	for _, name := range []string{"Upgrade", "Http2-Settings", "Connection"} {
		assert.NotContains(t, w.seen.String(), name+":")
	}
}

// A client of HTTP/1.0 takes the first status for the last one (RFC 9110 section 15.2).
func TestAnOldClientGetsOneStatus(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Link", "</next>; rel=preload")
		rw.WriteHeader(http.StatusEarlyHints)
		io.WriteString(rw, "body")
	}
	response := w.dialogue("GET /echo/x HTTP/1.0\r\nHost: HOST\r\nAuthorization: Bearer TOKEN\r\n\r\n")
	assert.True(t, strings.HasPrefix(response, "HTTP/1.0 200 OK\r\n"), response)
	assert.True(t, strings.HasSuffix(response, "\r\n\r\nbody"), response)
}

func TestHeadersAreThoseOfTheService(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header()["Content-Type"] = nil // or net/http guesses
		if r.URL.Path == "/v1/early" {
			rw.WriteHeader(http.StatusEarlyHints)
		}
		rw.Header().Set("Content-Length", "15")
		io.WriteString(rw, "<html>\n</html>\n")
	}
	for _, path := range []string{"/echo/x", "/echo/early"} {
		resp, body := w.send(w.request("GET", path, nil))
		assert.Equal(t, "<html>\n</html>\n", body)
		assert.NotContains(t, resp.Header, "Content-Type", "a type that the service does not say")
	}
	resp, body := w.send(w.request("HEAD", "/echo/x", nil))
	assert.Empty(t, body)
	assert.EqualValues(t, 15, resp.ContentLength)
	assert.Equal(t, http.StatusNotFound, w.head("/nobody/x"))
}

// head returns the status of a request with HEAD.
func (w *world) head(path string) int {
	resp, body := w.send(w.request("HEAD", path, nil))
	assert.Empty(w.t, body)
	assert.NotEmpty(w.t, resp.Header.Get("Connectorauth-Error"))
	return resp.StatusCode
}

func TestTrailersHaveNothingThatHeadersMustNotHave(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Trailer", "Set-Cookie, X-Sum")
		io.WriteString(rw, "abc")
		rw.Header().Set("X-Sum", "1")
		rw.Header().Set("Set-Cookie", "sid=1")
		rw.Header().Set(http.TrailerPrefix+"Connectorauth-Error", "internal")
		rw.Header().Set(http.TrailerPrefix+"Access-Control-Allow-Origin", "*")
	}
	resp, body := w.send(w.request("GET", "/echo/x", nil))
	assert.Equal(t, "abc", body)
	assert.Equal(t, http.Header{"X-Sum": {"1"}}, resp.Trailer)
}

// A program that is killed while it sends must not look like one that has sent everything.
func TestAHalfOfABodyIsNoBody(t *testing.T) {
	w := newWorld(t)
	arrived, read := make(chan bool, 1), make(chan error, 1)
	w.echo = func(_ http.ResponseWriter, r *http.Request) {
		arrived <- true
		_, err := io.ReadAll(r.Body)
		read <- err
	}
	host := strings.TrimPrefix(w.URL(), "http://")
	for _, text := range []string{"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "Content-Length: 100000\r\n\r\n" + strings.Repeat("hello", 2000)} {
		conn, err := net.Dial("tcp", host)
		require.NoError(t, err)
		fmt.Fprintf(conn, "POST /echo/x HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s", host, string(w.Token()), text)
		<-arrived
		require.NoError(t, conn.Close())
		assert.Error(t, <-read)
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	taken, err := serve.Listen(t.Context(), 0, false)
	require.NoError(t, err)
	defer taken[0].Close()
	port := taken[0].Addr().(*net.TCPAddr).Port
	listeners, err := serve.Listen(t.Context(), port, true)
	assert.ErrorContains(t, err, fmt.Sprintf("port %d is taken", port))
	assert.Empty(t, listeners)
}

// A program may leave a process behind that has the same standard output.
func TestWhatAProgramLeavesBehindDoesNotHoldTheEnd(t *testing.T) {
	s := idle(t, 1)
	t.Setenv("CONNECTORAUTH_TEST_CHILD", "parent")
	output, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer output.Close()
	stdin, end, err := os.Pipe()
	require.NoError(t, err)
	defer stdin.Close()
	defer end.Close() // and with the pipe the process that is left behind
	for _, stdout := range []io.Writer{output, new(bytes.Buffer)} {
		code, err := s.Run(t.Context(), serve.Program{Args: []string{os.Args[0]}, Stdin: stdin, Stdout: stdout})
		require.NoError(t, err)
		assert.Equal(t, 4, code)
		s = idle(t, 1)
	}
}
