package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/cli"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// Another process holds the lock of the account, and does not let go.
func TestDoctorNamesTheProcessThatHoldsTheLock(t *testing.T) {
	w := newWorld(t)
	w.consent()
	file, err := tokenstore.NewFile(filepath.Join(w.home, "tokens"))
	require.NoError(t, err)
	found, err := filepath.Glob(filepath.Join(w.home, "tokens", "globex_1_*.token"))
	require.NoError(t, err)
	number := regexp.MustCompile(`globex_1_(\d+)-`).FindStringSubmatch(strings.Join(found, " "))
	require.NotNil(t, number, found)
	lease, err := file.Lock(t.Context(), "globex-1/"+number[1])
	require.NoError(t, err)
	defer lease.Unlock()
	w.p.ExpireAccessTokens()

	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // ends a program that hangs
	defer cancel()
	command := exec.CommandContext(ctx, self, "doctor", "globex", "--json", "--home", w.home)
	command.Env = append(os.Environ(), asProgram+"=1")
	out, err := command.Output()
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended)
	assert.Equal(t, int(exit.Failed), ended.ExitCode())
	var report struct{ Cause, Advice string }
	require.NoError(t, json.Unmarshal(out, &report))
	assert.Equal(t, "locked", report.Cause)
	assert.Contains(t, report.Advice, fmt.Sprintf("process %d", os.Getpid()))
	host, err := os.Hostname()
	require.NoError(t, err)
	assert.Contains(t, report.Advice, "on host "+host+" since 2")
}

// bundled runs doctor with a bundle.
func (w *world) bundled(name string) (code exit.Code, out, err string) {
	return w.run("", "doctor", "acme", "--bundle", name)
}

func TestABundleThatCannotBeWrittenFailsBeforeTheExamination(t *testing.T) {
	w := newWorld(t)
	w.key()
	precious := w.file("bundle.txt", "precious")
	for name, path := range map[string]string{
		"a file that exists":   precious,
		"a folder":             t.TempDir(),
		"a folder that is not": filepath.Join(t.TempDir(), "none", "bundle.txt"),
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.p.Requests(w.p.KeyHeaderURL))
			code, out, err := w.bundled(path)
			assert.Equal(t, exit.Failed, code)
			assert.Contains(t, err, path)
			assert.Empty(t, out, "no step")
			assert.Len(t, w.p.Requests(w.p.KeyHeaderURL), before, "nothing was sent")
		})
	}
	kept, err := os.ReadFile(precious)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(kept))
}

func TestABundleIsPrivate(t *testing.T) {
	w := newWorld(t)
	w.key()
	path := filepath.Join(t.TempDir(), "bundle.txt")
	code, _, text := w.bundled(path)
	require.Equal(t, exit.OK, code, text)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(strings.TrimSpace(string(content)), "}"), "the definition is at the end")
}

// An examination that cannot start, or is interrupted, leaves no file behind.
func TestNoBundleIsLeftWithoutAReport(t *testing.T) {
	w := newWorld(t)
	w.key()
	path := filepath.Join(t.TempDir(), "bundle.txt")
	code, _, err := w.run("", "doctor", "nobody", "--bundle", path)
	assert.Equal(t, exit.Usage, code, err)
	assert.NoFileExists(t, path)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	app := &cli.App{Screen: show.Screen{Out: io.Discard, Err: io.Discard}}
	code = app.Run(ctx, []string{"doctor", "acme", "--bundle", path, "--home", w.home})
	assert.Equal(t, exit.Interrupted, code)
	assert.NoFileExists(t, path)
}
