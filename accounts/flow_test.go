package accounts_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The handler of package consent leads through the consent of an account, and keeps owners
// apart.
func TestConsentHandlerConnectsAnAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		signedIn := "o2"
		handler, err := consent.New(consent.Config{
			URL: "https://app.example/connect", Keys: []connectorauth.Secret{connectorauth.Secret(strings.Repeat("k", 32))},
			Flow: func(req *http.Request, id string) (consent.Flow, error) {
				account, err := r.Get(req.Context(), id)
				if err != nil || account.Owner != signedIn {
					return nil, consent.ErrNotAllowed
				}
				return r.Flow(req.Context(), id)
			},
		})
		require.NoError(t, err)
		get := func(url string, cookies []*http.Cookie) *http.Response {
			req := httptest.NewRequestWithContext(t.Context(), "GET", url, nil)
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			for _, c := range cookies {
				req.AddCookie(c)
			}
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, req)
			return recorder.Result()
		}
		start := "https://app.example/connect/start?connector=" + a.ID
		assert.Equal(t, http.StatusForbidden, get(start, nil).StatusCode)
		signedIn = "o1"
		resp := get(start, nil)
		require.Equal(t, http.StatusSeeOther, resp.StatusCode)
		authURL := resp.Header.Get("Location")
		callback, err := w.p.Authorize(authURL)
		require.NoError(t, err)
		signedIn = "o2"
		get(callback.String(), resp.Cookies())
		assert.Zero(t, w.p.Stats().TokenRequests, "another person has signed in")
		signedIn = "o1"
		require.Equal(t, http.StatusOK, get(callback.String(), resp.Cookies()).StatusCode)
		assert.Equal(t, 200, w.status(r, a.ID))
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
	})
}
