package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What cannot be counted or compared here is a notHere, with what to do about it.
func TestAMachineMayNotCount(t *testing.T) {
	for _, test := range []struct {
		name, kept string
		valgrind   bool
		want       string
	}{
		{"no valgrind", "", false, "valgrind is not installed"},
		{"another Go version", "go1.1 linux/amd64\nbearer 3000\n", true, "has the counts of go1.1 linux/amd64"},
		{"another system", "go1.26 plan9/mips\nbearer 3000\n", true, "write the counts anew by -update"},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			t.Setenv("PATH", folder)
			if test.valgrind {
				require.NoError(t, os.WriteFile(filepath.Join(folder, "valgrind"), nil, 0o755))
			}
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(test.kept), 0o644))
			err := run(false, true)
			require.ErrorAs(t, err, new(notHere))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestAFileIsWanted(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	t.Setenv("PATH", folder)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "valgrind"), nil, 0o755))
	assert.ErrorIs(t, run(false, true), os.ErrNotExist)
}
