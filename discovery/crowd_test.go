package discovery_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/discovery"
)

// issuing is a transport that serves the metadata of an issuer, and counts the requests.
type issuing struct{ requests atomic.Int64 }

func (m *issuing) RoundTrip(r *http.Request) (*http.Response, error) {
	m.requests.Add(1)
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"issuer": "https://login.example", "token_endpoint": "https://login.example/token"}`)),
	}, nil
}

// A caller that finds no metadata may come to the lookup when the lookup of another has just
// ended.
func TestManyFirstCallsMakeOneRequest(t *testing.T) {
	for range 1000 {
		m := new(issuing)
		finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: m}})
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				_, err := finder.Server(t.Context(), "https://login.example")
				assert.NoError(t, err)
			})
		}
		all.Wait()
		require.EqualValues(t, 1, m.requests.Load())
	}
}
