package fakehttp

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Bodies makes request bodies and counts how often each is closed.
type Bodies struct{ Opened []*Body }

// Body is a body that counts its closings.
type Body struct {
	io.Reader
	Closed atomic.Int32
}

// Close counts.
func (b *Body) Close() error {
	b.Closed.Add(1)
	return nil
}

// Open returns a body that reads content, and then fails with failure unless
// failure is nil.
func (b *Bodies) Open(content string, failure error) *Body {
	body := &Body{Reader: strings.NewReader(content)}
	if failure != nil {
		body.Reader = io.MultiReader(body.Reader, failing{failure})
	}
	b.Opened = append(b.Opened, body)
	return body
}

// failing is a Reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Request returns a request with a counted body. A replayable request has a
// GetBody, whose bodies are counted too.
func (b *Bodies) Request(t *testing.T, method, url, contentType, content string, replayable bool) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, b.Open(content, nil))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	if replayable {
		req.ContentLength = int64(len(content))
		req.GetBody = func() (io.ReadCloser, error) { return b.Open(content, nil), nil }
	}
	return req
}

// RequireClosedOnce requires that every body was closed exactly once.
func (b *Bodies) RequireClosedOnce(t *testing.T) {
	t.Helper()
	require.NotEmpty(t, b.Opened)
	for i, body := range b.Opened {
		require.EqualValues(t, 1, body.Closed.Load(), "closings of body %d", i)
	}
}
