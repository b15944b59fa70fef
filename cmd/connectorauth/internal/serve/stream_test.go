package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEventsArriveOneByOne(t *testing.T) {
	w := newWorld(t)
	next := make(chan struct{})
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", r.URL.Query().Get("type"))
		if length := r.URL.Query().Get("length"); length != "" {
			rw.Header().Set("Content-Length", length)
		}
		for i := range 3 {
			fmt.Fprintf(rw, "data: %d\n\n", i)
			http.NewResponseController(rw).Flush()
			<-next
		}
	}
	for _, query := range []string{"type=text/event-stream", "type=text/plain", "type=text/plain&length=27"} {
		resp, err := transport.RoundTrip(w.request("GET", "/echo/events?"+query, nil))
		require.NoError(t, err)
		lines := bufio.NewReader(resp.Body)
		for i := range 3 {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("data: %d\n", i), line)
			_, err = lines.ReadString('\n')
			require.NoError(t, err)
			next <- struct{}{} // the service goes on once the program has the event
		}
		_, err = lines.ReadByte()
		assert.ErrorIs(t, err, io.EOF)
		assert.NoError(t, resp.Body.Close())
	}
}

// A program and a service may talk to each other on one request.
func TestBothDirectionsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(rw)
		assert.NoError(t, c.EnableFullDuplex())
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			io.WriteString(rw, "got "+line)
			c.Flush()
		}
	}
	body, program := io.Pipe()
	go fmt.Fprintln(program, "first")
	resp, err := transport.RoundTrip(w.request("POST", "/echo/talk", body))
	require.NoError(t, err)
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for _, line := range []string{"first\n", "second\n", "third\n"} {
		if line != "first\n" {
			go io.WriteString(program, line)
		}
		got, err := lines.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "got "+line, got)
	}
	require.NoError(t, program.Close())
	_, err = lines.ReadByte()
	assert.ErrorIs(t, err, io.EOF)
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestLargeBodies(t *testing.T) {
	const size = 64 << 20
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		assert.NoError(t, err)
		rw.Header().Set("X-Length", fmt.Sprint(n))
		if r.Method == "PUT" {
			assert.EqualValues(t, size, r.ContentLength)
		}
		io.CopyN(rw, zeros{}, size)
	}
	for _, method := range []string{"PUT", "POST"} { // with a length, and without
		r := w.request(method, "/echo/file", io.LimitReader(zeros{}, size))
		if method == "PUT" {
			r.ContentLength = size
		}
		resp, err := transport.RoundTrip(r)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint(size), resp.Header.Get("X-Length"))
		n, err := io.Copy(io.Discard, resp.Body)
		assert.NoError(t, err)
		assert.EqualValues(t, size, n)
		assert.NoError(t, resp.Body.Close())
	}
}

// A program that waits for 100 Continue hears first what the service says.
func TestContinue(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/no" {
			rw.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		fmt.Fprintf(rw, "%d bytes", len(body))
	}
	for path, want := range map[string][]string{"yes": {"HTTP/1.1 100 Continue\r\n", "HTTP/1.1 200 OK\r\n"}, "no": {"HTTP/1.1 413 Request Entity Too Large\r\n"}} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL(), "http://"))
		require.NoError(t, err)
		defer conn.Close()
		fmt.Fprintf(conn, "POST /echo/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
			path, strings.TrimPrefix(w.URL(), "http://"), string(w.Token()))
		lines := bufio.NewReader(conn)
		for i, line := range want {
			got, err := lines.ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, line, got)
			if i < len(want)-1 {
				_, err = lines.ReadString('\n')
				require.NoError(t, err)
				_, err = io.WriteString(conn, "hello")
				require.NoError(t, err)
			}
		}
	}
}

func TestTrailers(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Trailer", "X-Sum")
		io.Copy(rw, r.Body)
		rw.Header().Set("X-Sum", "got "+r.Trailer.Get("X-Sum"))
		rw.Header().Set(http.TrailerPrefix+"X-Late", "1")
	}
	r := w.request("POST", "/echo/x", io.MultiReader(strings.NewReader("abc")))
	r.Trailer = http.Header{"X-Sum": {"900150983cd24fb0"}}
	resp, body := w.send(r)
	assert.Equal(t, "abc", body)
	assert.Equal(t, http.Header{"X-Sum": {"got 900150983cd24fb0"}, "X-Late": {"1"}}, resp.Trailer)
}

func TestALeftCallIsEnded(t *testing.T) {
	w := newWorld(t)
	arrived, gone := make(chan struct{}), make(chan struct{})
	w.echo = func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-arrived
		leave()
	}()
	_, err := transport.RoundTrip(w.request("GET", "/echo/x", nil).WithContext(ctx))
	assert.ErrorIs(t, err, context.Canceled)
	<-gone
}

func TestABrokenResponseIsBroken(t *testing.T) {
	w := newWorld(t)
	w.echo = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "100")
		io.WriteString(rw, "half")
		http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	}
	resp, err := transport.RoundTrip(w.request("GET", "/echo/x", nil))
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	assert.Error(t, err, "a program must not take the half for the whole")
}

func TestWebSocket(t *testing.T) {
	w := newWorld(t)
	ended := make(chan error, 1)
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(rw, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}})
		if !assert.NoError(t, err) {
			return
		}
		defer conn.CloseNow()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil {
				ended <- err
				return
			}
			assert.NoError(t, conn.Write(r.Context(), kind, append([]byte("got "), message...)))
		}
	}
	dial := func() *websocket.Conn {
		conn, resp, err := websocket.Dial(t.Context(), strings.Replace(w.URL(), "http", "ws", 1)+"/echo/socket?room=1", &websocket.DialOptions{
			HTTPHeader: http.Header{"Authorization": {"Bearer " + string(w.Token())}}, Subprotocols: []string{"chat"},
		})
		require.NoError(t, err)
		assert.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
		assert.Equal(t, "chat", conn.Subprotocol())
		return conn
	}
	conn := dial()
	for _, text := range []string{"one", "two", strings.Repeat("x", 30<<10)} {
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(text)))
		_, got, err := conn.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "got "+text, string(got))
	}
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, "bye"))
	assert.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(<-ended))
	assert.Contains(t, w.seen.String(), "GET /v1/socket?room=1\n")

	conn = dial() // and the end of the Server ends the other
	defer conn.CloseNow()
	require.NoError(t, w.stop())
	_, _, err := conn.Read(t.Context())
	assert.Error(t, err)
	assert.Error(t, <-ended)
}

func TestWebSocketNeedsTheToken(t *testing.T) {
	w := newWorld(t)
	for status, header := range map[int]http.Header{
		http.StatusUnauthorized: {},
		http.StatusForbidden:    {"Authorization": {"Bearer " + string(w.Token())}, "Origin": {"https://evil.example"}},
	} {
		_, resp, err := websocket.Dial(t.Context(), strings.Replace(w.URL(), "http", "ws", 1)+"/echo/socket", &websocket.DialOptions{HTTPHeader: header})
		require.Error(t, err)
		assert.Equal(t, status, resp.StatusCode)
	}
	assert.Empty(t, w.seen.String())
}
