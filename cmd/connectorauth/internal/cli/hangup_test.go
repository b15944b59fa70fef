//go:build unix

package cli_test

import (
	"bufio"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// needHangup skips a test whose program would ignore SIGHUP, as the program should with nohup.
func needHangup(t *testing.T) {
	t.Helper()
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here, as with nohup")
	}
}

// The end of a terminal is a signal too, and a renewal under way has a token to save. nohup wants
// the signal ignored.
func TestTheEndOfTheTerminalEndsServeAsCtrlCDoes(t *testing.T) {
	needHangup(t)
	w := newWorld(t)
	w.key()
	env := filepath.Join(t.TempDir(), "env")
	command := w.program("serve", "--env-file", env, "--json")
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.FileExists(t, env)
	require.NoError(t, command.Process.Signal(syscall.SIGHUP))
	_, err = command.Process.Wait()
	require.NoError(t, err)
	_, err = os.Stat(env)
	assert.ErrorIs(t, err, os.ErrNotExist, "the program has ended without its last steps")
}
