package session

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// inXML returns the text of the first element at path, below the root, or an attribute
// if the last step begins with an @. Names are local names. An empty path means the root.
func inXML(text []byte, path []string) string {
	attribute := ""
	if n := len(path); n > 0 && strings.HasPrefix(path[n-1], "@") {
		attribute, path = path[n-1][1:], path[:n-1]
	}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.CharsetReader = charset
	var open []string // the elements around, without the root
	for depth := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth > 1 {
				open = append(open, token.Name.Local)
			}
			if !slices.Equal(open, path) {
				continue
			}
			if attribute == "" {
				return content(decoder)
			}
			for _, a := range token.Attr {
				if a.Name.Local == attribute {
					return a.Value
				}
			}
		case xml.EndElement:
			if depth--; depth > 0 {
				open = open[:len(open)-1]
			}
		}
	}
}

// content returns the text of the element whose start was read, without the texts of
// inner elements, and "" if the document is damaged before the end of the element.
func content(decoder *xml.Decoder) string {
	var b strings.Builder
	for depth := 0; depth >= 0; {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 {
				b.Write(token)
			}
		}
	}
	return b.String()
}

// charset reads what a document declares. Encodings of several bytes are UTF-8 already.
func charset(label string, input io.Reader) (io.Reader, error) {
	switch label = strings.ToLower(label); label {
	case "utf-16", "us-ascii", "ascii":
		return input, nil
	case "iso-8859-1", "latin1", "windows-1252":
		text, err := io.ReadAll(input)
		var b strings.Builder
		for _, c := range text {
			b.WriteRune(rune(c))
		}
		return strings.NewReader(b.String()), err
	}
	return nil, fmt.Errorf("unknown encoding")
}
