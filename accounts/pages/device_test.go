package pages_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tv is a service whose account owners type a code on another device.
const tv = `{"connectorauth": 1, "name": "tv", "baseUrl": "BEARERURL",
	"methods": [{"name": "device", "type": "OAuth2", "grant": {"deviceCode": {"deviceUrl": "DEVICEURL"}}, "tokenUrl": "TOKENURL"}],
	"test": {"request": "GET /me", "id": "/user"}}`

// The page with the code is one of the handler's, and belongs to the browser of the start.
func TestPageWithTheCodeOfADevice(t *testing.T) {
	a := newAppOf(t, []string{tv})
	b := a.browser("o1")
	require.Equal(t, http.StatusSeeOther, b.post("connect", fields(t, b.get("connect?service=tv").body)).StatusCode)
	at := b.get("start?connector=" + a.one("o1").ID).Header.Get("Location")
	require.Contains(t, at, "/device?")
	page := b.get(at)
	require.Equal(t, http.StatusOK, page.StatusCode)
	code := regexp.MustCompile(`[A-Z0-9]{4}-[A-Z0-9]{4}`).FindString(page.body)
	assert.NoError(t, a.provider.AuthorizeDevice(code))
	assert.Equal(t, accounts.StatusConnecting, a.one("o1").Status, "the page looks again after some seconds")
	assert.NotContains(t, a.browser("o1").get(at).body, code)
}
