package consent_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The provider's slow_down holds for all later looks, and the link has the code.
func TestDevicePageStaysSlow(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		page := b.get(a.start(b, "connector=device"))
		assert.Regexp(t, `<a id="open" href="`+a.provider.URL+`/device\?user_code=`, page.body)
		assert.Equal(t, "5", page.Header.Get("Refresh"))
		a.provider.Inject(a.provider.TokenURL, 1, authtest.Answer(400, nil, `{"error":"slow_down"}`))
		page = b.look(page)
		assert.Equal(t, "10", page.Header.Get("Refresh"))
		page = b.look(page)
		assert.Equal(t, "10", page.Header.Get("Refresh"))
	})
}

// The window is closed while the page looks: the account is connected all the same.
func TestDevicePageOfAClosedWindow(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		address := a.start(b, "connector=device")
		page := b.get(address)
		require.NoError(t, a.provider.AuthorizeDevice(userCode.FindString(page.body)))
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		u, err := url.Parse(address)
		require.NoError(t, err)
		for _, cookie := range b.Jar.Cookies(u) {
			req.AddCookie(cookie)
		}
		a.handler.ServeHTTP(httptest.NewRecorder(), req)
		status, err := a.device("alice").Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, connectorauth.StateOK, status.State)
	})
}
