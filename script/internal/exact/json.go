// Package exact changes JSON and forms without touching what stays the same: numbers
// keep their spelling, members their order, strings their escapes.
package exact

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep JSON may nest.
const maxDepth = 10_000

// ErrSyntax says that a text is not JSON (RFC 8259), or nests too deep.
var ErrSyntax = errors.New("the text is not JSON, or nests too deep")

// A Value is a value in a JSON text.
type Value struct {
	kind       byte // the first byte; 0 for numbers
	start, end int  // the place in the text
	names      []Value
	values     []Value // of an object or array
}

// Parse reads a JSON text (RFC 8259).
func Parse(text []byte) (Value, error) {
	p := parser{text: text}
	v := p.value(0)
	p.space()
	if p.failed || p.at < len(text) {
		return Value{}, ErrSyntax
	}
	return v, nil
}

// A parser reads a text from left to right.
type parser struct {
	text   []byte
	at     int
	failed bool
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

func (p *parser) value(depth int) Value {
	p.space()
	v := Value{kind: p.peek(), start: p.at}
	switch {
	case depth > maxDepth:
		p.fail()
	case v.kind == '{' || v.kind == '[':
		p.members(&v, depth)
	case v.kind == '"':
		p.quoted()
	case v.kind == 't':
		p.word("true")
	case v.kind == 'f':
		p.word("false")
	case v.kind == 'n':
		p.word("null")
	default:
		v.kind = 0
		p.number()
	}
	v.end = p.at
	return v
}

// members reads an object or an array.
func (p *parser) members(v *Value, depth int) {
	last := byte('}')
	if v.kind == '[' {
		last = ']'
	}
	p.at++
	for p.space(); p.peek() != last; p.space() {
		if len(v.values) > 0 {
			p.take(',')
			p.space()
		}
		if v.kind == '{' {
			name := Value{kind: p.peek(), start: p.at}
			p.quoted()
			name.end = p.at
			v.names = append(v.names, name)
			p.space()
			p.take(':')
		}
		v.values = append(v.values, p.value(depth+1))
		if p.failed {
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

// raw returns a value as it is in its text.
func (v Value) raw(text []byte) []byte { return text[v.start:v.end] }

// string returns the string that v means. A surrogate without its other half becomes
// the three bytes that UTF-8 has for its number, so that different strings differ.
func (v Value) string(text []byte) string {
	raw := text[v.start+1 : v.end-1]
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

// Strings calls found with each string and number in v, and the name of the member
// that the value belongs to; elements of an array have the name of the array. A
// string comes as what the string means and, if that differs, as it is spelled.
func (v Value) Strings(text []byte, found func(name, value string)) { v.strings(text, "", found) }

func (v Value) strings(text []byte, name string, found func(name, value string)) {
	switch v.kind {
	case '{', '[':
		for i, member := range v.values {
			inner := name
			if v.kind == '{' {
				inner = v.names[i].string(text)
			}
			member.strings(text, inner, found)
		}
	case '"':
		meant, spelled := v.string(text), string(text[v.start+1:v.end-1])
		found(name, meant)
		if spelled != meant {
			found(name, spelled)
		}
	case 0:
		found(name, string(v.raw(text)))
	}
}
