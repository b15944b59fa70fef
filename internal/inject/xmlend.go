package inject

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// What a byte means in the name of an element or attribute (XML 1.0 section 2.3).
const (
	notInName   = iota
	firstInName // may begin a name
	laterInName // may only follow
	wideInName  // belongs to a character outside ASCII
)

var xmlNameBytes = func() (table [256]uint8) {
	for c := range table {
		switch c := byte(c); {
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == ':':
			table[c] = firstInName
		case '0' <= c && c <= '9' || c == '-' || c == '.':
			table[c] = laterInName
		case c >= utf8.RuneSelf:
			table[c] = wideInName
		}
	}
	return table
}()

// The functions below read a part of an XML document from pos, and return the
// position after the part. ok is false if the document has something else.

// xmlTextEnd reads text up to a tag, or to the end of the document.
func xmlTextEnd(data []byte, pos int) (end int, ok bool) {
	for {
		if pos, ok = xmlPlainEnd(data, pos, ']'); !ok {
			return pos, false
		}
		switch at(data, pos) {
		case '&':
			if pos, ok = xmlReferenceEnd(data, pos+1); !ok {
				return pos, false
			}
		case ']':
			if bytes.HasPrefix(data[pos:], []byte("]]>")) { // XML 1.0 section 2.4
				return pos, false
			}
			pos++
		default:
			return pos, true
		}
	}
}

// xmlValueEnd reads the rest of the value of an attribute, after the quote that
// begins the value.
func xmlValueEnd(data []byte, pos int, quote byte) (end int, ok bool) {
	for {
		if pos, ok = xmlPlainEnd(data, pos, quote); !ok {
			return pos, false
		}
		switch at(data, pos) {
		case quote:
			return pos + 1, true
		case '&':
			if pos, ok = xmlReferenceEnd(data, pos+1); !ok {
				return pos, false
			}
		default: // a <, or the end of the document
			return pos, false
		}
	}
}

// xmlCDATAEnd reads the rest of a CDATA section.
func xmlCDATAEnd(data []byte, pos int) (end int, ok bool) {
	for {
		if pos, ok = xmlPlainEnd(data, pos, ']'); !ok || pos == len(data) {
			return pos, false
		}
		if bytes.HasPrefix(data[pos:], []byte("]]>")) {
			return pos + len("]]>"), true
		}
		pos++
	}
}

// xmlCommentEnd reads the rest of a comment, which must not have two hyphens inside
// (XML 1.0 section 2.5).
func xmlCommentEnd(data []byte, pos int) (end int, ok bool) {
	length := bytes.Index(data[pos:], []byte("--"))
	if length < 0 {
		return pos, false
	}
	pos += length + len("--")
	return pos + 1, at(data, pos) == '>'
}

// xmlPlainEnd reads characters that stand for themselves, up to a <, an &, the byte
// stop or the end of the document.
func xmlPlainEnd(data []byte, pos int, stop byte) (end int, ok bool) {
	for pos < len(data) {
		if len(data)-pos >= 8 { // eight bytes at a time
			special := xmlSpecials(binary.LittleEndian.Uint64(data[pos:]), stop)
			if special == 0 {
				pos += 8
				continue
			}
			pos += bits.TrailingZeros64(special) / 8
		}
		switch c := data[pos]; {
		case c == '<' || c == '&' || c == stop:
			return pos, true
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(data[pos:])
			if r == utf8.RuneError && size == 1 || !isXMLRune(r) {
				return pos, false
			}
			pos += size
		case c < ' ' && !isSpace(c):
			return pos, false
		default:
			pos++
		}
	}
	return pos, true
}

// xmlSpecials finds among the eight bytes of x what xmlPlainEnd has to look at: a <, an
// &, stop, control characters, and bytes outside ASCII. The lowest bit that is set in
// the result is the highest bit of the first of these bytes.
func xmlSpecials(x uint64, stop byte) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	less, and, other := x^each*'<', x^each*'&', x^each*uint64(stop) // a zero byte is a match
	return (x | (x-each*' ')&^x | (less-each)&^less | (and-each)&^and | (other-each)&^other) & high
}

// isXMLRune reports whether an XML document may have the character r (XML 1.0 section
// 2.2). Half of a surrogate pair stands for U+FFFD, as in encoding/xml.
func isXMLRune(r rune) bool {
	return (r >= ' ' || r == '\t' || r == '\n' || r == '\r') && r != 0xFFFE && r != 0xFFFF && r <= utf8.MaxRune
}

// xmlReferenceEnd reads the rest of a reference, after the ampersand. Only the five
// entities are known that no document has to declare (XML 1.0 section 4.6).
func xmlReferenceEnd(data []byte, pos int) (end int, ok bool) {
	if at(data, pos) == '#' {
		return xmlCharacterEnd(data, pos+1)
	}
	for _, name := range []string{"lt;", "gt;", "amp;", "apos;", "quot;"} {
		if bytes.HasPrefix(data[pos:], []byte(name)) {
			return pos + len(name), true
		}
	}
	return pos, false
}

// xmlCharacterEnd reads the rest of a reference to a character, after the number sign.
func xmlCharacterEnd(data []byte, pos int) (end int, ok bool) {
	base := rune(10)
	if at(data, pos) == 'x' {
		pos++
		base = 16
	}
	r := rune(0)
	for ; ; pos++ {
		digit := rune(wire.Unhex(at(data, pos)))
		if digit < 0 || digit >= base {
			break
		}
		r = min(r*base+digit, utf8.MaxRune+1)
	}
	return pos + 1, at(data, pos) == ';' && isXMLRune(r) // without digits, r is 0, which is no character
}
