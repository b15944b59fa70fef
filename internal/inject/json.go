package inject

import (
	"bytes"
	"slices"
)

// utf8BOM may begin a document. The mark stays, because the server must get what
// the caller wrote.
const utf8BOM = "\xef\xbb\xbf"

// spliceJSON returns the JSON document body with the fields. The bytes of all other
// members and elements, and the white space, stay the same. A member with the name
// of a field is replaced in place, and removed if repeated. A missing member comes
// last in the object, a missing element last in the array. An empty body is missing
// as a whole. The result may have the array of body.
func (f *Fields) spliceJSON(body []byte) ([]byte, error) {
	if len(body) == 0 {
		return bytes.Clone(f.root.value), f.root.checkMade(0)
	}
	s := splicer{scanner: scanner{data: body, open: make([]byte, 0, 64)}, edits: make([]edit, 0, 8)}
	if bytes.HasPrefix(body, []byte(utf8BOM)) {
		s.pos = len(utf8BOM)
	}
	if s.space(); s.peek() == 0 {
		return nil, s.malformed()
	}
	if err := s.inside(&f.root); err != nil {
		return nil, err
	}
	if s.space(); s.pos < len(s.data) {
		return nil, refuse("byte %d comes after the end of the JSON document: send nothing after it", s.pos)
	}
	return applyEdits(body, s.edits), nil
}

// A splicer reads a JSON document once, from start to end, and collects the changes.
type splicer struct {
	scanner
	edits []edit
}

// replace puts text in the place of the bytes from start to end. Calls of replace
// must go from the start of the document to the end.
func (s *splicer) replace(start, end int, text []byte) {
	s.edits = append(s.edits, edit{start, end, text})
}

// inside reads an object or array and puts the children of n there. inside calls
// itself only for children of n, so no document can cause a deep recursion.
func (s *splicer) inside(n *node) error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(n)
	case c == '[' && n.elements != nil:
		return s.array(n)
	case n.elements != nil:
		return refuse("the value at byte %d of the JSON document is not an object or array, and fields go into it: send one of these or leave it out", s.pos)
	}
	return refuse("the value at byte %d of the JSON document is not an object, and fields go into it: send an object or leave it out", s.pos)
}

// object reads an object and puts the children of n into the object.
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
	for i, c := range n.children {
		if found[i] {
			continue
		}
		if err := c.checkMade(end); err != nil {
			return err
		}
		s.append(end, empty, c.member)
		empty = false
	}
	s.depth--
	return s.expect('}')
}

// array reads an array and puts the elements of n into the array.
func (s *splicer) array(n *node) error {
	if err := s.expect('['); err != nil {
		return err
	}
	s.depth++
	missing := n.elements
	count, end := 0, s.pos // end is the end of the last element
	for s.space(); s.peek() != ']'; s.space() {
		if count > 0 {
			if err := s.expect(','); err != nil {
				return err
			}
			s.space()
		}
		var err error
		if len(missing) > 0 && missing[0].index == count {
			err = s.member(missing[0], end, false)
			missing = missing[1:]
		} else {
			err = s.skip()
		}
		if err != nil {
			return err
		}
		count, end = count+1, s.pos
	}
	for _, c := range missing {
		if c.index != count && c.index != indexEnd {
			return refuse("the array that ends at byte %d of the JSON document has too few elements for a field's key: send more, or use - to append", s.pos)
		}
		if err := c.checkMade(end); err != nil {
			return err
		}
		s.append(end, count == 0, c.value)
		count++
	}
	s.depth--
	return s.expect(']')
}

// append adds text after the last member or element of an object or array, at end.
// empty tells that there is none.
func (s *splicer) append(end int, empty bool, text []byte) {
	if !empty {
		s.replace(end, end, []byte(","))
	}
	s.replace(end, end, text)
}

// member reads the value of a member or element that is a field, or leads to a
// field, and puts the field there. end is the end of the member before. found tells
// that the object had the same member before.
func (s *splicer) member(n *node, end int, found bool) error {
	start, isField := s.pos, len(n.children) == 0
	switch {
	case !isField && found:
		return refuse("byte %d of the JSON document repeats a member that fields go into: send it once", start)
	case !isField && s.peek() != 'n':
		return s.inside(n)
	}
	if err := s.skip(); err != nil {
		return err
	}
	if found {
		s.replace(end, s.pos, nil) // with the comma before the member
		return nil
	}
	s.replace(start, s.pos, n.value)
	return n.checkMade(start)
}
