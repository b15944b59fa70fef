package consent_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// A link on another site leads to the confirmation. A person who does not want to
// connect an account goes back, and must not land at a start: the browser says then
// that the person comes from the application's own page.
func TestWayBackFromTheConfirmationStartsNothing(t *testing.T) {
	a := newApp(t, authtest.Config{})
	ask := func(returnTo string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", a.config.URL+"/start?connector=oauth2&return_to="+url.QueryEscape(returnTo), nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		return w
	}
	for _, returnTo := range []string{
		"/connect/start?connector=oauth1", "/connect/start", "/connect/%73tart", "/connect%2Fstart", "/connect//start", "/connect/start/",
		"/connect/x/../start", "/connect/x/start", "/settings/../connect/start", "/Connect/start", "/connect/./start/.#x",
	} {
		w := ask(returnTo)
		require.Equal(t, http.StatusBadRequest, w.Code, returnTo)
		a.requireFailed(consent.ReasonInvalid)
		require.NotContains(t, w.Body.String(), "return_to")
		require.Contains(t, w.Body.String(), `id="back" href="`+a.server.URL+`/"`)
		require.Equal(t, http.StatusBadRequest, a.newBrowser().get(a.config.URL+"/start?connector=oauth2&return_to="+url.QueryEscape(returnTo)).StatusCode)
	}
	for _, returnTo := range []string{"/settings", "/start", "/settings/start", "/connect", "/connect/", "/connect/started", "/connected/start"} {
		w := ask(returnTo)
		require.Equal(t, http.StatusOK, w.Code, returnTo)
		require.Contains(t, w.Body.String(), `id="back" href="`+a.server.URL+`/"`, "whoever wrote the link does not choose the way back of a person who does not continue")
		require.Contains(t, w.Body.String(), "return_to="+url.QueryEscape(returnTo), "of a person who continues")
	}
}
