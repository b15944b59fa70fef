package engine

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever a script writes, a mark tells Put to take back: memory of every type, at odd
// addresses, over the border of two cards.
func TestEveryKindOfWriteIsTakenBack(t *testing.T) {
	for name, source := range map[string]string{
		"odd addresses":  "for (var v = new DataView(new ArrayBuffer(4096)), i = 0; i < 4088; i += 1 + i % 7) { v.setFloat64(i, 1.5); v.setFloat32(i, 2.5); v.setBigInt64(i, -1n); v.setInt16(i, -2); v.setInt8(i, 1) }",
		"typed arrays":   "var a = new Float64Array(3000).fill(1.5); a.copyWithin(1, 2000); new Uint8Array(a.buffer).set(new Uint8Array(700).fill(9), 131); new Float32Array(999).fill(3).reverse()",
		"texts":          "var s = ''; for (var i = 0; i < 500; i++) s += String.fromCharCode(i * 97 % 65536); s.normalize('NFKD').toUpperCase().split('').sort().join('')",
		"patterns":       "'a1b22c333'.repeat(200).replace(/([a-z])(\\d+)/g, (m, a, b) => b + a).match(/\\d+/g).length",
		"numbers":        "var n = 3n; for (var i = 0; i < 8; i++) n = n ** 2n; n.toString(7); (1.1).toFixed(20); Math.fround(0.1)",
		"collections":    "var m = new Map(), s = new Set(), w = new WeakMap(); for (var i = 0; i < 500; i++) { var o = {i}; m.set(o, i); s.add('k' + i); w.set(o, m) } m.clear()",
		"generators":     "function* g() { for (var i = 0; i < 50; i++) yield [i, {i}] } var all = [...g()]; var {a, ...rest} = {a: 1, b: 2, c: all}",
		"the language":   "Array.prototype.map = null; JSON.parse = 1; Object.prototype.x = {}; Object.freeze(Math); globalThis.__proto__ = null",
		"errors":         "for (var i = 0; i < 20; i++) try { null.x } catch (e) { globalThis['e' + i] = e.stack }",
		"deep calls":     "(function f(n) { return n ? f(n - 1) + n : 0 })(200)",
		"dates and JSON": "JSON.stringify(JSON.parse(JSON.stringify({d: new Date(0), a: [1.5, null, 'x']})), null, 3)",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Get(32 << 20)
			require.NoError(t, err)
			code, _, err := m.Compile(nothing{}, source)
			require.NoError(t, err)
			Put(m)
			m, err = Get(32 << 20)
			require.NoError(t, err)
			require.NoError(t, m.Prepare(nothing{}, code))
			var thrown string
			status, err := m.Run(teller{told: &thrown}, NewState("first"))
			require.NoError(t, err)
			require.Equal(t, NoHandler, status, thrown)
			require.False(t, bytes.Equal(m.engine.image, m.bytes()))
			require.Len(t, m.bytes(), len(m.engine.image), "a machine that has grown is not used again")
			Put(m)
			m, err = Get(32 << 20)
			require.NoError(t, err)
			require.True(t, bytes.Equal(m.engine.image, m.bytes()))
			Put(m)
		})
	}
}

// Nobody trusts marks that something in the machine may have changed.
func TestMarksThatAreWrittenAreNotTrusted(t *testing.T) {
	e, err := load()
	require.NoError(t, err)
	for _, at := range []int{e.cards, e.cards + pad, e.cards + pad + 1234, e.cards + pad + cards - 1} {
		m, err := Get(32 << 20)
		require.NoError(t, err)
		m.memory.buffer[e.heap+100]++ // without a mark
		m.memory.buffer[len(m.memory.buffer)-1]++
		m.mark(at, 1)
		Put(m)
		m, err = Get(32 << 20)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(e.image, m.bytes()), "%d", at-e.cards)
		Put(m)
	}
}

// The address of a store may be on the card before: a store of eight bytes at the end of a
// block writes to the next block too, and leaves the mark of its first byte alone.
func TestAMarkStandsForTheNextCardToo(t *testing.T) {
	m, err := Get(32 << 20)
	require.NoError(t, err)
	defer Put(m)
	border := (len(m.engine.image) - spare/2) / block * block
	for at := border - 2*block; at <= border+block; at += block {
		require.False(t, m.written(at))
	}
	m.mark(border-4, 1)
	assert.False(t, m.written(border-2*block))
	assert.True(t, m.written(border-block))
	assert.True(t, m.written(border))
	assert.False(t, m.written(border+block))
}
