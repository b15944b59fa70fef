package consent_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

// The account is connected, and the program could not note that.
func TestErrorOfDoneIsOnThePage(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		store := new(tokenstore.Memory)
		a := newApp(t, authtest.Config{}, func(a *app) { a.store, a.doneErr = store, errDown })
		b := a.newBrowser()
		got := b.get(a.allow(b, "connector="+connector+"&return_to=/settings").String())
		require.Equal(t, http.StatusInternalServerError, got.StatusCode, "the browser does not go on as after a success")
		require.Contains(t, got.body, "Your account may not be ready yet")
		require.Contains(t, got.body, `data-outcome="unrecorded"`)
		require.NotContains(t, got.body, errDown.Error())
		require.Equal(t, []consent.Result{{Connector: connector}}, a.results, "Done is called once, and learns that the account is connected")
		_, saved, err := store.Load(t.Context(), "alice/"+connector)
		require.NoError(t, err)
		require.True(t, saved)

		a.doneErr = nil
		require.Equal(t, http.StatusSeeOther, b.get(a.allow(b, "connector="+connector+"&return_to=/settings").String()).StatusCode)
	})
}

// A person who closes the window too early has consented all the same: the program can note that.
func TestDoneOutlivesTheWindow(t *testing.T) {
	var ended error
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Done = func(r *http.Request, _ consent.Result) error {
			ended = r.Context().Err()
			return nil
		}
	})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2")
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, "GET", callback.String(), nil)
	for _, cookie := range b.Client.Jar.Cookies(callback) {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.NoError(t, ended)
}

func TestErrorOfDoneHidesNoFailure(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) { a.doneErr = errDown })
	b := a.newBrowser()
	denied, err := a.provider.Deny(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	got := b.get(denied.String())
	require.Equal(t, http.StatusForbidden, got.StatusCode)
	require.Contains(t, got.body, "Access was not allowed")
}
