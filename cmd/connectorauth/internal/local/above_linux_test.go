package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
)

// The person need not be able to read the folder above, such as /srv with mode 0711.
func TestDefinitionsChangeBelowAFolderThatThePersonCannotRead(t *testing.T) {
	if os.Geteuid() == 0 { // who reads every folder
		const stranger = 65534
		command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.run=^"+t.Name()+"$")
		command.Dir, command.Env = "/", []string{"TMPDIR=/tmp"}
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s", output)
		assert.Contains(t, string(output), "--- PASS: "+t.Name())
		return
	}
	above := filepath.Join(t.TempDir(), "above")
	dir := filepath.Join(above, "home")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.Chmod(above, 0o300))
	defer os.Chmod(above, 0o700)
	_, err := os.ReadDir(above)
	require.ErrorIs(t, err, os.ErrPermission)
	h, err := home.Find(dir, "")
	require.NoError(t, err)
	done, err := ChangeDefinitions(t.Context(), h)
	require.NoError(t, err)
	done()
}
