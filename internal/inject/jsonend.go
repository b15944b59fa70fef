package inject

import (
	"encoding/binary"
	"math/bits"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// The functions below read a part of a JSON document from pos, and return the
// position after the part. ok is false if the document has something else; end is
// then the position of the first byte that does not belong. Positions stay in
// registers this way, and long documents take half the time.

// at returns the byte at pos, and 0 at the end of the document. No valid JSON has
// a 0 where at is called.
func at(data []byte, pos int) byte {
	if pos < len(data) {
		return data[pos]
	}
	return 0
}

// spaceEnd reads white space.
func spaceEnd(data []byte, pos int) (end int) {
	for pos < len(data) && data[pos] <= ' ' && isSpace(data[pos]) {
		pos++
	}
	return pos
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// keyEnd reads the name of a member, the colon, and white space up to the value.
func keyEnd(data []byte, pos int) (end int, ok bool) {
	if at(data, pos) != '"' {
		return pos, false
	}
	if pos, ok = stringEnd(data, pos+1); !ok {
		return pos, false
	}
	pos = spaceEnd(data, pos)
	if at(data, pos) != ':' {
		return pos, false
	}
	return spaceEnd(data, pos+1), true
}

// closeEnd reads the closing brackets that come next, with the white space before
// each. The last of open comes first. closeEnd returns the brackets that are still
// open. White space after the last bracket is not read.
func closeEnd(data []byte, pos int, open []byte) (end int, still []byte) {
	for len(open) > 0 {
		pos = spaceEnd(data, pos)
		if at(data, pos) != open[len(open)-1] {
			break
		}
		pos++
		open = open[:len(open)-1]
	}
	return pos, open
}

// stringEnd reads the rest of a string, after the quote that begins the string.
func stringEnd(data []byte, pos int) (end int, ok bool) {
	for {
		pos = plainEnd(data, pos)
		switch at(data, pos) {
		case '"':
			return pos + 1, true
		case '\\':
			if pos, ok = escapeEnd(data, pos+1); !ok {
				return pos, false
			}
		default: // a control character, or the end of the document
			return pos, false
		}
	}
}

// plainEnd reads the bytes that stand for themselves in a string: all bytes before a
// quote, a backslash or a control character.
func plainEnd(data []byte, pos int) (end int) {
	for len(data)-pos >= 8 { // eight bytes at a time
		if special := specials(binary.LittleEndian.Uint64(data[pos:])); special != 0 {
			return pos + bits.TrailingZeros64(special)/8
		}
		pos += 8
	}
	for pos < len(data) && data[pos] >= ' ' && data[pos] != '"' && data[pos] != '\\' {
		pos++
	}
	return pos
}

// specials finds quotes, backslashes and control characters among the eight bytes
// of x. The lowest bit that is set in the result is the highest bit of the first
// of these characters. The result is 0 if there are none.
func specials(x uint64) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^each*'"', x^each*'\\' // a zero byte is a match
	return ((x-each*' ')&^x | (quote-each)&^quote | (backslash-each)&^backslash) & high
}

// escapeEnd reads the rest of an escape in a string, after the backslash.
func escapeEnd(data []byte, pos int) (end int, ok bool) {
	switch at(data, pos) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
	case 'u':
		for range 4 {
			if pos++; wire.Unhex(at(data, pos)) < 0 {
				return pos, false
			}
		}
	default:
		return pos, false
	}
	return pos + 1, true
}

// numberEnd reads a number.
func numberEnd(data []byte, pos int) (end int, ok bool) {
	if at(data, pos) == '-' {
		pos++
	}
	if at(data, pos) == '0' {
		pos++
	} else if pos, ok = digitsEnd(data, pos); !ok {
		return pos, false
	}
	if at(data, pos) == '.' {
		if pos, ok = digitsEnd(data, pos+1); !ok {
			return pos, false
		}
	}
	if at(data, pos)|0x20 == 'e' {
		if pos++; at(data, pos) == '+' || at(data, pos) == '-' {
			pos++
		}
		return digitsEnd(data, pos)
	}
	return pos, true
}

// digitsEnd reads one decimal digit or more.
func digitsEnd(data []byte, pos int) (end int, ok bool) {
	start := pos
	for pos < len(data) && '0' <= data[pos] && data[pos] <= '9' {
		pos++
	}
	return pos, pos > start
}

// literalEnd reads the given word.
func literalEnd(data []byte, pos int, word string) (end int, ok bool) {
	for i := range len(word) {
		if at(data, pos) != word[i] {
			return pos, false
		}
		pos++
	}
	return pos, true
}
