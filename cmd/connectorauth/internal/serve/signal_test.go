//go:build unix

package serve_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A runner is a process that runs the program count.
type runner struct {
	t       *testing.T
	command *exec.Cmd
	tty     *os.File // nil means that the process has no terminal
	lines   *bufio.Reader
}

// newRunner starts a process, in a terminal or without one, and waits for the program.
func newRunner(t *testing.T, terminal bool) *runner {
	ctx, cancel := context.WithTimeout(t.Context(), patience) // of a program that hears nothing
	t.Cleanup(cancel)
	r := &runner{t: t, command: exec.CommandContext(ctx, os.Args[0])}
	r.command.Cancel = r.kill
	r.command.Env = append(os.Environ(), "CONNECTORAUTH_TEST_CHILD=run", "CONNECTORAUTH_TEST_CHILD_ARGUMENT=count")
	var output io.ReadCloser
	var err error
	if terminal {
		r.tty, err = pty.Start(r.command)
		output = r.tty
	} else {
		r.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // whatever terminal the tests have
		output, err = r.command.StdoutPipe()
		require.NoError(t, err)
		err = r.command.Start()
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		r.kill()
		r.command.Wait()
		output.Close()
	})
	r.lines = bufio.NewReader(output)
	r.reads("ready")
	return r
}

// kill ends the process, and a program that the process has left behind.
func (r *runner) kill() error { return syscall.Kill(-r.command.Process.Pid, syscall.SIGKILL) }

// reads reads what the program says next. Terminals show keys such as Ctrl+C, too.
func (r *runner) reads(want string) {
	r.t.Helper()
	line, err := r.lines.ReadString('\n')
	require.NoError(r.t, err)
	assert.Equal(r.t, want, strings.TrimSpace(strings.ReplaceAll(line, "^C", "")))
}

// does sends a signal to the process alone, or presses Ctrl+C.
func (r *runner) does(act string) {
	if act == "Ctrl+C" {
		_, err := r.tty.WriteString("\x03")
		require.NoError(r.t, err)
		return
	}
	sig := map[string]os.Signal{"interrupt": os.Interrupt, "hangup": syscall.SIGHUP, "terminated": syscall.SIGTERM}[act]
	require.NoError(r.t, r.command.Process.Signal(sig))
}

// ends waits for the end, and returns the exit code.
func (r *runner) ends() int {
	r.command.Wait()
	return r.command.ProcessState.ExitCode()
}

func TestSignalsAreForTheProgram(t *testing.T) {
	const killed = 128 + 9
	for name, row := range map[string]struct {
		terminal bool
		acts     []string
		heard    []string
		code     int
	}{
		"the third kills":         {false, []string{"interrupt", "interrupt", "interrupt"}, []string{"interrupt", "interrupt"}, killed},
		"the program ends":        {false, []string{"interrupt", "terminated"}, []string{"interrupt", "terminated"}, 3},
		"the terminal is gone":    {false, []string{"hangup", "terminated"}, []string{"hangup", "terminated"}, 3},
		"keys are heard once":     {true, []string{"Ctrl+C", "terminated"}, []string{"interrupt", "terminated"}, 3},
		"SIGTERM in the terminal": {true, []string{"terminated"}, []string{"terminated"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if row.acts[0] == "hangup" && signal.Ignored(syscall.SIGHUP) {
				t.Skip("SIGHUP is ignored here, as with nohup")
			}
			r := newRunner(t, row.terminal)
			for i, act := range row.acts {
				r.does(act)
				if i < len(row.heard) {
					r.reads(string(rune('1'+i)) + " " + row.heard[i])
				}
			}
			assert.Equal(t, row.code, r.ends())
		})
	}
}

// A process may see two keys as one if the keys come at the same instant.
func TestKeysKill(t *testing.T) {
	r := newRunner(t, true)
	heard := 0
	for {
		r.tty.WriteString("\x03") // which fails once all has ended
		if _, err := r.lines.ReadString('\n'); err != nil {
			break
		}
		heard++
	}
	assert.GreaterOrEqual(t, heard, 2)
	assert.Equal(t, 128+9, r.ends())
}
