package inject

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// spliceXML returns the XML document body with the fields as elements below the
// root, or as attributes. All other bytes stay the same. The local name of an element, whatever the
// namespace, decides whether the element is a field. A field that is there keeps
// the tags and gets new content, and is removed if repeated. A missing field comes
// after the start tag of the parent, with the parent's prefix and so in the
// parent's namespace.
func (f *Fields) spliceXML(body []byte) ([]byte, error) {
	switch {
	case f.xmlErr != nil:
		return nil, refuse("%w", f.xmlErr)
	case len(body) == 0:
		return nil, refuse("only the caller knows the root element of an XML document: send one, if only <root/>")
	}
	begin, singleByte := takeDeclaration(body)
	if singleByte && f.wideKeys {
		return nil, refuse("the XML document declares another encoding than UTF-8, in which a field's key is spelled differently: declare UTF-8")
	}
	s := xmlSplicer{xmlScanner: xmlScanner{data: body, end: begin, open: make([]xmlName, 0, 16)}, edits: make([]edit, 0, 8)}
	if err := s.document(&f.root); err != nil {
		return nil, err
	}
	slices.SortStableFunc(s.edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	return applyEdits(body, s.edits), nil
}

// An xmlSplicer reads an XML document once and collects the changes, which do not
// overlap.
type xmlSplicer struct {
	xmlScanner
	edits []edit
}

// replace puts text in the place of the bytes from start to end.
func (s *xmlSplicer) replace(start, end int, text []byte) {
	s.edits = append(s.edits, edit{start, end, text})
}

// document reads the whole document and puts the children of n into its root.
func (s *xmlSplicer) document(n *node) error {
	for root := false; ; {
		kind := s.next()
		switch kind {
		case xmlEnd:
			if root {
				return nil
			}
			return s.malformed(kind)
		case xmlStartTag:
			if root {
				return refuse("the XML document has a second root element at byte %d: send one", s.start)
			}
			root = true
			if err := s.element(n); err != nil {
				return err
			}
		case xmlText:
			if text := bytes.TrimPrefix(s.data[s.start:s.end], []byte(utf8BOM)); len(bytes.TrimSpace(text)) > 0 {
				return s.malformed(kind)
			}
		case xmlOther:
		default:
			return s.malformed(kind)
		}
	}
}

// element reads the rest of the element after the start tag, and puts the children
// of n into the element. element calls itself only for children of n.
func (s *xmlSplicer) element(n *node) error {
	if err := s.attributes(n); err != nil {
		return err
	}
	inside := s.inside()
	found := make([]bool, len(n.children))
	for {
		switch kind := s.next(); kind {
		case xmlEndTag:
			var missing []byte
			for i, c := range n.children {
				if !found[i] {
					missing = c.appendXML(missing, inside.prefix)
				}
			}
			s.insert(inside, inside.start, missing)
			return nil
		case xmlStartTag:
			local := localName(s.name())
			i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == string(local) })
			var err error
			if i < 0 {
				err = s.skip()
			} else {
				err = s.child(n.children[i], found[i])
				found[i] = true
			}
			if err != nil {
				return err
			}
		case xmlText, xmlOther:
		default:
			return s.malformed(kind)
		}
	}
}

// child reads the rest of an element that is a field, or leads to a field, and
// puts the field there. The last token is the element's start tag. found tells
// that the parent had the same element before.
func (s *xmlSplicer) child(n *node, found bool) error {
	start, inside := s.start, s.inside()
	if len(n.children) > 0 {
		if found {
			return refuse("byte %d of the XML document repeats an element that fields go into: send it once", start)
		}
		return s.element(n)
	}
	if err := s.skip(); err != nil {
		return err
	}
	if found {
		s.replace(start, s.end, nil)
	} else {
		s.insert(inside, s.start, n.text)
	}
	return nil
}

// An xmlInside is the place between the tags of an element.
type xmlInside struct {
	name   []byte // the name in the tag
	prefix []byte // the prefix of the name, with the colon
	start  int    // where the start tag ends
	empty  bool   // the tag is an empty-element tag, <name/>
}

// inside returns the inside of the element with the last token as the start tag.
func (s *xmlSplicer) inside() xmlInside {
	name := s.name()
	return xmlInside{name: name, prefix: name[:len(name)-len(localName(name))], start: s.end, empty: s.empty}
}

// localName returns name without the prefix. A colon at either end is a part of the
// name.
func localName(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i > 0 && i < len(name)-1 {
		return name[i+1:]
	}
	return name
}

// insert puts text in the place of the bytes between the start tag and end.
func (s *xmlSplicer) insert(in xmlInside, end int, text []byte) {
	if in.empty && len(text) > 0 {
		s.replace(in.start-len("/>"), in.start, slices.Concat([]byte(">"), text, []byte("</"), in.name, []byte(">")))
	} else {
		s.replace(in.start, end, text)
	}
}

// appendXML appends n and all nodes below n as elements with the given prefix, and
// with attributes. appendXML leaves out an n that is an attribute.
func (n *node) appendXML(b, prefix []byte) []byte {
	if _, ok := attributeName(n.name); ok {
		return b
	}
	b = append(append(append(b, '<'), prefix...), n.name...)
	for _, c := range n.children {
		b = c.appendAttribute(b)
	}
	b = append(append(b, '>'), n.text...)
	for _, c := range n.children {
		b = c.appendXML(b, prefix)
	}
	return append(append(append(append(b, "</"...), prefix...), n.name...), '>')
}

// skip reads the rest of an element after the start tag.
func (s *xmlSplicer) skip() error {
	for depth := 1; depth > 0; {
		switch kind := s.next(); kind {
		case xmlStartTag:
			if depth++; depth > maxDepth {
				return refuse("the XML document is nested more than %d deep at byte %d: send a flatter one", maxDepth, s.start)
			}
		case xmlEndTag:
			depth--
		case xmlText, xmlOther:
		default:
			return s.malformed(kind)
		}
	}
	return nil
}

// malformed returns the refusal of a document that cannot be read any further.
func (s *xmlSplicer) malformed(kind xmlKind) error {
	if kind == xmlDTD {
		return refuse("the XML document has a document type declaration at byte %d, which may define entities: leave it out", s.start)
	}
	return refuse("the XML document is malformed, or not UTF-8, at byte %d: send a valid one in UTF-8", s.start)
}

// checkXML refuses a field that cannot be written in XML.
func checkXML(path []step, value string) error {
	for i, s := range path {
		name := s.name
		if attribute, ok := attributeName(name); ok && i == len(path)-1 && attribute != "xmlns" {
			name = attribute
		}
		token, _ := xml.NewDecoder(strings.NewReader("<" + name + "/>")).Token()
		if start, ok := token.(xml.StartElement); !ok || start.Name.Local != name || strings.Contains(name, ":") {
			return errors.New("the key is not the name of an XML element or attribute: use letters, digits, hyphens and underscores, without a prefix; @ begins the name of an attribute, at the end of the key")
		}
	}
	if i := strings.IndexFunc(value, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}); i >= 0 {
		return errors.New("the value has a character that XML cannot carry: encode it, for instance as base64")
	}
	return nil
}

// escapeXML returns s as the text of an element or attribute. Characters outside
// printable ASCII are written as character references, which are the same
// characters whatever encoding and version of XML the document declares.
func escapeXML(s string) []byte {
	var escaped strings.Builder
	xml.EscapeText(&escaped, []byte(s)) // a Builder cannot fail
	var text []byte
	for _, r := range escaped.String() {
		if r < utf8.RuneSelf-1 {
			text = append(text, byte(r))
		} else {
			text = fmt.Appendf(text, "&#x%X;", r)
		}
	}
	return text
}
