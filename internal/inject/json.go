package inject

import (
	"bytes"
	"slices"
)

// utf8BOM may begin a document. The mark stays, because the server must get what
// the caller wrote.
const utf8BOM = "\xef\xbb\xbf"

// spliceJSON returns the JSON object body with the fields. The bytes of all other
// members, and the white space, stay the same. A member with the name of a field
// is replaced in place, and removed if repeated. A missing member comes last in
// the object. An empty body means {}.
func (f *Fields) spliceJSON(body []byte) ([]byte, error) {
	if len(body) == 0 {
		return bytes.Clone(f.root.value), nil
	}
	s := splicer{scanner: scanner{data: body}, out: make([]byte, 0, len(body)+len(f.root.value)+1)}
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

// A splicer reads a JSON document once, from start to end, and writes a changed
// copy.
type splicer struct {
	scanner
	out    []byte // the new document
	copied int    // the position up to which out has, or replaces, the old document
}

// replace puts text in the place of the bytes from start to end. Calls of replace
// must go from the start of the document to the end.
func (s *splicer) replace(start, end int, text []byte) {
	s.out = append(s.out, s.data[s.copied:start]...)
	s.out = append(s.out, text...)
	s.copied = end
}

// object reads an object and puts the children of n into the object. object calls
// itself only for children of n, so no document can cause a deep recursion.
func (s *splicer) object(n *node) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	s.depth++
	found := make([]bool, len(n.children))
	empty, end := true, s.pos // end is the end of the last member
	for s.space(); s.peek() != '}'; s.space() {
		if !empty {
			if err := s.expect(','); err != nil {
				return err
			}
			s.space()
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
	s.appendMissing(n, found, empty, end)
	s.depth--
	return s.expect('}')
}

// appendMissing adds the children of n that were not found in an object. end is
// the end of the object's last member; empty tells that the object has none.
func (s *splicer) appendMissing(n *node, found []bool, empty bool, end int) {
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
}

// member reads the value of a member that is a field, or leads to a field, and
// puts the field there. end is the end of the member before. found tells that the
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
		s.replace(end, s.pos, nil) // with the comma before the member
	} else {
		s.replace(start, s.pos, n.value)
	}
	return nil
}
