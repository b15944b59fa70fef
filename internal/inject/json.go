package inject

import (
	"bytes"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth limits the nesting of documents, as encoding/json does.
const maxDepth = 10_000

// utf8BOM may begin a document; it is kept, because the receiver is to get
// what the caller wrote.
const utf8BOM = "\xef\xbb\xbf"

// spliceJSON returns the JSON object body with the fields in it; the bytes of
// all other members, and the white space, stay as they are. A member that the
// fields have is replaced where it stands, and removed where it is repeated;
// what is missing is appended to its object. An empty body means {}.
func (f *Fields) spliceJSON(body []byte) ([]byte, error) {
	if len(body) == 0 {
		return bytes.Clone(f.root.value), nil
	}
	s := splicer{data: body, out: make([]byte, 0, len(body)+len(f.root.value)+1)}
	if bytes.HasPrefix(body, []byte(utf8BOM)) {
		s.pos = len(utf8BOM)
	}
	s.space()
	if c := s.peek(); c != '{' && c != 0 {
		return nil, refuse("the JSON document at byte %d is not an object: send an object", s.pos)
	}
	if err := s.object(&f.root); err != nil {
		return nil, err
	}
	if s.space(); s.pos < len(s.data) {
		return nil, refuse("byte %d comes after the end of the JSON object: send one object and nothing after it", s.pos)
	}
	return append(s.out, s.data[s.copied:]...), nil
}

// A splicer reads a JSON document once, from its start to its end, and writes
// a copy with changes.
type splicer struct {
	data   []byte
	pos    int    // what is before it has been read
	out    []byte // the new document
	copied int    // what is before it is in out, or replaced
	depth  int    // how many calls of object are under way
	open   []byte // the closing brackets of what skip is inside of
}

// replace puts text in the place of the bytes from start to end. Calls go from
// the start of the document to its end.
func (s *splicer) replace(start, end int, text []byte) {
	s.out = append(s.out, s.data[s.copied:start]...)
	s.out = append(s.out, text...)
	s.copied = end
}

// object reads an object and puts the children of n into it. It calls itself
// for those children only, so no document can make it recurse deeply.
func (s *splicer) object(n *node) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	s.depth++
	found := make([]bool, len(n.children))
	empty, end := true, s.pos // end is where the last member ended
	for s.space(); s.peek() != '}'; s.space() {
		if !empty {
			if err := s.expect(','); err != nil {
				return err
			}
		}
		key, err := s.key()
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(n.children, func(c *node) bool { return isKey(key, c.name) }); i < 0 {
			err = s.skip()
		} else {
			err = s.member(n.children[i], end, found[i])
			found[i] = true
		}
		if err != nil {
			return err
		}
		empty, end = false, s.pos
	}
	for i, c := range n.children {
		if found[i] {
			continue
		}
		s.replace(end, end, nil)
		if !empty {
			s.out = append(s.out, ',')
		}
		s.out = append(s.out, c.member...)
		empty = false
	}
	s.depth--
	return s.expect('}')
}

// member reads the value of a member that is on the way to a field and puts
// the field in. end is where the member before it ended; found tells that the
// object had the same member before.
func (s *splicer) member(n *node, end int, found bool) error {
	start := s.pos
	switch isField := len(n.children) == 0; {
	case !isField && found:
		return refuse("byte %d of the JSON document repeats a member that fields go into: send it once", start)
	case !isField && s.peek() == '{':
		return s.object(n)
	case !isField && s.peek() != 'n':
		return refuse("the value at byte %d of the JSON document is not an object, and fields go into it: send an object or leave it out", start)
	}
	if err := s.skip(); err != nil {
		return err
	}
	if found {
		s.replace(end, s.pos, nil) // from the comma that is before it
	} else {
		s.replace(start, s.pos, n.value)
	}
	return nil
}

// skip reads one value of any kind.
func (s *splicer) skip() error {
	s.open = s.open[:0]
	for {
		// A value begins here.
		var err error
		switch c := s.peek(); c {
		case '{', '[':
			if s.depth+len(s.open) == maxDepth {
				return refuse("the JSON document is nested more than %d deep at byte %d: send a flatter one", maxDepth, s.pos)
			}
			s.pos++
			s.open = append(s.open, c+2) // in ASCII, the closing bracket is two after the opening one
			if s.space(); s.peek() == c+2 {
				break
			}
			if c == '{' {
				if _, err := s.key(); err != nil {
					return err
				}
			}
			continue
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
		if err != nil {
			return err
		}
		// A value has ended here, or an array or object is about to end.
		for {
			if len(s.open) == 0 {
				return nil
			}
			s.space()
			closing := s.open[len(s.open)-1]
			if s.peek() != closing {
				break
			}
			s.pos++
			s.open = s.open[:len(s.open)-1]
		}
		if err := s.expect(','); err != nil {
			return err
		}
		s.space()
		if s.open[len(s.open)-1] == '}' {
			if _, err := s.key(); err != nil {
				return err
			}
		}
	}
}

// key reads the name of a member, the colon, and the white space around them.
// It returns the name as it is written between the quotes.
func (s *splicer) key() (name []byte, err error) {
	s.space()
	if name, err = s.string(); err != nil {
		return nil, err
	}
	s.space()
	if err = s.expect(':'); err != nil {
		return nil, err
	}
	s.space()
	return name, nil
}

// string reads a string and returns what is between the quotes.
func (s *splicer) string() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start := s.pos
	for {
		s.pos += plain(s.data[s.pos:])
		switch s.peek() {
		case '"':
			s.pos++
			return s.data[start : s.pos-1], nil
		case '\\':
			s.pos++
			switch s.peek() {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if s.pos++; !isHex(s.peek()) {
						return nil, s.malformed()
					}
				}
			default:
				return nil, s.malformed()
			}
			s.pos++
		default: // a control character, or the end of the document
			return nil, s.malformed()
		}
	}
}

// plain returns how many of the first bytes of data stand for themselves in a
// string.
func plain(data []byte) int {
	for i, c := range data {
		if c < ' ' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(data)
}

// number reads a number.
func (s *splicer) number() error {
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
func (s *splicer) digits() error {
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
func (s *splicer) literal(word string) error {
	for i := range len(word) {
		if err := s.expect(word[i]); err != nil {
			return err
		}
	}
	return nil
}

// expect reads the character c.
func (s *splicer) expect(c byte) error {
	if s.peek() != c {
		return s.malformed()
	}
	s.pos++
	return nil
}

// peek returns the next byte, or 0 at the end of the document, where no JSON
// has a 0.
func (s *splicer) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// space reads white space.
func (s *splicer) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *splicer) malformed() error {
	return refuse("the JSON document is malformed at byte %d: send a valid one", s.pos)
}

// isKey reports whether raw, the inside of a valid JSON string, spells name.
func isKey(raw []byte, name string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == name
	}
	var scratch [utf8.UTFMax]byte
	for len(raw) > 0 {
		piece, size := raw[:1], 1
		if raw[0] == '\\' {
			var r rune
			r, size = unescape(raw)
			piece = utf8.AppendRune(scratch[:0], r)
		}
		if len(name) < len(piece) || name[:len(piece)] != string(piece) {
			return false
		}
		raw, name = raw[size:], name[len(piece):]
	}
	return name == ""
}

// unescape returns the character that raw's first escape stands for, and the
// length of the escape. A lone surrogate stands for U+FFFD.
func unescape(raw []byte) (r rune, size int) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = unescapeUnit(raw)
		if utf16.IsSurrogate(r) {
			if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
				if pair := utf16.DecodeRune(r, unescapeUnit(raw[6:])); pair != utf8.RuneError {
					return pair, 12
				}
			}
			r = utf8.RuneError
		}
		return r, 6
	default: // a quote, a backslash or a slash
		return rune(c), 2
	}
}

// unescapeUnit returns the UTF-16 code unit that the start of raw, a backslash,
// a u and four hexadecimal digits, stands for.
func unescapeUnit(raw []byte) (r rune) {
	for _, c := range raw[2:6] {
		r = r<<4 | rune(unhex(c))
	}
	return r
}
