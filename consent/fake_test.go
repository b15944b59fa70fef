package consent

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

// fakeFlow is a Flow without a provider. Finish accepts every callback.
type fakeFlow struct{ finished int }

func (*fakeFlow) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	return "https://provider.example/authorize?state=the-state", "the pending value", nil
}

func (f *fakeFlow) Finish(context.Context, connectorauth.Secret, url.Values) error {
	f.finished++
	return nil
}

func newFakeHandler(t testing.TB, flow Flow) *Handler {
	t.Helper()
	h, err := New(Config{
		URL: "https://app.example/connect", Keys: []connectorauth.Secret{connectorauth.Secret(make([]byte, 32))},
		Flow: func(*http.Request, string) (Flow, error) { return flow, nil },
	})
	require.NoError(t, err)
	return h
}

// begin starts a consent.
func begin(h *Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/connect/start?connector=fake", nil))
	return w
}

// roundTrip starts a consent and sends the callback after a pause.
func roundTrip(h *Handler, pause time.Duration) *httptest.ResponseRecorder {
	w := begin(h)
	time.Sleep(pause) // passes at once in a synctest bubble
	r := httptest.NewRequest("GET", "/connect/callback/fake?code=c&state=the-state", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
