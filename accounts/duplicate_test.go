package accounts_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecondAccountOfAnIdentityIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		request := accounts.Request{Owner: "o1", Definition: "acme-old", Values: values{"apiKey": "CANARY-key"}}
		_, err := r.Connect(t.Context(), request)
		var duplicate *accounts.DuplicateError
		require.ErrorAs(t, err, &duplicate)
		assert.Equal(t, a.ID, duplicate.ID)
		page, err := r.List(t.Context(), accounts.Filter{}, "", 10)
		require.NoError(t, err)
		assert.Len(t, page, 1)

		other := request
		other.Owner = "o2"
		_, err = r.Connect(t.Context(), other)
		assert.NoError(t, err, "another owner may know the same key")
		w.user = "eve"
		b, err := r.Connect(t.Context(), request)
		assert.NoError(t, err, "another identity")
		w.user = "ada"
		_, err = r.Reconnect(t.Context(), b.ID, accounts.Request{OtherIdentity: true})
		require.ErrorAs(t, err, &duplicate)
		assert.Equal(t, a.ID, duplicate.ID)
		_, err = r.Reconnect(t.Context(), b.ID, accounts.Request{OtherIdentity: true, Duplicate: true})
		assert.NoError(t, err, "a Reconnect may allow a duplicate, too")
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		assert.NoError(t, err, "an account is no duplicate of itself")
		request.Duplicate = true
		c, err := r.Connect(t.Context(), request)
		require.NoError(t, err)
		_, err = r.Reconnect(t.Context(), c.ID, accounts.Request{})
		assert.NoError(t, err, "a duplicate that was allowed goes on")
	})
}

// The account that is being disconnected is no reason to refuse the next one.
func TestDisconnectedAccountIsNoDuplicate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		w.p.Inject(w.p.RevokeURL, authtest.Always, authtest.Answer(503, nil, ""))
		_, err := r.Disconnect(t.Context(), a.ID)
		require.Error(t, err)
		_, err = r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}})
		assert.NoError(t, err)
	})
}

// Accounts that are being disconnected hide no account that goes on, however many there are.
func TestDisconnectedAccountsHideNoDuplicate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		w.p.Inject(w.p.RevokeURL, authtest.Always, authtest.Answer(503, nil, ""))
		for i := range 11 {
			id := fmt.Sprintf("a%02d", i)
			_, err := r.Connect(t.Context(), accounts.Request{ID: id, Owner: "o1", Definition: "acme", Method: "oauth", Duplicate: true})
			require.NoError(t, err)
			require.NoError(t, w.consent(r, id))
			_, err = r.Disconnect(t.Context(), id)
			require.Error(t, err)
		}
		request := accounts.Request{ID: "b", Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}}
		_, err := r.Connect(t.Context(), request)
		require.NoError(t, err)
		request.ID = "c"
		_, err = r.Connect(t.Context(), request)
		var duplicate *accounts.DuplicateError
		require.ErrorAs(t, err, &duplicate)
		assert.Equal(t, "b", duplicate.ID)
	})
}

// Of two Connects at the same instant, the Index can tell neither of the other.
func TestTwoConnectsAtTheSameInstant(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		w.p.Inject(w.p.KeyHeaderURL, 2, authtest.Delay(time.Second))
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}})
				if err != nil {
					assert.ErrorAs(t, err, new(*accounts.DuplicateError))
				}
			})
		}
		wg.Wait()
		page, err := r.List(t.Context(), accounts.Filter{Status: accounts.StatusOK}, "", 10)
		require.NoError(t, err)
		assert.NotEmpty(t, page)
	})
}

// A consent for an account that the owner has already shows a page that says so, and one for
// another identity too. The tokens are forgotten.
func TestConsentPageTellsOfADuplicate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		first := w.withKey(r)
		handler, err := consent.New(consent.Config{
			URL: "https://app.example/connect", Keys: []connectorauth.Secret{connectorauth.Secret(strings.Repeat("k", 32))},
			Callback: func(string) string { return "acme" },
			Flow:     func(req *http.Request, id string) (consent.Flow, error) { return r.Flow(req.Context(), id) },
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
		finish := func(id string) (int, string) {
			resp := get("https://app.example/connect/start?connector="+id, nil)
			callback, err := w.p.Authorize(resp.Header.Get("Location"))
			require.NoError(t, err)
			resp = get(callback.String(), resp.Cookies())
			var page strings.Builder
			require.NoError(t, resp.Write(&page))
			return resp.StatusCode, page.String()
		}
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		status, page := finish(a.ID)
		assert.Equal(t, http.StatusConflict, status)
		assert.Contains(t, page, "connected already")
		assert.NotContains(t, page, first.ID)
		_, token := w.stored(a.ID + "/1")
		assert.False(t, token)

		w.user = "eve"
		status, _ = finish(a.ID)
		assert.Equal(t, http.StatusOK, status, "the account owner may consent again, as somebody else")
		w.user = "ada"
		b, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		status, page = finish(a.ID)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Contains(t, page, "not the service or account that you chose")
		_, token = w.stored(fmt.Sprintf("%s/%d", a.ID, b.Pending))
		assert.False(t, token)
	})
}
