// Package exact changes JSON and forms without touching what stays the same: numbers
// keep their spelling, members their order, strings their escapes.
package exact

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep JSON may nest.
const maxDepth = 10_000

// ErrSyntax says that a text is not JSON (RFC 8259), or nests too deep.
var ErrSyntax = errors.New("the text is not JSON, or nests too deep")

// A Text is a JSON text, read: its values in their order.
type Text struct {
	source []byte
	values []value // an object is followed by names and values in turn, an array by values
}

// A value is a place in the source. A small value matters: an API's text of 1 MiB may
// have half a million.
type value struct {
	start, end uint32
	next       uint32 // the value behind this one and all that is in this one
}

// Parse reads a JSON text (RFC 8259).
func Parse(source []byte) (*Text, error) {
	if len(source) > math.MaxInt32 {
		return nil, ErrSyntax
	}
	p := parser{text: source, values: make([]value, 0, count(source))}
	p.value(0)
	p.space()
	if p.failed || p.at < len(source) {
		return nil, ErrSyntax
	}
	return &Text{source, p.values}, nil
}

// count returns how many values a JSON text has at most.
func count(source []byte) (n int) {
	quoted := false
	for i := 0; i < len(source); i++ {
		switch source[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',', ':', '[', '{':
			if !quoted {
				n++
			}
		}
	}
	return n + 1
}

// A parser reads a text from left to right.
type parser struct {
	text   []byte
	values []value
	at     int
	failed bool
}

// begin notes a value that begins here, and done that the value ends here.
func (p *parser) begin() (at int) {
	p.values = append(p.values, value{start: uint32(p.at)})
	return len(p.values) - 1
}

func (p *parser) done(at int) {
	p.values[at].end, p.values[at].next = uint32(p.at), uint32(len(p.values))
}

// peek returns the next byte, or 0 at the end and after a failure.
func (p *parser) peek() byte {
	if p.failed || p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *parser) fail() { p.failed = true }

// take passes over c, which must come next.
func (p *parser) take(c byte) {
	if p.peek() != c {
		p.fail()
		return
	}
	p.at++
}

func (p *parser) space() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.peek() {
		p.at++
	}
}

func (p *parser) value(depth int) {
	p.space()
	at := p.begin()
	switch c := p.peek(); {
	case depth > maxDepth:
		p.fail()
	case c == '{' || c == '[':
		p.members(c, depth)
	case c == '"':
		p.quoted()
	case c == 't':
		p.word("true")
	case c == 'f':
		p.word("false")
	case c == 'n':
		p.word("null")
	default:
		p.number()
	}
	p.done(at)
}

// members reads an object or an array.
func (p *parser) members(kind byte, depth int) {
	last := byte('}')
	if kind == '[' {
		last = ']'
	}
	p.at++
	first := true
	for p.space(); p.peek() != last; p.space() {
		if !first {
			p.take(',')
			p.space()
		}
		first = false
		if kind == '{' {
			name := p.begin()
			p.quoted()
			p.done(name)
			p.space()
			p.take(':')
		}
		if p.value(depth + 1); p.failed {
			return
		}
	}
	p.at++
}

// quoted reads a string.
func (p *parser) quoted() {
	p.take('"')
	for {
		switch c := p.peek(); {
		case c == '"':
			p.at++
			return
		case c < ' ':
			p.fail()
			return
		case c == '\\':
			p.at++
			p.escape()
		default:
			p.at++
		}
	}
}

func (p *parser) escape() {
	switch p.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.at++
	case 'u':
		p.at++
		for range 4 {
			if c := p.peek(); c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
				p.at++
			} else {
				p.fail()
			}
		}
	default:
		p.fail()
	}
}

func (p *parser) word(w string) {
	for i := range len(w) {
		p.take(w[i])
	}
}

func (p *parser) number() {
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else {
		p.digits()
	}
	if p.peek() == '.' {
		p.at++
		p.digits()
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c = p.peek(); c == '+' || c == '-' {
			p.at++
		}
		p.digits()
	}
}

// digits passes over one digit or more.
func (p *parser) digits() {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	if p.at == start {
		p.fail()
	}
}

// kind returns the first byte of value i, or 0 for numbers.
func (t *Text) kind(i int) byte {
	if c := t.source[t.values[i].start]; c != '-' && (c < '0' || c > '9') {
		return c
	}
	return 0
}

// raw returns value i as it is spelled.
func (t *Text) raw(i int) []byte { return t.source[t.values[i].start:t.values[i].end] }

// next returns the value behind value i and all that is in value i.
func (t *Text) next(i int) int { return int(t.values[i].next) }

// members calls each with the members of the object or array i: the name, or -1 in an
// array, and the value.
func (t *Text) members(i int, each func(name, value int)) {
	object, end := t.kind(i) == '{', t.next(i)
	for at := i + 1; at < end; at = t.next(at) {
		name := -1
		if object {
			name, at = at, at+1 // a name has nothing inside
		}
		each(name, at)
	}
}

// string returns the string that value i means. A surrogate without its other half
// becomes the three bytes that UTF-8 has for its number, so different strings
// differ.
func (t *Text) string(i int) string {
	raw := t.raw(i)
	raw = raw[1 : len(raw)-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch c := raw[i]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			u := unit(raw[i+1:])
			i += 4
			if i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if r := utf16.DecodeRune(u, unit(raw[i+3:])); r != utf8.RuneError {
					u = r
					i += 6
				}
			}
			if utf16.IsSurrogate(u) {
				out = append(out, 0xe0|byte(u>>12), 0x80|byte(u>>6)&0x3f, 0x80|byte(u)&0x3f)
			} else {
				out = utf8.AppendRune(out, u)
			}
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// unit returns the number of four hexadecimal digits.
func unit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16)
	return rune(n)
}

// Strings calls found with each string and number inside a member whose name, or the
// name of a member around, is one of those that secret reports. A string comes as what
// the string means and, if that differs, as it is spelled. Strings ends when found
// returns false.
func (t *Text) Strings(secret func(name string) bool, found func(value string) bool) {
	more := true
	var look func(i int, inside bool)
	look = func(i int, inside bool) {
		switch kind := t.kind(i); {
		case kind == '{' || kind == '[':
			t.members(i, func(at, value int) {
				if more {
					look(value, inside || at >= 0 && secret(t.string(at)))
				}
			})
		case inside && kind == '"':
			meant, spelled := t.string(i), t.raw(i)
			more = found(meant)
			if inner := string(spelled[1 : len(spelled)-1]); more && inner != meant {
				more = found(inner)
			}
		case inside && kind == 0:
			more = found(string(t.raw(i)))
		}
	}
	look(0, false)
}
