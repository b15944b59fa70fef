// Command meter rewrites a WebAssembly module so the module counts what it does:
// each function call and each turn of a loop takes one unit of fuel, and when the fuel
// is spent, the module calls its exported function spend. The module also exports the
// global low: the lowest address that the stack has had; and the global sp: the stack
// pointer.
//
//	go run . in.wasm out.wasm
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
)

const fuel = 10_000 // between two calls of spend

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
	importSection = 2
	globalSection = 6
	exportSection = 7
	codeSection   = 10
)

// meter returns the module with the counter.
func meter(module []byte) []byte {
	sections := map[byte][]byte{}
	for r := (reader{module, 8}); r.at < len(module); {
		id := r.byte()
		size := int(r.uint())
		sections[id] = r.take(size)
	}
	globals, spend, imported := count(sections[globalSection]), exported(sections[exportSection], "spend"), importedFunctions(sections[importSection])

	if !bytes.HasPrefix(sections[globalSection][1:], []byte{0x7f, 0x01}) {
		panic("global 0 is not the stack pointer")
	}
	counter, low := globals, globals+1

	out := slices.Clone(module[:8])
	for r := (reader{module, 8}); r.at < len(module); {
		id := r.byte()
		size := int(r.uint())
		body := r.take(size)
		rest := reader{body, 0}
		switch id {
		case globalSection: // two more: i32, mutable
			rest.uint()
			body = slices.Concat(uleb(globals+2), body[rest.at:],
				[]byte{0x7f, 0x01, 0x41}, sleb(fuel), []byte{0x0b},
				[]byte{0x7f, 0x01, 0x41}, sleb(1<<30), []byte{0x0b})
		case exportSection: // two more globals
			n := rest.uint()
			body = slices.Concat(uleb(n+2), body[rest.at:], []byte("\x03low\x03"), uleb(low), []byte("\x02sp\x03\x00"))
		case codeSection:
			body = code(body, counter, low, spend, imported)
		}
		out = slices.Concat(out, []byte{id}, uleb(uint32(len(body))), body)
	}
	return out
}

// code returns the code section with the counter.
func code(section []byte, counter, low, spend, imported uint32) []byte {
	// if (counter == 0) { spend(); counter = fuel }; counter--
	check := slices.Concat(
		[]byte{0x23}, uleb(counter), []byte{0x45, 0x04, 0x40, 0x10}, uleb(spend),
		[]byte{0x41}, sleb(fuel), []byte{0x24}, uleb(counter), []byte{0x0b},
		[]byte{0x23}, uleb(counter), []byte{0x41, 0x01, 0x6b, 0x24}, uleb(counter))
	// if (stack pointer < low) low = stack pointer
	note := slices.Concat(
		[]byte{0x23, 0x00, 0x23}, uleb(low), []byte{0x49, 0x04, 0x40, 0x23, 0x00, 0x24}, uleb(low), []byte{0x0b})
	r := reader{section, 0}
	n := r.uint()
	out := uleb(n)
	for i := range n {
		size := int(r.uint())
		body := r.take(size)
		if imported+i != spend {
			body = function(body, check, note)
		}
		out = slices.Concat(out, uleb(uint32(len(body))), body)
	}
	return out
}

// function returns the body of a function with check at its start and at the start of
// each loop, and note after each change of the stack pointer.
func function(body, check, note []byte) []byte {
	r := reader{body, 0}
	for range r.uint() { // locals
		r.uint()
		r.byte()
	}
	var out bytes.Buffer
	out.Write(body[:r.at])
	out.Write(check)
	for r.at < len(body) {
		start := r.at
		op := r.byte()
		r.immediates(op)
		out.Write(body[start:r.at])
		switch {
		case op == 0x03: // loop
			out.Write(check)
		case op == 0x24 && body[start+1] == 0: // global.set 0
			out.Write(note)
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

// exported returns the index of an exported function.
func exported(section []byte, want string) uint32 {
	r := reader{section, 0}
	for range r.uint() {
		name := string(r.take(int(r.uint())))
		kind, index := r.byte(), r.uint()
		if kind == 0 && name == want {
			return index
		}
	}
	panic("no export " + want)
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
