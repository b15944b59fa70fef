package wire_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/internal/wire"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

func TestPeekPutsBackWhatItRead(t *testing.T) {
	for limit, want := range map[int64]string{0: "", 3: "abc", 6: "abcdef", 7: "abcdef"} {
		body := &closing{Reader: iotest.OneByteReader(strings.NewReader("abcdef"))}
		resp := &http.Response{Body: body}
		head, err := wire.Peek(resp, limit)
		require.NoError(t, err)
		assert.Equal(t, want, string(head))
		again, err := wire.Peek(resp, 4)
		require.NoError(t, err)
		assert.Equal(t, "abcd", string(again))
		whole, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "abcdef", string(whole))
		assert.Zero(t, body.closed)
		resp.Body.Close()
		assert.Equal(t, 1, body.closed)
	}
}

func TestPeekRepeatsTheErrorOfReading(t *testing.T) {
	broken := errors.New("broken")
	resp := &http.Response{Body: io.NopCloser(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)))}
	head, err := wire.Peek(resp, 10)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, "ab", string(head))
	whole, err := io.ReadAll(resp.Body)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, "ab", string(whole))
}

func TestLookup(t *testing.T) {
	var v any
	require.NoError(t, json.Unmarshal([]byte(`{"a":{"b":[{"c":"found"},[7]],"":"empty","null":null},"a.b":1}`), &v))
	for path, want := range map[string]any{
		"a.b.0.c":    "found",
		"a.b.1.0":    7.0,
		"a.":         "empty",
		"a.null":     nil,
		"a.null.x":   nil,
		"a.b.2":      nil,
		"a.b.-1":     nil,
		"a.b.c":      nil,
		"a.b.0.c.d":  nil,
		"b":          nil,
		"":           nil,
		"a.b.1.0.00": nil,
	} {
		assert.Equal(t, want, wire.Lookup(v, path), path)
	}
	assert.Equal(t, v, wire.Lookup(map[string]any{"": v}, ""))
	assert.Nil(t, wire.Lookup(nil, "a"))
}

// An open body: two parts, a pause after each, and no end before Close.
func openBody() (io.ReadCloser, *io.PipeWriter) {
	r, w := io.Pipe()
	return r, w
}

func TestPeekWithinWaitsForNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, server := openBody()
		resp := &http.Response{Body: body, ContentLength: -1}
		go func() {
			server.Write([]byte("ab"))
			time.Sleep(time.Second)
			server.Write([]byte("cd"))
			time.Sleep(time.Second)
			server.Write([]byte("ef"))
			server.Close()
		}()
		began := time.Now()
		assert.Equal(t, "ab", string(wire.PeekWithin(resp, 100, 50*time.Millisecond)))
		assert.Equal(t, 50*time.Millisecond, time.Since(began))

		part := make([]byte, 10)
		n, err := resp.Body.Read(part)
		require.NoError(t, err)
		assert.Equal(t, "ab", string(part[:n]), "at once")
		assert.Equal(t, 50*time.Millisecond, time.Since(began))
		rest, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "cdef", string(rest), "nothing is lost")
	})
}

func TestPeekWithinReadsNoMoreThanItsLimit(t *testing.T) {
	for limit, want := range map[int]string{1: "a", 3: "abc", 6: "abcdef", 7: "abcdef"} {
		body := &closing{Reader: iotest.OneByteReader(strings.NewReader("abcdef"))}
		resp := &http.Response{Body: body, ContentLength: -1}
		assert.Equal(t, want, string(wire.PeekWithin(resp, limit, time.Hour)))
		assert.Equal(t, want, string(wire.PeekWithin(resp, limit, time.Hour)), "again")
		whole, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "abcdef", string(whole))
		resp.Body.Close()
		assert.Equal(t, 1, body.closed)
	}
}

func TestPeekWithinEndsWhenTheBodyIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body, _ := openBody()
		resp := &http.Response{Body: body, ContentLength: -1}
		assert.Empty(t, wire.PeekWithin(resp, 100, time.Millisecond))
		resp.Body.Close()
		_, err := resp.Body.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.ErrClosedPipe)
	})
}

// lockedBody is a body whose Close waits for a Read under way, as a gzip body of
// net/http does before the header of gzip has arrived.
type lockedBody struct {
	reading sync.Mutex
	data    chan struct{}
	closed  atomic.Bool
}

func (b *lockedBody) Read([]byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	<-b.data
	return 0, io.EOF
}

func (b *lockedBody) Close() error {
	b.reading.Lock()
	defer b.reading.Unlock()
	b.closed.Store(true)
	return nil
}

func TestCloseWaitsForNoRead(t *testing.T) {
	body := &lockedBody{data: make(chan struct{})}
	resp := &http.Response{Body: body, ContentLength: -1}
	assert.Empty(t, wire.PeekWithin(resp, 100, time.Millisecond))
	closed := make(chan error, 1)
	go func() { closed <- resp.Body.Close() }()
	select {
	case err := <-closed:
		assert.NoError(t, err)
	case <-time.After(time.Minute):
		t.Error("Close waits for a body that nobody wants")
	}
	close(body.data)
	assert.Eventually(t, body.closed.Load, time.Minute, time.Millisecond, "closed as soon as possible")
}
