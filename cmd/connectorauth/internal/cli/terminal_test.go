//go:build unix

package cli_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
)

// A terminal has a program in the foreground.
type terminal struct {
	t       *testing.T
	tty     *os.File
	command *exec.Cmd
	seen    strings.Builder
}

// hangs is when a program is ended that hangs. A program may wait 40 seconds for a lock or for a
// renewal.
const hangs = 5 * time.Minute

// program returns the command that runs the program in a process of its own.
func (w *world) program(args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(w.t, err)
	ctx, cancel := context.WithTimeout(w.t.Context(), hangs)
	w.t.Cleanup(cancel)
	command := exec.CommandContext(ctx, self, append([]string{"--home", w.home}, args...)...)
	command.Env = append(os.Environ(), asProgram+"=1", "NO_COLOR=", "TERM=xterm")
	return command
}

// inTerminal starts the program in a terminal without colours.
func (w *world) inTerminal(args ...string) *terminal {
	command := w.program(args...)
	command.Env = append(command.Env, "NO_COLOR=1")
	command.Env = append(command.Env, w.terminal...)
	return w.started(command, 80)
}

// started starts a program in a terminal that has a number of columns.
func (w *world) started(command *exec.Cmd, columns uint16) *terminal {
	tty, err := pty.StartWithSize(command, &pty.Winsize{Rows: 10, Cols: columns})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { tty.Close() })
	return &terminal{t: w.t, tty: tty, command: command}
}

// until reads what the terminal shows, until the text is there.
func (s *terminal) until(text string) {
	s.t.Helper()
	buffer := make([]byte, 1024)
	for !strings.Contains(s.seen.String(), text) {
		n, err := s.tty.Read(buffer)
		s.seen.Write(buffer[:n])
		if err != nil {
			require.Contains(s.t, s.seen.String(), text)
		}
	}
}

// typed types a text.
func (s *terminal) typed(text string) {
	_, err := s.tty.WriteString(text)
	require.NoError(s.t, err)
}

// end returns the exit code, and all that the terminal has shown.
func (s *terminal) end() (code int, seen string) {
	buffer := make([]byte, 1024)
	for {
		n, err := s.tty.Read(buffer)
		s.seen.Write(buffer[:n])
		if err != nil {
			break // which is how a terminal says that the program has ended
		}
	}
	s.command.Wait()
	return s.command.ProcessState.ExitCode(), s.seen.String()
}

func TestATerminalShowsNoSecretThatIsTyped(t *testing.T) {
	w := newWorld(t)
	s := w.inTerminal("connect", "acme")
	s.until("API key: ")
	s.typed(w.p.APIKey + "\n")
	code, seen := s.end()
	assert.Equal(t, 0, code, seen)
	assert.NotContains(t, seen, w.p.APIKey)
	assert.Contains(t, seen, "Connected acme-1")
}

// interrupted sends the signal of Ctrl+C. A terminal where somebody types Ctrl+C may discard what
// the program writes at the same time, so tests of the words send the signal themselves.
func (s *terminal) interrupted() { require.NoError(s.t, s.command.Process.Signal(os.Interrupt)) }

func TestCtrlCEndsAQuestionWithOneCleanLine(t *testing.T) {
	w := newWorld(t)
	s := w.inTerminal("connect", "acme")
	s.until("API key: ")
	s.interrupted()
	code, seen := s.end()
	assert.Equal(t, 130, code)
	_, after, _ := strings.Cut(seen, "API key: ")
	assert.Equal(t, "connectorauth: interrupted", strings.TrimSpace(after))

	s = w.inTerminal("connect", "acme")
	s.until("API key: ")
	s.typed("abc\x03")
	code, seen = s.end()
	assert.Equal(t, 130, code)
	assert.NotContains(t, seen, "abc")
}

func TestCtrlCEndsACall(t *testing.T) {
	w := newWorld(t)
	w.key()
	arrived := make(chan struct{}, 1)
	hang := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-r.Context().Done()
		})
	}
	w.p.Inject(w.p.KeyHeaderURL, 1, hang)
	s := w.inTerminal("call", "acme", "GET", "/x")
	<-arrived
	s.interrupted()
	code, seen := s.end()
	assert.Equal(t, 130, code)
	assert.Contains(t, seen, "connectorauth: interrupted")
	assert.NotContains(t, seen, "context canceled")
}

func TestATerminalGetsNoTokenAndNoControlCharacters(t *testing.T) {
	w := newWorld(t)
	w.consent()
	token := strings.TrimSpace(w.ok("", "token", "globex"))
	code, seen := w.inTerminal("token", "globex").end()
	assert.Equal(t, 6, code)
	assert.Contains(t, seen, "a token is not shown on a terminal")
	assert.NotContains(t, seen, token)

	w.p.Inject(w.p.BearerURL, 1, authtest.Answer(200, nil, "a\x1b]0;owned\x07b\n"))
	code, seen = w.inTerminal("call", "globex", "GET", "/x").end()
	assert.Equal(t, 0, code, seen)
	assert.Contains(t, seen, `a\x1b]0;owned\x07b`)
	assert.NotContains(t, seen, "\x1b")
}

func TestAQuestionIsAskedAgainUntilTheAnswerIsGood(t *testing.T) {
	w := newWorld(t)
	w.define("sub", "https://{subdomain}.sub.example.com", `"inputs": [{"name": "subdomain", "format": "label"}], "methods": [{"name": "none", "type": "None"}]`)
	s := w.inTerminal("connect", "sub")
	s.until("subdomain: ")
	s.typed("not a label!\n")
	s.until("subdomain: use lower-case letters")
	s.typed("\x03")
	code, _ := s.end()
	assert.Equal(t, 130, code)
}

func TestColoursGoToATerminalThatWantsThem(t *testing.T) {
	w := newWorld(t)
	w.key()
	for name, row := range map[string]struct {
		terminal []string
		coloured bool
	}{
		"a terminal":          {[]string{"TERM=xterm", "NO_COLOR="}, true},
		"NO_COLOR":            {[]string{"TERM=xterm", "NO_COLOR=1"}, false},
		"a terminal without":  {[]string{"TERM=dumb", "NO_COLOR="}, false},
		"JSON has no colours": {[]string{"TERM=xterm", "NO_COLOR="}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w.terminal = row.terminal
			args := []string{"list"}
			if strings.HasPrefix(name, "JSON") {
				args = append(args, "--json")
			}
			code, seen := w.inTerminal(args...).end()
			assert.Equal(t, 0, code, seen)
			assert.Equal(t, row.coloured, strings.Contains(seen, "\x1b[32mok\x1b[0m"), seen)
			assert.Equal(t, row.coloured, strings.Contains(seen, "\x1b"), seen)
			_, seen = w.inTerminal(append(args, "too much")...).end()
			assert.Equal(t, row.coloured, strings.Contains(seen, "\x1b[31mconnectorauth:\x1b[0m"), seen)
		})
	}
}

func TestAPersonReadsWhatTakesLong(t *testing.T) {
	w := newWorld(t)
	w.key()
	release := make(chan struct{})
	w.p.Inject(w.p.KeyHeaderURL, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			<-release
			next.ServeHTTP(rw, r)
		})
	})
	s := w.inTerminal("test", "acme")
	s.until("Asking acme whether acme-1 works ...")
	close(release)
	code, seen := s.end()
	assert.Equal(t, 0, code)
	assert.Contains(t, seen, ": ok")
}
