package inject

import (
	"bytes"
	"encoding/xml"
)

// An xmlKind is what an xmlScanner has read.
type xmlKind int

const (
	xmlMalformed xmlKind = iota // the document cannot be read any further
	xmlDTD                      // the same, at a document type declaration
	xmlEnd                      // of the document
	xmlStartTag                 // an empty-element tag too; the end tag comes next then, without bytes
	xmlEndTag
	xmlText  // characters, references or a CDATA section
	xmlOther // a comment or a processing instruction
)

// An xmlScanner reads an XML document token by token, and refuses what encoding/xml
// refuses: names, references, characters and nesting are checked. The scanner copies
// nothing, so the memory for a document does not grow with the document.
type xmlScanner struct {
	data  []byte
	start int             // where the last token starts
	end   int             // where the last token ends
	tag   xmlName         // the name in the last tag
	empty bool            // the last token is an empty-element tag
	open  []xmlName       // the names of the elements that are open
	wide  map[string]bool // names with characters outside ASCII, and whether they are names
}

// An xmlName is where a name stands.
type xmlName struct{ start, end int }

// name returns the name in the last tag, with the prefix.
func (s *xmlScanner) name() []byte { return s.bytes(s.tag) }

func (s *xmlScanner) bytes(n xmlName) []byte { return s.data[n.start:n.end] }

// next reads a token. On failure, s.start is where the token starts.
func (s *xmlScanner) next() xmlKind {
	s.start = s.end
	if s.empty {
		s.empty = false
		return s.close()
	}
	kind, ok := xmlText, false
	switch pos := s.start; {
	case pos == len(s.data):
		return xmlEnd
	case s.data[pos] != '<':
		s.end, ok = xmlTextEnd(s.data, pos)
	default:
		switch at(s.data, pos+1) {
		case '/':
			return s.endTag(pos + len("</"))
		case '?':
			kind = xmlOther
			s.end, ok = s.instructionEnd(pos + len("<?"))
		case '!':
			return s.declaration(pos)
		default:
			kind = xmlStartTag
			s.end, ok = s.startTagEnd(pos + len("<"))
		}
	}
	if !ok {
		return xmlMalformed
	}
	return kind
}

// declaration reads what begins with an exclamation mark: a comment, a CDATA section,
// or a document type declaration, which is not read.
func (s *xmlScanner) declaration(pos int) xmlKind {
	const comment, cdata = "<!--", "<![CDATA["
	kind, ok := xmlText, false
	switch rest := s.data[pos:]; {
	case bytes.HasPrefix(rest, []byte(cdata)):
		s.end, ok = xmlCDATAEnd(s.data, pos+len(cdata))
	case bytes.HasPrefix(rest, []byte(comment)):
		kind = xmlOther
		s.end, ok = xmlCommentEnd(s.data, pos+len(comment))
	case len(rest) > len("<!") && rest[2] != '-' && rest[2] != '[':
		return xmlDTD
	}
	if !ok {
		return xmlMalformed
	}
	return kind
}

// startTagEnd reads a start tag from the name on.
func (s *xmlScanner) startTagEnd(pos int) (end int, ok bool) {
	tag := xmlName{pos, pos}
	if tag.end, ok = s.nameEnd(pos, 1); !ok {
		return pos, false
	}
	for pos = spaceEnd(s.data, tag.end); ; pos = spaceEnd(s.data, pos) {
		switch at(s.data, pos) {
		case '/':
			pos++
			s.empty = true
			fallthrough
		case '>':
			s.tag = tag
			s.open = append(s.open, tag)
			ok = at(s.data, pos) == '>'
			return pos + 1, ok
		}
		if pos, ok = s.attributeEnd(pos); !ok {
			return pos, false
		}
	}
}

// attributeEnd reads an attribute.
func (s *xmlScanner) attributeEnd(pos int) (end int, ok bool) {
	if pos, ok = s.nameEnd(pos, 1); !ok {
		return pos, false
	}
	if pos = spaceEnd(s.data, pos); at(s.data, pos) != '=' {
		return pos, false
	}
	pos = spaceEnd(s.data, pos+1)
	if quote := at(s.data, pos); quote == '"' || quote == '\'' {
		return xmlValueEnd(s.data, pos+1, quote)
	}
	return pos, false
}

// endTag reads an end tag from the name on.
func (s *xmlScanner) endTag(pos int) xmlKind {
	s.tag.start = pos
	var ok bool
	if s.tag.end, ok = s.nameEnd(pos, 1); !ok {
		return xmlMalformed
	}
	pos = spaceEnd(s.data, s.tag.end)
	if at(s.data, pos) != '>' || len(s.open) == 0 || !bytes.Equal(s.name(), s.bytes(s.open[len(s.open)-1])) {
		return xmlMalformed
	}
	s.end = pos + 1
	return s.close()
}

// close closes the innermost element.
func (s *xmlScanner) close() xmlKind {
	s.open = s.open[:len(s.open)-1]
	return xmlEndTag
}

// instructionEnd reads a processing instruction from the target on. encoding/xml
// judges what an XML declaration declares.
func (s *xmlScanner) instructionEnd(pos int) (end int, ok bool) {
	target := pos
	if pos, ok = s.nameEnd(pos, len(s.data)); !ok {
		return pos, false
	}
	length := bytes.Index(s.data[pos:], []byte("?>"))
	if length < 0 {
		return pos, false
	}
	end = pos + length + len("?>")
	return end, string(s.data[target:pos]) != "xml" || isXMLToken(tightened(s.data, target-len("<?"), end))
}

// nameEnd reads a name with up to so many colons.
func (s *xmlScanner) nameEnd(pos, colons int) (end int, ok bool) {
	start, isWide := pos, false
	for ; pos < len(s.data); pos++ {
		kind := xmlNameBytes[s.data[pos]]
		if kind == notInName {
			break
		}
		isWide = isWide || kind == wideInName
		if s.data[pos] == ':' {
			colons--
		}
	}
	if pos == start || colons < 0 || xmlNameBytes[s.data[start]] == laterInName {
		return start, false
	}
	return pos, !isWide || s.isName(s.data[start:pos])
}

// isName reports whether encoding/xml takes a name with characters outside ASCII. A
// document has few such names, and each is looked at once.
func (s *xmlScanner) isName(name []byte) bool {
	is, known := s.wide[string(name)]
	if !known {
		is = isXMLToken([]byte("<?" + string(name) + "?>"))
		if s.wide == nil {
			s.wide = make(map[string]bool)
		}
		s.wide[string(name)] = is
	}
	return is
}

// isXMLToken reports whether encoding/xml reads text as a token.
func isXMLToken(text []byte) bool {
	_, err := xml.NewDecoder(bytes.NewReader(text)).RawToken()
	return err == nil
}
