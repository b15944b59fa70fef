package main

import (
	"bytes"
	"os"
	"slices"
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

// The committed module is what meter makes of the module without meter: a change of meter
// needs another engine.wasm.
func TestTheCommittedModuleIsMetered(t *testing.T) {
	module, err := os.ReadFile("../engine.wasm")
	require.NoError(t, err)
	plain := unmetered(module)
	assert.Less(t, len(plain), len(module))
	assert.True(t, bytes.Equal(module, meter(plain)))
}

// unmetered returns a module without what meter adds.
func unmetered(module []byte) []byte {
	out := slices.Clone(module[:8])
	var spend, imported uint32
	var takes []uint32
	types := []byte{}
	for r := (reader{module, 8}); r.at < len(module); {
		id := r.byte()
		body := r.take(int(r.uint()))
		rest := reader{body, 0}
		switch id {
		case typeSection:
			types = body
		case importSection:
			imported = importedFunctions(body)
		case functionSection:
			takes = parameters(types, body)
		case globalSection:
			n := rest.uint()
			body = slices.Concat(uleb(n-1), bytes.TrimSuffix(body[rest.at:], slices.Concat([]byte{0x7f, 0x01, 0x41}, sleb(fuel), []byte{0x0b})))
		case exportSection:
			spend = exported(body, "spend", 0)
			n := rest.uint()
			body = slices.Concat(uleb(n-1), bytes.TrimSuffix(body[rest.at:], []byte("\x02sp\x03\x00")))
		case codeSection:
			n := rest.uint()
			body = uleb(n)
			for i := range n {
				function := rest.take(int(rest.uint()))
				if imported+i != spend {
					function = unmeteredFunction(function, takes[i])
				}
				body = slices.Concat(body, uleb(uint32(len(function))), function)
			}
		}
		out = slices.Concat(out, []byte{id}, uleb(uint32(len(body))), body)
	}
	return out
}

// unmeteredFunction returns the body of a function without the checks, the marks and the
// locals of meter.
func unmeteredFunction(body []byte, first uint32) []byte {
	r := reader{body, 0}
	groups := r.uint()
	start := r.at
	for range groups - 4 {
		first += r.uint()
		r.byte()
	}
	var out bytes.Buffer
	out.Write(uleb(groups - 4))
	out.Write(body[start:r.at])
	r.take(8)                  // the locals of meter
	pass := func(until byte) { // passes over instructions
		for op := r.byte(); ; op = r.byte() {
			if r.immediates(op); op == until {
				return
			}
		}
	}
	check := func() { pass(0x0b); pass(0x24) } // to the end of the if, and to the new value of the counter
	check()
	for r.at < len(body) {
		start := r.at
		op := r.byte()
		if op == 0x21 && r.uint() >= first { // a value that will be stored
			pass(0x20)
			start = r.at
			r.immediates(r.byte())
			out.Write(body[start:r.at])
			pass(0x3a) // the mark
			continue
		}
		r.at = start + 1
		r.immediates(op)
		out.Write(body[start:r.at])
		if op == 0x03 {
			check()
		}
	}
	return out.Bytes()
}

// A bulk operation would take long for a single unit of fuel.
func TestBulkOperationsAreRefused(t *testing.T) {
	for sub := range byte(20) {
		conversion := reader{[]byte{sub, 0, 0}, 0}
		if sub <= 7 { // saturating
			conversion.immediates(0xfc)
			assert.Equal(t, 1, conversion.at)
			continue
		}
		assert.Panics(t, func() { conversion.immediates(0xfc) }, "%d", sub)
	}
}
