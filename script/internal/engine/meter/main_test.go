package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In the committed module, each function and each loop begins with the counter, apart
// from the function that is called when the fuel is spent.
func TestEveryLoopIsMetered(t *testing.T) {
	module, err := os.ReadFile("../engine.wasm")
	require.NoError(t, err)
	sections := map[byte][]byte{}
	for r := (reader{module, 8}); r.at < len(module); {
		id := r.byte()
		sections[id] = r.take(int(r.uint()))
	}
	counter := append([]byte{0x23}, uleb(count(sections[globalSection])-2)...) // global.get
	spend, imported := exported(sections[exportSection], "spend"), importedFunctions(sections[importSection])
	loops := 0
	code := reader{sections[codeSection], 0}
	for i := range code.uint() {
		body := code.take(int(code.uint()))
		r := reader{body, 0}
		for range r.uint() {
			r.uint()
			r.byte()
		}
		if imported+i == spend {
			continue
		}
		require.True(t, bytes.HasPrefix(body[r.at:], counter), "function %d", i)
		for r.at < len(body) {
			op := r.byte()
			r.immediates(op)
			if op == 0x03 {
				loops++
				require.True(t, bytes.HasPrefix(body[r.at:], counter), "a loop of function %d", i)
			}
		}
	}
	assert.Greater(t, loops, 1000)
}

// Numbers are LEB128, as WebAssembly has them.
func TestNumbers(t *testing.T) {
	for _, n := range []uint32{0, 1, 63, 64, 127, 128, 10_000, 1 << 30} {
		r := reader{uleb(n), 0}
		assert.Equal(t, n, r.uint())
		signed := sleb(n)
		assert.Zero(t, signed[len(signed)-1]&0xc0, "the sign is positive")
		r = reader{signed, 0}
		assert.Equal(t, n, r.uint())
	}
}
