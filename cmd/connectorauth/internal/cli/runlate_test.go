//go:build unix

package cli_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that the program of serve --run has left behind may have a stream, which serve gives ten
// seconds to end. Signals end the command meanwhile: the first may have been for the program.
func TestSignalsEndTheWaitForStreamsAfterTheProgram(t *testing.T) {
	w := newWorld(t)
	w.key()
	arrived := make(chan struct{})
	w.p.Inject(w.p.KeyHeaderURL, 1, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-r.Context().Done()
		})
	})
	command := w.program("serve", "--run", "--", "sh", "-c", `echo "$CONNECTORAUTH_URL $CONNECTORAUTH_TOKEN"; read line; exit 5`)
	in, err := command.StdinPipe()
	require.NoError(t, err)
	address, token := w.begin(command)
	left := w.ask(t.Context(), address+"/acme/stream", token)
	select {
	case <-arrived:
	case <-left:
		require.Fail(t, "the stream has not begun")
	}

	in.Close() // which ends the program
	w.closed(address)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		command.Wait()
	}()
	for more := true; more; {
		command.Process.Signal(syscall.SIGTERM) // which fails once the command has ended
		select {
		case <-ended:
			more = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	<-left
	status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	assert.Equal(t, syscall.SIGTERM, status.Signal(), "the signals were without effect: %v", command.ProcessState)
}
