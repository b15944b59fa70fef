package consent_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestConnectorsOfTheStartAreChecked(t *testing.T) {
	flowFor := ""
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Callback = func(string) string { return "oauth2" }
		a.config.Flow = func(r *http.Request, connector string) (consent.Flow, error) {
			flowFor = connector
			return a.flow(r, "oauth2")
		}
	})
	for connector, ok := range map[string]bool{
		"google": true, "google/alice": true, "a b": true, "ä €": true, "日本": true, "می\u200cخواهم": true, "👩\u200d💻": true, "": true,
		`"'<>&\%00`: true, strings.Repeat("a", 256): true, strings.Repeat("<", 256): true, strings.Repeat("€", 85): true,
		"a\r\nSet-Cookie: b": false, "a\nb": false, "a\x00": false, "a\x1b[31m": false, "a\x7f": false, "a\u0085": false, "a\u2028b": false,
		"a\u202eb": false, "a\u2066b": false, "a\xff": false, "\xc0\xaf": false,
		strings.Repeat("a", 257): false, strings.Repeat("a", 1000): false, strings.Repeat("€", 86): false,
	} {
		flowFor = "Flow was not called"
		b := a.newBrowser()
		query := url.Values{"connector": {connector}, "return_to": {"/" + strings.Repeat("&", 1023)}}.Encode()
		if !ok {
			got := b.get(a.config.URL + "/start?" + query)
			require.Equal(t, http.StatusBadRequest, got.StatusCode, "%q", connector)
			require.Contains(t, got.body, "This request is not valid")
			a.requireFailed(consent.ReasonInvalid)
			require.ErrorContains(t, a.last().Err, "connector")
			require.Empty(t, a.last().Connector)
			require.Equal(t, "Flow was not called", flowFor, "%q", connector)
			continue
		}
		callback := a.allow(b, query)
		require.Equal(t, connector, flowFor)
		require.Equal(t, http.StatusSeeOther, b.get(callback.String()).StatusCode, "%q", connector)
		require.Equal(t, consent.Result{Connector: connector}, a.last())
	}
}
