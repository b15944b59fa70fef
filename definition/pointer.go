package definition

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// inUTF8 returns a body in UTF-8, whose encoding a byte order mark, the zeros among the
// bytes (RFC 4627 section 3) or the charset tells.
func inUTF8(body []byte, contentType string) []byte {
	if len(body) >= 2 && (body[0] == 0) != (body[1] == 0) {
		mark := "\xff\xfe"
		if body[0] == 0 {
			mark = "\xfe\xff"
		}
		body = append([]byte(mark), body...)
	}
	text := wire.Text(body)
	_, params, _ := mime.ParseMediaType(contentType)
	switch strings.ToLower(params["charset"]) {
	case "iso-8859-1", "latin1", "windows-1252":
		if utf8.Valid(text) { // whatever the charset says
			return text
		}
		letters := make([]rune, len(text))
		for i, b := range text {
			letters[i] = rune(b)
		}
		return []byte(string(letters))
	}
	return text
}

// parseJSON reads one JSON document, with numbers as they are written.
func parseJSON(text []byte) (v any, ok bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil, false
	}
	_, err := dec.Token()
	return v, err == io.EOF
}

// pointed returns the text, number or boolean at a JSON Pointer (RFC 6901), or "".
func pointed(v any, pointer string) string {
	return wire.Scalar(wire.At(v, func(yield func(string) bool) {
		for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
			if !yield(unescaped.Replace(step)) {
				return
			}
		}
	}))
}

var unescaped = strings.NewReplacer("~1", "/", "~0", "~")
