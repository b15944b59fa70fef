//go:build unix

package cli_test

import (
	"context"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Ctrl+C, pressed twice, may come once before and once after the end of the program of serve
// --run. A renewal that is under way by then is saved all the same.
func TestASignalAfterTheEndOfTheProgramLosesNoToken(t *testing.T) {
	w := newWorld(t)
	w.consent()
	w.p.ExpireAccessTokens()
	arrived, release := make(chan struct{}), make(chan struct{})
	w.p.Inject(w.p.TokenURL, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-release
			next.ServeHTTP(rw, r)
		})
	})
	command := w.program("serve", "--run", "--", "sh", "-c", `trap 'exit 5' TERM; echo "$CONNECTORAUTH_URL $CONNECTORAUTH_TOKEN"; while kill -0 $PPID; do sleep 0.1; done`)
	address, token := w.begin(command)
	ctx, leave := context.WithCancel(t.Context())
	left := w.ask(ctx, address+"/globex/me", token)
	select {
	case <-arrived:
	case <-left:
		require.Fail(t, "the request made no renewal")
	}
	leave() // the renewal goes on
	<-left

	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	w.closed(address)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	close(release)
	command.Wait()
	assert.Equal(t, 5, command.ProcessState.ExitCode(), "the code of the program: %v", command.ProcessState)
	assert.Equal(t, 1, w.p.Stats().Issued["refresh_token"])
	w.ok("", "call", "globex", "GET", "/me")
	assert.Zero(t, w.p.Stats().ReuseDetected, "the new refresh token is lost")
}
