package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sum is what build.sh prints.
const sum = "37b40a920a6aa96b0d69cf96c0ae5c3cdac401236a9ffd126a352aaa61702ef4"

// The committed module is the one that the recipe makes. The build itself needs a
// checkout of QuickJS-ng: build/README.md.
func TestModuleIsTheOneOfTheRecipe(t *testing.T) {
	got := sha256.Sum256(module)
	assert.Equal(t, sum, hex.EncodeToString(got[:]))
	source := os.Getenv("CONNECTORAUTH_QUICKJS")
	if source == "" {
		t.Skip("CONNECTORAUTH_QUICKJS does not name a checkout of QuickJS-ng")
	}
	built := filepath.Join(t.TempDir(), "engine.wasm")
	out, err := exec.Command("bash", "build/build.sh", source, built).CombinedOutput()
	require.NoError(t, err, "%s", out)
	again, err := os.ReadFile(built)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(module, again))
}

// The module can reach five functions of Go, and no operating system.
func TestModuleImportsFiveFunctions(t *testing.T) {
	e, err := load()
	require.NoError(t, err)
	var names []string
	for _, f := range e.module.ImportedFunctions() {
		from, name, _ := f.Import()
		require.Equal(t, "host", from)
		names = append(names, name)
	}
	assert.ElementsMatch(t, []string{"tick", "call", "response", "now", "chance"}, names)
}

// ending is a Host whose n-th tick ends the run.
type ending struct{ left int }

var errEnd = errors.New("end")

func (e *ending) Call(What, []byte) ([]byte, error) { return nil, nil }
func (e *ending) Tick() error {
	if e.left--; e.left < 0 {
		return errEnd
	}
	return nil
}

// A machine is like new after each use: after an end in the middle, after a snapshot,
// after an exception.
func TestMachinesComeBackAsNew(t *testing.T) {
	m, err := Get(32 << 20)
	require.NoError(t, err)
	loop, _, err := m.Compile(nothing{}, "var a = []; for (;;) a[a.length % 1000] = 'x' + a.length")
	require.NoError(t, err)
	deep, _, err := m.Compile(nothing{}, "(function f() { f() })()")
	require.NoError(t, err)
	run := func(host Host, code []byte) (Status, error) {
		require.NoError(t, m.Prepare(host, code))
		return m.Run(host, NewState("first"))
	}
	e := m.engine
	for round, use := range []func(){
		func() {},
		func() { _, err := run(&ending{5}, loop); assert.ErrorIs(t, err, errEnd) },
		func() {
			status, err := run(nothing{}, deep)
			assert.NoError(t, err)
			assert.Equal(t, Threw, status)
		},
		func() {
			handler, _, err := m.Compile(nothing{}, "function first() { globalThis.left = 'x'.repeat(1000) }")
			require.NoError(t, err)
			_, err = run(nothing{}, handler)
			require.NoError(t, err)
			s, err := m.Save()
			require.NoError(t, err)
			Put(m)
			m, err = Get(32 << 20)
			require.NoError(t, err)
			require.True(t, m.Load(&s))
		},
	} {
		use()
		Put(m)
		m, err = Get(32 << 20)
		require.NoError(t, err)
		require.True(t, bytes.Equal(e.image, m.bytes()), "round %d", round)
		require.Equal(t, e.sp, m.global("sp").Get())
	}
	Put(m)
}
