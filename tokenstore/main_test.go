package tokenstore_test

import (
	"bufio"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/leaktest"
	"github.com/connectorauth/connectorauth/internal/replicas"
)

// children are what the test binary does, by name, when a test starts it again
// as another process.
var children = map[string]func(dir string){}

func TestMain(m *testing.M) {
	replicas.Main(openReplica)
	if child := children[os.Getenv("TOKENSTORE_TEST_CHILD")]; child != nil {
		child(os.Getenv("TOKENSTORE_TEST_DIR"))
		os.Exit(0)
	}
	leaktest.Main(m)
}

// startChild runs a child on dir. The test that starts it, or else its end,
// kills it.
func startChild(t *testing.T, name, dir string) (process *os.Process, lines *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TOKENSTORE_TEST_CHILD="+name, "TOKENSTORE_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process, bufio.NewScanner(out)
}
