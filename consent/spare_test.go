package consent_test

import (
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page of a slow machine arrives, and the spare connections of a browser hold up nothing.
func TestLoopbackWaitsForThePageAndNotForSpareConnections(t *testing.T) {
	a, flow := program(t, "oauth2")
	var spare net.Conn
	var begun atomic.Bool // before, Loopback tries the template with each page in each language
	open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) {
		var err error
		spare, err = net.Dial("tcp", callback.Host)
		assert.NoError(t, err)
		begun.Store(true)
	})
	slow := template.Must(template.New("page").Funcs(template.FuncMap{"slow": func() string {
		if begun.Load() {
			time.Sleep(700 * time.Millisecond)
		}
		return ""
	}}).Parse(`{{slow}}{{.Title}}{{.Script}}`))
	require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: io.Discard, Pages: consent.Pages{Template: slow}}))
	status, _ := wait()
	assert.Equal(t, http.StatusOK, status)
	defer spare.Close()
	_, err := spare.Read(make([]byte, 1))
	assert.Error(t, err, "the spare connection is closed")
}
