package engine

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A machine at rest keeps nothing of its user, wherever the use was ended.
func TestAMachineAtRestKeepsNothing(t *testing.T) {
	m, err := Get(32 << 20)
	require.NoError(t, err)
	const churn = `(function f(n) { var a = []; for (var i = 0; i < 300; i++) { a[i % 7] = {k: 'x'.repeat(i * 7) + i}; if (n > 0 && i == 150) f(n - 1) } return JSON.stringify(a) })(20)`
	code, _, err := m.Compile(nothing{}, churn)
	require.NoError(t, err)
	Put(m)
	for n := range 40 {
		m, err := Get(32 << 20)
		require.NoError(t, err)
		require.NoError(t, m.Prepare(nothing{}, code))
		_, err = m.Run(&ending{n}, NewState("first"))
		ended := err != nil
		Put(m)
		assert.Nil(t, m.host)
		assert.Nil(t, m.response)
		assert.Equal(t, [2][]byte{}, m.told)
		again, err := Get(32 << 20)
		require.NoError(t, err)
		require.True(t, bytes.Equal(again.engine.image, again.bytes()), "ended at tick %d: %v", n, ended)
		Put(again)
	}
}

// No memory beyond the limit is set aside either.
func TestMemoryNeverGrowsBeyondTheLimit(t *testing.T) {
	l := &linear{limit: 10 * pageSize}
	l.Allocate(pageSize, 0)
	for pages := range uint64(11) {
		assert.Len(t, l.Reallocate(pages*pageSize), int(pages)*pageSize)
		assert.LessOrEqual(t, cap(l.buffer), l.limit)
	}
	assert.Nil(t, l.Reallocate(11*pageSize))
	assert.Nil(t, l.Reallocate(10*pageSize+1))
}
