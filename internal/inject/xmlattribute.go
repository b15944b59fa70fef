package inject

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// xmlSpace is the white space of XML.
const xmlSpace = " \t\r\n"

// attributeName returns the name of the attribute that a step of a key means in XML.
// No element has a name that begins with an @.
func attributeName(step string) (name string, ok bool) { return strings.CutPrefix(step, "@") }

// attributes puts the attributes among the children of n into the start tag that was
// read last. An attribute that is there keeps the quotes and gets a new value. A
// missing attribute comes first. A field is never an attribute with a prefix, because
// a prefix makes another attribute.
func (s *xmlSplicer) attributes(n *node) error {
	name := s.tag.end
	found := make([]bool, len(n.children))
	for rest := s.data[name:s.end]; ; {
		attribute, value, after := cutAttribute(rest)
		if attribute == nil {
			break
		}
		i := slices.IndexFunc(n.children, func(c *node) bool {
			wanted, ok := attributeName(c.name)
			return ok && wanted == string(attribute)
		})
		if i >= 0 {
			if found[i] {
				return refuse("the element at byte %d of the XML document has an attribute twice that is a field: send it once", s.start)
			}
			found[i] = true
			end := s.end - len(after) - 1 // before the closing quote
			s.replace(end-len(value), end, n.children[i].text)
		}
		rest = after
	}
	var missing []byte
	for i, c := range n.children {
		if !found[i] {
			missing = c.appendAttribute(missing)
		}
	}
	if len(missing) > 0 {
		s.replace(name, name, missing)
	}
	return nil
}

// cutAttribute returns the first attribute in the rest of a start tag, and what
// comes after the attribute. next has found the tag well-formed. A nil name
// means no attribute left.
func cutAttribute(tag []byte) (name, value, after []byte) {
	name, after, ok := bytes.Cut(tag, []byte("="))
	if !ok {
		return nil, nil, nil
	}
	after = bytes.TrimLeft(after, xmlSpace)
	value, after, _ = bytes.Cut(after[1:], after[:1])
	return bytes.Trim(name, xmlSpace), value, after
}

// appendAttribute appends n if n is an attribute.
func (n *node) appendAttribute(b []byte) []byte {
	if name, ok := attributeName(n.name); ok {
		b = fmt.Appendf(b, ` %s="%s"`, name, n.text)
	}
	return b
}
