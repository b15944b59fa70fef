package cli_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// While a command connects or disconnects an account, no other process may do so: the lock is
// held while the service is asked.
func TestAnAccountIsHeldWhileItChanges(t *testing.T) {
	w := newWorld(t)
	var held []int
	look := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			leases, err := filepath.Glob(filepath.Join(w.home, "clients", "*.lease"))
			assert.NoError(t, err)
			held = append(held, len(leases))
			next.ServeHTTP(rw, r)
		})
	}
	w.p.Inject(w.p.TokenURL, 1, look)
	w.consent()
	w.p.Inject(w.p.TokenURL, 1, look)
	code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, "{}", "connect", "--again", "globex", "--values", "-", "--no-browser")
	require.Equal(t, exit.OK, code, "%s\n%s", out, err)
	w.p.Inject(w.p.RevokeURL, 1, look)
	w.ok("", "disconnect", "globex")
	assert.Equal(t, []int{1, 1, 1}, held)
}
