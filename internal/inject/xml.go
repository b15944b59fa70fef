package inject

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
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
	s := xmlSplicer{data: body, begin: begin, decoder: xml.NewDecoder(bytes.NewReader(body[begin:]))}
	if err := s.document(&f.root); err != nil {
		return nil, err
	}
	return s.result(), nil
}

// An xmlSplicer reads an XML document once and collects the changes.
type xmlSplicer struct {
	data    []byte
	begin   int // where the part begins that decoder reads
	decoder *xml.Decoder
	start   int // where the last token starts
	end     int // where the last token ends
	edits   []xmlEdit
}

// An xmlEdit puts text in the place of the bytes from start to end.
type xmlEdit struct {
	start, end int
	text       string
}

// result returns the document with the edits. The edits do not overlap.
func (s *xmlSplicer) result() []byte {
	slices.SortFunc(s.edits, func(a, b xmlEdit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	size := len(s.data)
	for _, e := range s.edits {
		size += len(e.text)
	}
	out := make([]byte, 0, size)
	copied := 0
	for _, e := range s.edits {
		out = append(append(out, s.data[copied:e.start]...), e.text...)
		copied = e.end
	}
	return append(out, s.data[copied:]...)
}

// document reads the whole document and puts the children of n into its root.
func (s *xmlSplicer) document(n *node) error {
	for root := false; ; {
		token, err := s.next()
		switch t := token.(type) {
		case nil:
			if err == io.EOF && root {
				return nil
			}
			return s.malformed(err)
		case xml.StartElement:
			if root {
				return refuse("the XML document has a second root element at byte %d: send one", s.start)
			}
			root = true
			err = s.element(n)
		case xml.CharData:
			if len(bytes.TrimSpace(bytes.TrimPrefix(t, []byte(utf8BOM)))) > 0 {
				err = s.malformed(nil)
			}
		}
		if err != nil {
			return err
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
		token, err := s.next()
		switch t := token.(type) {
		case nil:
			return s.malformed(err)
		case xml.EndElement:
			var missing strings.Builder
			for i, c := range n.children {
				if !found[i] {
					c.writeXML(&missing, inside.prefix)
				}
			}
			s.insert(inside, inside.start, missing.String())
			return nil
		case xml.StartElement:
			i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == t.Name.Local })
			if i < 0 {
				err = s.skip()
			} else {
				err = s.child(n.children[i], found[i])
				found[i] = true
			}
			if err != nil {
				return err
			}
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
		s.edits = append(s.edits, xmlEdit{start, s.end, ""})
	} else {
		s.insert(inside, s.start, n.text)
	}
	return nil
}

// An xmlInside is the place between the tags of an element.
type xmlInside struct {
	name   string // the name in the tag
	prefix string // the prefix of the name, with the colon
	start  int    // where the start tag ends
	empty  bool   // the tag is an empty-element tag, <name/>
}

// inside returns the inside of the element with the last token as the start tag.
func (s *xmlSplicer) inside() xmlInside {
	tag := s.data[s.start+1 : s.end-1]
	in := xmlInside{start: s.end, empty: tag[len(tag)-1] == '/'}
	if i := bytes.IndexAny(tag, " \t\r\n/"); i >= 0 {
		tag = tag[:i]
	}
	in.name = string(tag)
	if prefix, local, ok := strings.Cut(in.name, ":"); ok && prefix != "" && local != "" {
		in.prefix = prefix + ":" // a colon at either end is a part of the name
	}
	return in
}

// insert puts text in the place of the bytes between the start tag and end.
func (s *xmlSplicer) insert(in xmlInside, end int, text string) {
	if in.empty && text != "" {
		s.edits = append(s.edits, xmlEdit{in.start - len("/>"), in.start, ">" + text + "</" + in.name + ">"})
	} else {
		s.edits = append(s.edits, xmlEdit{in.start, end, text})
	}
}

// writeXML writes n and all nodes below n as elements with the given prefix, and
// with attributes. writeXML leaves out an n that is an attribute.
func (n *node) writeXML(b *strings.Builder, prefix string) {
	if _, ok := attributeName(n.name); ok {
		return
	}
	b.WriteString("<" + prefix + n.name)
	for _, c := range n.children {
		c.writeAttribute(b)
	}
	b.WriteString(">" + n.text)
	for _, c := range n.children {
		c.writeXML(b, prefix)
	}
	b.WriteString("</" + prefix + n.name + ">")
}

// skip reads the rest of an element after the start tag.
func (s *xmlSplicer) skip() error {
	for depth := 1; depth > 0; {
		token, err := s.next()
		switch token.(type) {
		case nil:
			return s.malformed(err)
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return refuse("the XML document is nested more than %d deep at byte %d: send a flatter one", maxDepth, s.start)
			}
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// next reads a token. A nil token comes with an error.
func (s *xmlSplicer) next() (xml.Token, error) {
	s.start = s.begin + int(s.decoder.InputOffset())
	token, err := s.decoder.Token()
	s.end = s.begin + int(s.decoder.InputOffset())
	if _, ok := token.(xml.Directive); ok {
		return nil, errDTD
	}
	return token, err
}

var errDTD = errors.New("a document type declaration")

// malformed returns the refusal of a document that cannot be read any further.
// The refusal leaves out the text of err, because err quotes the document.
func (s *xmlSplicer) malformed(err error) error {
	if err == errDTD {
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

// xmlText returns s as the text of an element or attribute. Characters outside
// printable ASCII are written as character references, which are the same
// characters whatever encoding and version of XML the document declares.
func xmlText(s string) string {
	var escaped, b strings.Builder
	xml.EscapeText(&escaped, []byte(s)) // a Builder cannot fail
	for _, r := range escaped.String() {
		if r < utf8.RuneSelf-1 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "&#x%X;", r)
		}
	}
	return b.String()
}
