package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProgramsInOtherLanguages(t *testing.T) {
	w := newWorld(t)
	user := w.provider.Username
	first := []string{"200 OAuth2 " + user, "200 OAuth2 " + user, "401 token_wrong"}
	for program, test := range map[string]struct {
		script string
		want   []string
	}{
		"python3": {"call.py", append(first[:3:3], "404 unknown_service ['first']")},
		"node":    {"call.mjs", append(first[:3:3], `404 unknown_service ["first"]`, "200 OAuth2 "+user)},
	} {
		t.Run(program, func(t *testing.T) {
			path, err := exec.LookPath(program)
			if err != nil {
				if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
					t.Fatal("CONNECTORAUTH_TEST_REQUIRE is 1 and there is no ", program)
				}
				t.Skip("there is no ", program)
			}
			var output, wrong bytes.Buffer
			command := exec.CommandContext(t.Context(), path, filepath.Join("testdata", test.script))
			command.Env = append(os.Environ(), w.Env()...)
			command.Stdout, command.Stderr = &output, &wrong
			require.NoError(t, command.Run(), wrong.String())
			assert.Equal(t, strings.Join(test.want, "\n")+"\n", strings.ReplaceAll(output.String(), "\r", ""))
		})
	}
}

// idle returns a Server that does not serve yet.
func idle(t *testing.T, grace time.Duration) *serve.Server {
	listeners, err := serve.Listen(t.Context(), 0, false)
	require.NoError(t, err)
	t.Cleanup(func() { listeners[0].Close() })
	s, err := serve.New(serve.Config{Listeners: listeners, Registry: newWorld(t).registry, Owner: "ada", Grace: grace})
	require.NoError(t, err)
	return s
}

func TestAProgramRunsWithTheVariables(t *testing.T) {
	s := idle(t, patience)
	t.Setenv("CONNECTORAUTH_TEST_CHILD", "env")
	var output bytes.Buffer
	code, err := s.Run(t.Context(), serve.Program{Args: []string{os.Args[0]}, Stdout: &output})
	require.NoError(t, err)
	assert.Equal(t, 7, code, "the exit code is that of the program")
	assert.Equal(t, s.URL()+"\n"+string(s.Token())+"\n", output.String())
	_, err = net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	assert.Error(t, err, "the server has ended with the program")
}

func TestAProgramThatIsNotThere(t *testing.T) {
	for _, args := range [][]string{{}, {filepath.Join(t.TempDir(), "none")}} {
		_, err := idle(t, patience).Run(t.Context(), serve.Program{Args: args})
		assert.ErrorContains(t, err, "serve: Run: ")
		assert.NotContains(t, err.Error(), "CONNECTORAUTH_TOKEN")
	}
}

func TestTheEndOfAProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals")
	}
	for job, want := range map[string]int{"wait": 3, "killed": 128 + 15, "stubborn": 128 + 9} {
		grace := patience
		if job == "stubborn" {
			grace = time.Millisecond
		}
		s := idle(t, grace)
		t.Setenv("CONNECTORAUTH_TEST_CHILD", job)
		stdin, keep := io.Pipe()
		stdout, output := io.Pipe()
		ctx, end := context.WithCancel(t.Context())
		go func() {
			_, err := bufio.NewReader(stdout).ReadString('\n')
			assert.NoError(t, err)
			end()
			keep.Close()
		}()
		code, err := s.Run(ctx, serve.Program{Args: []string{os.Args[0]}, Stdin: stdin, Stdout: output})
		assert.NoError(t, err)
		assert.Equal(t, want, code, job)
		output.Close()
	}
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	port := other.Addr().(*net.TCPAddr).Port
	for _, six := range []bool{false, true} {
		_, err = serve.Listen(t.Context(), port, six)
		require.ErrorContains(t, err, fmt.Sprintf("port %d is taken by another program", port))
		assert.ErrorContains(t, err, "name another port, or none for a free one")
	}

	taken := errors.Unwrap(err)
	both := serve.Advised(taken, 0, true)
	require.ErrorContains(t, both, "no port is free at both addresses: try again, or listen on 127.0.0.1 alone")
	assert.ErrorIs(t, both, taken)
	one := serve.Advised(taken, 0, false)
	require.ErrorContains(t, one, "no port of 127.0.0.1 is free: end other programs, or try again later")
	assert.ErrorIs(t, one, taken)
	down := errors.New("no network")
	assert.Equal(t, down, serve.Advised(down, 0, true))
}

func TestTheFileForShells(t *testing.T) {
	s := idle(t, patience)
	dir := t.TempDir()
	path, other := filepath.Join(dir, "env"), filepath.Join(dir, "other")
	require.NoError(t, os.WriteFile(other, []byte("mine"), 0o644))
	if runtime.GOOS != "windows" {
		require.NoError(t, os.Symlink(other, path))
	}
	require.NoError(t, s.WriteEnv(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "export CONNECTORAUTH_URL="+s.URL()+"\nexport CONNECTORAUTH_TOKEN="+string(s.Token())+"\n", string(text))
	info, err := os.Lstat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, fs.FileMode(0o600), info.Mode())
	}
	text, err = os.ReadFile(other)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text), "a link is not followed")

	require.Error(t, s.WriteEnv(filepath.Join(dir, "none", "env")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "full"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "full", "file"), nil, 0o600))
	require.Error(t, s.WriteEnv(filepath.Join(dir, "full")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 3, "no file with the token is left over")
}

// A run may begin with the file of another run, which then ends, as at an update.
func TestTheEndOfARunLeavesTheFileOfAnotherRun(t *testing.T) {
	first, second := idle(t, patience), idle(t, patience)
	path := filepath.Join(t.TempDir(), "env")
	require.NoError(t, first.WriteEnv(path))
	require.NoError(t, second.WriteEnv(path))
	require.NoError(t, first.RemoveEnv(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(text), string(second.Token()))
	require.NoError(t, second.RemoveEnv(path))
	assert.NoFileExists(t, path)
	assert.NoError(t, second.RemoveEnv(path), "somebody else has removed the file")
}
