package inject

import (
	"encoding/binary"
	"math/bits"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// maxDepth limits the nesting of documents, as encoding/json does.
const maxDepth = 10_000

// A scanner reads a JSON document from start to end. Each method reads what the
// method is called after, and returns a refusal if the document has something
// else.
type scanner struct {
	data  []byte
	pos   int    // the position of the next byte to read
	depth int    // how many objects of splicer.object are open
	open  []byte // the closing brackets of the objects and arrays that skip has open
}

// skip reads one value of any kind, with all values inside. skip does not call
// itself, so no document can cause a deep recursion.
func (s *scanner) skip() error {
	s.open = s.open[:0]
	for {
		opened, err := s.value()
		if err != nil {
			return err
		}
		if opened {
			continue // the first value inside the brackets is next
		}
		if s.close() {
			return nil
		}
		if err := s.comma(); err != nil {
			return err
		}
	}
}

// value reads a value without values inside, or only the opening bracket of a
// value with values inside. opened tells that the first value inside is next.
func (s *scanner) value() (opened bool, err error) {
	switch c := s.peek(); c {
	case '{', '[':
		return s.bracket(c)
	case '"':
		_, err = s.string()
	case 't':
		err = s.literal("true")
	case 'f':
		err = s.literal("false")
	case 'n':
		err = s.literal("null")
	default:
		err = s.number()
	}
	return false, err
}

// bracket reads the opening bracket c and, in an object, the name of the first
// member. opened is false if the brackets are empty.
func (s *scanner) bracket(c byte) (opened bool, err error) {
	if s.depth+len(s.open) == maxDepth {
		return false, refuse("the JSON document is nested more than %d deep at byte %d: send a flatter one", maxDepth, s.pos)
	}
	s.pos++
	closing := c + 2 // in ASCII, a closing bracket is two after the opening bracket
	s.open = append(s.open, closing)
	if s.space(); s.peek() == closing {
		return false, nil
	}
	if c == '{' {
		_, err = s.key()
	}
	return true, err
}

// close reads the closing brackets that come next, and reports whether all
// brackets are closed.
func (s *scanner) close() bool {
	for len(s.open) > 0 {
		s.space()
		if s.peek() != s.open[len(s.open)-1] {
			return false
		}
		s.pos++
		s.open = s.open[:len(s.open)-1]
	}
	return true
}

// comma reads the comma before the next value and, in an object, the name of the
// value.
func (s *scanner) comma() error {
	if !s.next(',') {
		return s.malformed()
	}
	s.space()
	if s.open[len(s.open)-1] == '}' {
		_, err := s.key()
		return err
	}
	return nil
}

// key reads the name of a member, the colon, and white space up to the value. key
// returns the name as written between the quotes.
func (s *scanner) key() (name []byte, err error) {
	if name, err = s.string(); err != nil {
		return nil, err
	}
	s.space()
	if !s.next(':') {
		return nil, s.malformed()
	}
	s.space()
	return name, nil
}

// string reads a string and returns the bytes between the quotes.
func (s *scanner) string() ([]byte, error) {
	if !s.next('"') {
		return nil, s.malformed()
	}
	start := s.pos
	for {
		s.pos += plain(s.data[s.pos:])
		switch {
		case s.next('"'):
			return s.data[start : s.pos-1], nil
		case s.next('\\'):
			if err := s.escape(); err != nil {
				return nil, err
			}
		default: // a control character, or the end of the document
			return nil, s.malformed()
		}
	}
}

// escape reads the rest of an escape in a string, after the backslash.
func (s *scanner) escape() error {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
	case 'u':
		for range 4 {
			if s.pos++; wire.Unhex(s.peek()) < 0 {
				return s.malformed()
			}
		}
	default:
		return s.malformed()
	}
	s.pos++
	return nil
}

// plain returns how many of the first bytes of data stand for themselves in a
// string: all bytes before a quote, a backslash or a control character.
func plain(data []byte) (n int) {
	for len(data)-n >= 8 { // eight bytes at a time
		if special := specials(binary.LittleEndian.Uint64(data[n:])); special != 0 {
			return n + bits.TrailingZeros64(special)/8
		}
		n += 8
	}
	return n + plainBytes(data[n:])
}

// plainBytes is plain, one byte at a time.
func plainBytes(data []byte) int {
	for i, c := range data {
		if c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(data)
}

// specials finds quotes, backslashes and control characters among the eight bytes
// of x. The lowest bit that is set in the result is the highest bit of the first
// of these characters. The result is 0 if there are none.
func specials(x uint64) uint64 {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^each*'"', x^each*'\\' // a zero byte is a match
	return ((x-each*' ')&^x | (quote-each)&^quote | (backslash-each)&^backslash) & high
}

// number reads a number.
func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.pos++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.peek()|0x20 == 'e' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return nil
}

// digits reads one decimal digit or more.
func (s *scanner) digits() error {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	if s.pos == start {
		return s.malformed()
	}
	return nil
}

// literal reads the given word.
func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if !s.next(word[i]) {
			return s.malformed()
		}
	}
	return nil
}

// expect reads the character c.
func (s *scanner) expect(c byte) error {
	if !s.next(c) {
		return s.malformed()
	}
	return nil
}

// next reads the character c if c comes next, and reports whether c came next.
func (s *scanner) next(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// peek returns the next byte without reading the byte, and 0 at the end of the
// document. No valid JSON has a 0 where peek is called.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// space reads white space.
func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) malformed() error {
	return refuse("the JSON document is malformed at byte %d: send a valid one", s.pos)
}
