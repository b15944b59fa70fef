//go:build unix

package cli_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// Nobody writes into the pipe, and nobody opens the other end of the FIFO: what ends the call is
// --max-time.
func TestMaxTimeEndsAWaitForABody(t *testing.T) {
	w := newWorld(t)
	w.key()
	in, end, err := os.Pipe()
	require.NoError(t, err)
	defer end.Close()
	defer in.Close()
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for name, data := range map[string][]string{"pipe": {"-d", "@-"}, "pipe and a text": {"-d", "@-", "-d", "x"}, "fifo": {"-d", "@" + fifo}} {
		t.Run(name, func(t *testing.T) {
			command := w.program(append([]string{"call", "acme", "POST", "/x", "--max-time", "0.2"}, data...)...)
			command.Stdin = in
			text, _ := command.CombinedOutput()
			assert.Equal(t, int(exit.Failed), command.ProcessState.ExitCode())
			assert.Contains(t, string(text), "--max-time: the call took more than 0.2 seconds")
		})
	}
}
