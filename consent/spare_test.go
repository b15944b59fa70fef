package consent_test

import (
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Loopback closes the spare connections of a browser at once, and waits for the page. The page
// here is only written after the spare connection is closed.
func TestLoopbackWaitsForThePageAndNotForSpareConnections(t *testing.T) {
	a, flow := program(t, "oauth2")
	var spare atomic.Pointer[net.Conn] // nil while Loopback tries the template with each page in each language
	open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) {
		conn, err := net.Dial("tcp", callback.Host)
		if assert.NoError(t, err) {
			spare.Store(&conn)
		}
	})
	page := template.Must(template.New("page").Funcs(template.FuncMap{"closed": func() string {
		conn := spare.Load()
		if conn == nil {
			return ""
		}
		defer (*conn).Close()
		_, err := (*conn).Read(make([]byte, 1))
		assert.Error(t, err, "the spare connection is closed")
		return "after the spare connection"
	}}).Parse(`{{closed}}{{.Title}}{{.Script}}`))
	require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: io.Discard, Pages: consent.Pages{Template: page}}))
	status, body := wait()
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "after the spare connection")
}
