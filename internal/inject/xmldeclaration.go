package inject

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// xmlDeclaration matches the declaration that begins an XML document (XML 1.0
// section 2.8, XML 1.1 section 2.8), and the encoding with its quotes.
var xmlDeclaration = sync.OnceValue(func() *regexp.Regexp {
	quoted := func(value string) string { return `\s*=\s*(?:"` + value + `"|'` + value + `')` }
	return regexp.MustCompile(`^\x{feff}?<\?xml\s+version` + quoted(`1\.[0-9]+`) +
		`(?:\s+encoding\s*=\s*("[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?` +
		`(?:\s+standalone` + quoted(`(?:yes|no)`) + `)?\s*\?>`)
})

// takeDeclaration returns where the declaration of an XML document ends, and
// whether the declared encoding spells characters outside ASCII in one byte each.
// encoding/xml reads the rest of the document alone, because encoding/xml knows
// version 1.0 and UTF-8 only.
//
// Programs that write XML into a string often declare UTF-16 or ISO-8859-1, and
// send UTF-8. A document that is UTF-8 cannot be UTF-16, so the declaration of
// UTF-16 changes nothing. In ISO-8859-1 and its kin, the same bytes mean other
// characters, but the markup is ASCII and so the same. Encodings without this
// property, such as Shift_JIS, stay where they are, and encoding/xml refuses them.
func takeDeclaration(body []byte) (end int, singleByte bool) {
	if !bytes.HasPrefix(bytes.TrimPrefix(body, []byte(utf8BOM)), []byte("<?xml")) {
		return 0, false
	}
	found := xmlDeclaration().FindSubmatchIndex(body)
	if found == nil {
		return 0, false
	}
	encoding := "utf-8"
	if found[2] >= 0 {
		encoding = strings.ToLower(string(body[found[2]+1 : found[3]-1]))
	}
	switch encoding {
	case "utf-8", "utf8", "utf-16", "utf16", "utf-16le", "utf-16be":
		return found[1], false
	case "us-ascii", "ascii", "latin1":
		return found[1], true
	}
	if strings.HasPrefix(encoding, "iso-8859-") || strings.HasPrefix(encoding, "windows-125") {
		return found[1], true
	}
	return 0, false
}

// xmlEquals matches an equals sign with white space, as a declaration may have.
var xmlEquals = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\s*=\s*`) })

// tightened returns the processing instruction from start to end. If the instruction is
// the declaration of the document, the equals signs have no white space: encoding/xml
// passes over a version and an encoding that are spelled with white space.
func tightened(document []byte, start, end int) []byte {
	if len(bytes.TrimPrefix(document[:start], []byte(utf8BOM))) > 0 {
		return document[start:end]
	}
	return xmlEquals().ReplaceAllLiteral(document[start:end], []byte("="))
}
