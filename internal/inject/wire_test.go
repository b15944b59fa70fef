package inject_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// An injector applies fields to a clone of each request, as the library's
// transport does.
type injector struct {
	fields *inject.Fields
	base   http.RoundTripper
}

func (i injector) RoundTrip(req *http.Request) (*http.Response, error) {
	clone := *req
	clone.Header = req.Header.Clone()
	if err := i.fields.Apply(&clone, inject.Room{}); err != nil {
		return nil, err
	}
	return i.base.RoundTrip(&clone)
}

// An arrival is what a server saw of a request.
type arrival struct {
	proto, path, body string
	length            int64
	trailer           http.Header
}

// newServer returns a server that redirects /moved to /new and sends what
// arrives there to the channel.
func newServer(t testing.TB, http2 bool) (*httptest.Server, <-chan arrival) {
	arrivals := make(chan arrival, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client gave up
		}
		arrivals <- arrival{r.Proto, r.URL.Path, string(body), r.ContentLength, r.Trailer}
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/new", http.StatusTemporaryRedirect)
		}
	}))
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, arrivals
}

func TestOnTheWire(t *testing.T) {
	want := map[string]string{
		"application/json":                  `{"a":1,"api_key":"k"}`,
		"application/x-www-form-urlencoded": "a=1&api_key=k",
		"application/xml":                   "<r><api_key>k</api_key>x</r>",
		"multipart/form-data; boundary=xx":  "--xx\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\nk\r\n" + bodies["multipart/form-data; boundary=xx"].good,
	}
	for _, http2 := range []bool{false, true} {
		server, arrivals := newServer(t, http2)
		client := server.Client()
		client.Transport = injector{newFields(t, []inject.Field{{Key: "api_key", Value: "k"}}, ""), client.Transport}
		send := func(t *testing.T, path, contentType string, body io.Reader, expect string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+path, body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", contentType)
			if expect != "" {
				req.Header.Set("Expect", expect)
			}
			resp, err := client.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
		}
		for contentType, content := range bodies {
			t.Run(contentType, func(t *testing.T) {
				// A 307 sends the caller's body again, and the fields once.
				send(t, "/moved", contentType, strings.NewReader(content.good), "")
				for _, path := range []string{"/moved", "/new"} {
					got := <-arrivals
					assert.Equal(t, arrival{got.proto, path, want[contentType], int64(len(want[contentType])), nil}, got)
					assert.Equal(t, http2, got.proto == "HTTP/2.0")
				}

				// Of unknown length, and waiting for 100 Continue.
				body := &countingBody{Reader: strings.NewReader(content.good)}
				send(t, "/new", contentType, body, "100-continue")
				got := <-arrivals
				assert.Equal(t, want[contentType], got.body)
				if strings.HasPrefix(contentType, "multipart") {
					assert.Equal(t, int64(-1), got.length)
				} else {
					assert.Equal(t, int64(len(want[contentType])), got.length)
				}
				assert.Eventually(t, func() bool { return body.closed.Load() == 1 }, time.Minute, time.Millisecond)
			})
		}
		t.Run("trailer", func(t *testing.T) {
			for contentType, content := range bodies {
				req := post(contentType, nil)
				req.URL.Host = server.Listener.Addr().String()
				req.Host, req.GetBody = "", nil
				req.Trailer = http.Header{"Checked": nil}
				req.Body, req.ContentLength = trailerBody{strings.NewReader(content.good), req}, -1
				resp, err := client.Do(req)
				require.NoError(t, err)
				resp.Body.Close()
				got := <-arrivals
				assert.Equal(t, want[contentType], got.body)
				assert.Equal(t, http.Header{"Checked": {"yes"}}, got.trailer)
			}
		})
		t.Run("refused part", func(t *testing.T) {
			body := multipartBody(part{"a", "", "1"}, part{"api_key", "", "evil"})
			resp, err := client.Post(server.URL+"/new", multipartType, strings.NewReader(body))
			if err == nil {
				resp.Body.Close()
			}
			assert.ErrorIs(t, err, inject.ErrNotInjectable)
			assert.Empty(t, arrivals, "the server cannot take the body for a whole one")
		})
	}
}

// An upload is a multipart body with one large file, and notes the largest
// heap while it is read.
type upload struct {
	io.Reader
	read int64
	peak uint64
}

func newUpload(size int64) (*upload, int64) {
	whole := multipartBody(part{"file", "large.txt", "SPLIT"})
	head, tail, _ := strings.Cut(whole, "SPLIT")
	lines := lineReader(bytes.Repeat([]byte("one line of the large file, neither short nor long\r\n"), 1300))
	return &upload{Reader: io.MultiReader(strings.NewReader(head), io.LimitReader(lines, size), strings.NewReader(tail))}, int64(len(head)+len(tail)) + size
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if u.read += int64(n); u.read>>24 != (u.read-int64(n))>>24 { // every 16 MiB
		u.peak = max(u.peak, heap())
	}
	return n, err
}

func (u *upload) Close() error { return nil }

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A lineReader gives its bytes for ever.
type lineReader []byte

func (r lineReader) Read(p []byte) (int, error) { return copy(p, r), nil }

func TestMultipartOf1GiBIsStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 1 GiB")
	}
	var length, received int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		received, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r.Body, make([]byte, 256<<10))
	}))
	defer server.Close()

	body, size := newUpload(1 << 30)
	req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", multipartType)
	req.ContentLength = size
	runtime.GC()
	before := heap()
	client := http.Client{Transport: injector{newFields(t, multipartFields, ""), http.DefaultTransport}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Greater(t, received, size)
	assert.Equal(t, length, received)
	grown := int64(body.peak) - int64(before)
	t.Logf("heap grew by %d kB", grown>>10)
	assert.Less(t, grown, int64(8<<20))
}

var errGone = errors.New("gone")

// TestCancelledUploadClosesTheBody stops a request in the middle of a body.
func TestCancelledUploadClosesTheBody(t *testing.T) {
	server, _ := newServer(t, false)
	client := server.Client()
	client.Transport = injector{newFields(t, multipartFields, ""), client.Transport}
	body := &countingBody{Reader: strings.NewReader(multipartBody(part{"a", "", "1"})), err: errGone}
	resp, err := client.Post(server.URL+"/new", multipartType, body)
	if err == nil {
		resp.Body.Close()
	}
	assert.ErrorIs(t, err, errGone)
	assert.Eventually(t, func() bool { return body.closed.Load() == 1 }, time.Minute, time.Millisecond)
}
