package inject

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
	data, pos, open := s.data, s.pos, s.open[:0]
	limit := maxDepth - s.depth
	for ok := true; ; { // each round begins with a value
		opened := false
		switch c := at(data, pos); c {
		case '"':
			pos, ok = stringEnd(data, pos+1)
		case '{', '[':
			if len(open) == limit {
				return refuse("the JSON document is nested more than %d deep at byte %d: send a flatter one", maxDepth, pos)
			}
			closing := c + 2 // in ASCII, a closing bracket is two after the opening bracket
			open = append(open, closing)
			pos = spaceEnd(data, pos+1)
			if opened = at(data, pos) != closing; opened && c == '{' {
				pos, ok = keyEnd(data, pos)
			}
		case 't':
			pos, ok = literalEnd(data, pos, "true")
		case 'f':
			pos, ok = literalEnd(data, pos, "false")
		case 'n':
			pos, ok = literalEnd(data, pos, "null")
		default:
			pos, ok = numberEnd(data, pos)
		}
		if ok && !opened {
			pos, open = closeEnd(data, pos, open)
			if len(open) == 0 {
				s.pos, s.open = pos, open
				return nil
			}
			if ok = at(data, pos) == ','; ok {
				if pos = spaceEnd(data, pos+1); open[len(open)-1] == '}' {
					pos, ok = keyEnd(data, pos)
				}
			}
		}
		if !ok {
			s.pos = pos
			return s.malformed()
		}
	}
}

// key reads the name of a member, the colon, and white space up to the value. key
// returns the name as written between the quotes.
func (s *scanner) key() (name []byte, err error) {
	start := s.pos + 1
	end, ok := keyEnd(s.data, s.pos)
	if s.pos = end; !ok {
		return nil, s.malformed()
	}
	end, _ = stringEnd(s.data, start)
	return s.data[start : end-1], nil
}

// expect reads the character c.
func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.malformed()
	}
	s.pos++
	return nil
}

// peek returns the next byte without reading the byte, and 0 at the end of the
// document. No valid JSON has a 0 where peek is called.
func (s *scanner) peek() byte { return at(s.data, s.pos) }

// space reads white space.
func (s *scanner) space() { s.pos = spaceEnd(s.data, s.pos) }

func (s *scanner) malformed() error {
	return refuse("the JSON document is malformed at byte %d: send a valid one", s.pos)
}
