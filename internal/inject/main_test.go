package inject_test

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// newFields makes Fields that are known to be valid.
func newFields(t testing.TB, fields []inject.Field, format dialect.BodyFormat) *inject.Fields {
	t.Helper()
	f, err := inject.NewFields(fields, format, 0)
	require.NoError(t, err)
	return f
}

// post returns a request whose body can be replayed.
func post(contentType string, body []byte) *http.Request {
	req, err := http.NewRequest("POST", "https://api.example.com/", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

// apply returns body with the fields, having checked that Body, ContentLength
// and GetBody agree.
func apply(t testing.TB, f *inject.Fields, contentType, body string) string {
	t.Helper()
	req := post(contentType, []byte(body))
	require.NoError(t, f.Apply(req, inject.Room{}))
	return sent(t, req)
}

// sent reads the body of req as a transport would, and once more through
// GetBody as a redirect would, and checks that both agree with ContentLength.
func sent(t testing.TB, req *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	require.NoError(t, req.Body.Close())
	if req.ContentLength >= 0 {
		require.Equal(t, int(req.ContentLength), len(body), "ContentLength")
	}
	if req.GetBody != nil {
		again, err := req.GetBody()
		require.NoError(t, err)
		replay, err := io.ReadAll(again)
		require.NoError(t, err)
		require.NoError(t, again.Close())
		require.Equal(t, string(body), string(replay), "GetBody")
	}
	return string(body)
}

// A countingBody counts how often it is closed, and fails after its content if
// err is set.
type countingBody struct {
	io.Reader
	err    error
	reads  int
	closed atomic.Int32 // transports close in a goroutine of theirs
}

func (b *countingBody) Read(p []byte) (int, error) {
	b.reads++
	n, err := b.Reader.Read(p)
	if err == io.EOF && b.err != nil {
		err = b.err
	}
	return n, err
}

func (b *countingBody) Close() error {
	b.closed.Add(1)
	return nil
}
