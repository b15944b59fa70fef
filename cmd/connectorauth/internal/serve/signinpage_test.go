package serve_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page to sign in takes a secret: the page loads nothing, stands in no frame, and stays in no
// cache.
func TestThePageToSignInIsAlone(t *testing.T) {
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL()+"/-/sign-in", nil)
	require.NoError(t, err)
	resp, body := w.send(r)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Contains(t, body, `type="password"`)
	policy := strings.Split(resp.Header.Get("Content-Security-Policy"), "; ")
	assert.ElementsMatch(t, []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"}, policy)
	assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	assert.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))
	assert.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
}

// A short body that does not arrive is a mistake of the program, and the service hears nothing.
func TestAShortBodyThatDoesNotArriveIsNamed(t *testing.T) {
	w := newWorld(t)
	host := strings.TrimPrefix(w.URL(), "http://")
	conn, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /echo/x HTTP/1.1\r\nHost: "+host+"\r\nAuthorization: Bearer "+string(w.Token())+"\r\nContent-Length: 10\r\n\r\nhalf")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	response, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(response), "HTTP/1.1 400 ")
	assert.Contains(t, string(response), `"error":"bad_body"`)
	assert.Empty(t, w.seen.String())
}
