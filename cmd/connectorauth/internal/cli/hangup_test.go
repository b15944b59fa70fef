//go:build unix

package cli_test

import (
	"bufio"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The end of a terminal is a signal too, and a renewal under way has a token to save. nohup wants
// the signal ignored.
func TestTheEndOfTheTerminalEndsServeAsCtrlCDoes(t *testing.T) {
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
