package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Go does not trust a machine: what no machine says ends the run.
func TestWhatNoMachineSaysEndsTheRun(t *testing.T) {
	m, err := Get(32 << 20)
	require.NoError(t, err)
	defer Put(m)
	m.host = nothing{}
	for _, what := range []What{functions - 1, -1 << 31, Told + 1, 1<<31 - 1} {
		assert.IsType(t, End{}, panicked(func() { m.called(what, nil) }), "%d", what)
	}
	assert.IsType(t, End{}, panicked(func() { m.called(Told, make([]byte, box+1)) }))
	assert.Nil(t, panicked(func() { m.called(Told, make([]byte, box)) }))
}

// panicked returns the value with which f panics.
func panicked(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// No count is larger than what is told: Go sets memory aside for that many members.
func TestACountIsNotLargerThanWhatIsTold(t *testing.T) {
	for _, text := range []string{"\x7f\x7f\x7f\x7f", "\xff\xff\xff\xff", "\xff\xff\xff\xff" + strings.Repeat("x", 100)} {
		f := Fields(text)
		assert.LessOrEqual(t, f.Count(), len(text), "%q", text)
		f = Fields(text)
		assert.Equal(t, text[4:], f.Next())
		assert.Empty(t, f)
	}
}
