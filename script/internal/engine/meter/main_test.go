package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In the committed module, each function and each loop begins with the counter, and a
// mark follows each store, apart from the function that is called when the fuel is spent.
func TestEveryLoopAndStoreIsMetered(t *testing.T) {
	module, err := os.ReadFile("../engine.wasm")
	require.NoError(t, err)
	sections := map[byte][]byte{}
	for r := (reader{module, 8}); r.at < len(module); {
		id := r.byte()
		sections[id] = r.take(int(r.uint()))
	}
	counter := append([]byte{0x23}, uleb(count(sections[globalSection])-1)...) // global.get
	spend, imported := exported(sections[exportSection], "spend", 0), importedFunctions(sections[importSection])
	cards := constant(sections[globalSection], exported(sections[exportSection], "cards", 3)) + pad
	mark := append([]byte{0x41, 0x01, 0x3a, 0x00}, uleb(cards)...) // i32.const 1, i32.store8
	loops, stores, marks := 0, 0, 0
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
			start := r.at
			op := r.byte()
			r.immediates(op)
			if storeTypes[op] != 0 {
				if bytes.HasSuffix(body[:r.at], mark) {
					marks++
				} else {
					stores++
					next := reader{body, r.at}
					for range 6 + 2*min(1, len(far(body[start:r.at]))) { // the number of the card
						next.immediates(next.byte())
					}
					require.True(t, bytes.HasPrefix(body[next.at-2:], mark), "a store of function %d, at %d", i, start)
				}
			}
			if op == 0x03 {
				loops++
				require.True(t, bytes.HasPrefix(body[r.at:], counter), "a loop of function %d", i)
			}
		}
	}
	assert.Greater(t, loops, 1000)
	assert.Greater(t, stores, 5000)
	assert.Equal(t, stores, marks)
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
