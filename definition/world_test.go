package definition_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/require"
)

// A world leads requests to the URLs of a service to a fake of the service. Nothing else
// can be reached.
type world struct {
	fake *authtest.Provider
	to   map[string]string // URLs of the fake by URLs of the service, without queries

	signed bool // the fake verifies signatures of the service's URLs

	mu      sync.Mutex
	headers map[string][]http.Header // of all requests, by URLs of the service
}

func (w *world) client() *http.Client { return &http.Client{Transport: w} }

// RoundTrip sends a request to the fake.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	target, err := w.at(req.URL, req.Header)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	if w.signed {
		inside := httptest.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), req.Body)
		inside.URL, inside.Header = target, req.Header.Clone()
		recorder := httptest.NewRecorder()
		w.fake.Handler().ServeHTTP(recorder, inside)
		return recorder.Result(), nil
	}
	inside := req.Clone(req.Context())
	inside.URL, inside.Host = target, ""
	return w.fake.Client().Transport.RoundTrip(inside)
}

// at returns where the fake has a URL of the service.
func (w *world) at(u *url.URL, header http.Header) (*url.URL, error) {
	plain, query, _ := strings.Cut(u.String(), "?")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.headers == nil {
		w.headers = map[string][]http.Header{}
	}
	w.headers[plain] = append(w.headers[plain], header)
	raw, ok := w.to[plain]
	if !ok {
		return nil, fmt.Errorf("nobody is at %s", plain)
	}
	target, err := url.Parse(raw)
	if err == nil && query != "" {
		target.RawQuery = query
	}
	return target, err
}

// consent returns where the fake asks for a consent.
func (w *world) consent(t *testing.T) func(authURL string) string {
	return func(authURL string) string {
		u, err := url.Parse(authURL)
		require.NoError(t, err)
		target, err := w.at(u, nil)
		require.NoError(t, err)
		return target.String()
	}
}

// requireAsked requires that each URL of the service was asked.
func (w *world) requireAsked(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for u := range w.to {
		require.NotEmpty(t, w.headers[u], u)
	}
}
