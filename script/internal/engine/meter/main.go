// Command meter rewrites a WebAssembly module so the module counts what it does, and
// notes where it writes. Each function call and each turn of a loop takes one unit of
// fuel, and when the fuel is spent, the module calls its exported function spend. After
// each store, a byte of the exported array cards is 1. The byte stands for a card, a part
// of the memory: what was stored is on this card, or on the next. The module also exports
// the global sp: the stack pointer.
//
//	go run . in.wasm out.wasm
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
)

const (
	fuel = 10_000 // between two calls of spend

	// package engine and machine.c have the same numbers
	cardBits = 8       // a card has 256 bytes
	cards    = 1 << 14 // the cards of 4 MiB: addresses behind them begin at the first card again
	pad      = 256     // before the cards
)

func main() {
	module, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[2], meter(module), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The sections that meter reads or changes.
const (
	typeSection     = 1
	importSection   = 2
	functionSection = 3
	globalSection   = 6
	exportSection   = 7
	codeSection     = 10
)

// meter returns the module with the counter.
func meter(module []byte) []byte {
	sections := map[byte][]byte{}
	for r := (reader{module, 8}); r.at < len(module); {
		id := r.byte()
		size := int(r.uint())
		sections[id] = r.take(size)
	}
	exports := sections[exportSection]
	if !bytes.HasPrefix(sections[globalSection][1:], []byte{0x7f, 0x01}) {
		panic("global 0 is not the stack pointer")
	}
	c := coder{
		imported: importedFunctions(sections[importSection]), spend: exported(exports, "spend", 0), counter: count(sections[globalSection]),
		cards: constant(sections[globalSection], exported(exports, "cards", 3)) + pad, parameters: parameters(sections[typeSection], sections[functionSection]),
	}
	out := slices.Clone(module[:8])
	for r := (reader{module, 8}); r.at < len(module); {
		id := r.byte()
		size := int(r.uint())
		body := r.take(size)
		rest := reader{body, 0}
		switch id {
		case globalSection: // one more: i32, mutable
			rest.uint()
			body = slices.Concat(uleb(c.counter+1), body[rest.at:], []byte{0x7f, 0x01, 0x41}, sleb(fuel), []byte{0x0b})
		case exportSection: // one more global
			n := rest.uint()
			body = slices.Concat(uleb(n+1), body[rest.at:], []byte("\x02sp\x03\x00"))
		case codeSection:
			body = c.code(body)
		}
		out = slices.Concat(out, []byte{id}, uleb(uint32(len(body))), body)
	}
	return out
}

// A coder rewrites functions.
type coder struct {
	imported, spend uint32   // functions
	counter         uint32   // a global
	cards           uint32   // where the cards are
	parameters      []uint32 // how many parameters each function has
}

// code returns the code section with the counter and the cards.
func (c *coder) code(section []byte) []byte {
	r := reader{section, 0}
	n := r.uint()
	out := uleb(n)
	for i := range n {
		size := int(r.uint())
		body := r.take(size)
		if c.imported+i != c.spend {
			body = c.function(body, c.parameters[i])
		}
		out = slices.Concat(out, uleb(uint32(len(body))), body)
	}
	return out
}

// check is: if (counter == 0) { spend(); counter = fuel }; counter--
func (c *coder) check() []byte {
	return slices.Concat(
		[]byte{0x23}, uleb(c.counter), []byte{0x45, 0x04, 0x40, 0x10}, uleb(c.spend),
		[]byte{0x41}, sleb(fuel), []byte{0x24}, uleb(c.counter), []byte{0x0b},
		[]byte{0x23}, uleb(c.counter), []byte{0x41, 0x01, 0x6b, 0x24}, uleb(c.counter))
}

// store is a store, and then: cards[(address >> cardBits) % cards] = 1. A store that wrote
// to the cards cannot take its own mark away. first is the first of the five locals of a
// function for an address and a value.
func (c *coder) store(op byte, whole []byte, first uint32) []byte {
	address, value := uleb(first), uleb(first+storeTypes[op])
	return slices.Concat(
		[]byte{0x21}, value, []byte{0x22}, address, []byte{0x20}, value, whole,
		[]byte{0x20}, address, far(whole), []byte{0x41, cardBits, 0x76, 0x41}, sleb(cards-1), []byte{0x71},
		[]byte{0x41, 0x01, 0x3a, 0x00}, uleb(c.cards))
}

// far adds the offset of a store to the address, unless the store ends on the next card in
// any case.
func far(store []byte) []byte {
	r := reader{store, 1}
	r.skip()
	offset := r.uint()
	if offset <= 1<<cardBits-8 {
		return nil
	}
	return slices.Concat([]byte{0x41}, sleb(offset), []byte{0x6a})
}

// storeTypes says by opcode which local takes the value of a store: 1 for i32, 2 for
// i64, 3 for f32, 4 for f64.
var storeTypes = map[byte]uint32{0x36: 1, 0x37: 2, 0x38: 3, 0x39: 4, 0x3a: 1, 0x3b: 1, 0x3c: 2, 0x3d: 2, 0x3e: 2}

// function returns the body of a function with a check at its start and at the start of
// each loop, and a mark after each store.
func (c *coder) function(body []byte, parameters uint32) []byte {
	r := reader{body, 0}
	groups, locals := r.uint(), parameters
	start := r.at
	for range groups {
		locals += r.uint()
		r.byte()
	}
	var out bytes.Buffer
	out.Write(uleb(groups + 4))
	out.Write(body[start:r.at])
	out.Write([]byte{2, 0x7f, 1, 0x7e, 1, 0x7d, 1, 0x7c}) // two i32, an i64, an f32, an f64
	out.Write(c.check())
	for r.at < len(body) {
		start := r.at
		op := r.byte()
		r.immediates(op)
		if storeTypes[op] != 0 {
			out.Write(c.store(op, body[start:r.at], locals))
			continue
		}
		out.Write(body[start:r.at])
		if op == 0x03 { // loop
			out.Write(c.check())
		}
	}
	return out.Bytes()
}

// A reader reads a module.
type reader struct {
	b  []byte
	at int
}

func (r *reader) byte() byte {
	r.at++
	return r.b[r.at-1]
}

func (r *reader) take(n int) []byte {
	r.at += n
	return r.b[r.at-n : r.at]
}

// uint reads an unsigned LEB128.
func (r *reader) uint() (n uint32) {
	for shift := 0; ; shift += 7 {
		c := r.byte()
		n |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

// skip passes over a LEB128 of any kind.
func (r *reader) skip() {
	for r.byte() >= 0x80 {
	}
}

// immediates passes over what follows an opcode.
func (r *reader) immediates(op byte) {
	switch {
	case op == 0x02 || op == 0x03 || op == 0x04: // block, loop, if: a type
		r.skip()
	case op == 0x0c || op == 0x0d || op == 0x10 || op >= 0x20 && op <= 0x24 || op == 0x3f || op == 0x40: // br, call, variables, memory
		r.skip()
	case op == 0x41 || op == 0x42:
		r.skip()
	case op == 0x0e: // br_table
		for range r.uint() + 1 {
			r.skip()
		}
	case op == 0x11 || op >= 0x28 && op <= 0x3e: // call_indirect, loads and stores
		r.skip()
		r.skip()
	case op == 0x43:
		r.take(4)
	case op == 0x44:
		r.take(8)
	case op == 0x00 || op == 0x01 || op == 0x05 || op == 0x0b || op == 0x0f || op == 0x1a || op == 0x1b || op >= 0x45 && op <= 0xc4:
	case op == 0xfc:
		if sub := r.uint(); sub > 7 { // 0 to 7: saturating conversions
			panic(fmt.Sprintf("a bulk operation (0xfc %d): its time depends on its operands", sub))
		}
	default:
		panic(fmt.Sprintf("unknown opcode %#x", op))
	}
}

func count(section []byte) uint32 { return (&reader{section, 0}).uint() }

// exported returns the index of an export of this kind: 0 for functions, 3 for globals.
func exported(section []byte, want string, kind byte) uint32 {
	r := reader{section, 0}
	for range r.uint() {
		name := string(r.take(int(r.uint())))
		if k, index := r.byte(), r.uint(); k == kind && name == want {
			return index
		}
	}
	panic("no export " + want)
}

// constant returns the value of a global that is a constant, an i32.
func constant(section []byte, index uint32) (n uint32) {
	r := reader{section, 0}
	r.uint()
	for range index + 1 {
		r.take(2) // type, mutability
		if op := r.byte(); op != 0x41 {
			panic("a global that is not an i32")
		}
		n = r.uint() // a positive number has the same bytes with and without a sign
		r.byte()
	}
	return n
}

// parameters returns how many parameters each function of the module has.
func parameters(types, functions []byte) (all []uint32) {
	var ofType []uint32
	r := reader{types, 0}
	for range r.uint() {
		r.byte()
		n := r.uint()
		r.take(int(n))
		r.take(int(r.uint()))
		ofType = append(ofType, n)
	}
	r = reader{functions, 0}
	for range r.uint() {
		all = append(all, ofType[r.uint()])
	}
	return all
}

// importedFunctions returns how many functions are imported.
func importedFunctions(section []byte) (functions uint32) {
	r := reader{section, 0}
	for range r.uint() {
		r.take(int(r.uint()))
		r.take(int(r.uint()))
		if kind := r.byte(); kind != 0 {
			panic("an import that is no function")
		}
		r.skip()
		functions++
	}
	return functions
}

func uleb(n uint32) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// sleb is the signed LEB128 of a number that is not negative.
func sleb(n uint32) (b []byte) {
	for ; n >= 0x40; n >>= 7 {
		b = append(b, byte(n)&0x7f|0x80)
	}
	return append(b, byte(n))
}
