package oauth1

import (
	"bytes"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// encoded are parameters as a form spells them. The marks tell where the equals
// sign of each parameter stands, and the ampersand before each further parameter.
type encoded struct {
	text  []byte
	marks []int
}

// add appends a parameter.
func (e *encoded) add(name, value string) {
	e.begin(string(wire.AppendEscaped(nil, name)))
	e.text = wire.AppendEscaped(e.text, value)
}

// begin appends the name of a parameter, which must be percent-encoded. The encoded
// value has to follow.
func (e *encoded) begin(name string) {
	if len(e.text) > 0 {
		e.marks = append(e.marks, len(e.text))
		e.text = append(e.text, '&')
	}
	e.text = append(e.text, name...)
	e.marks = append(e.marks, len(e.text))
	e.text = append(e.text, '=')
}

// appendHeader appends the parameters in the syntax of the Authorization header.
func (e *encoded) appendHeader(header []byte) []byte {
	start := 0 // of the name or value
	for i, mark := range e.marks {
		separator := `="`
		if i%2 == 1 {
			separator = `", `
		}
		header = append(header, e.text[start:mark]...)
		header = append(header, separator...)
		start = mark + 1
	}
	header = append(header, e.text[start:]...)
	return append(header, '"')
}

// appendTo adds the parameters to the parameters to sign.
func (e *encoded) appendTo(to *parameters) {
	start := 0
	for i := 0; i < len(e.marks); i += 2 { // the equals sign, then the ampersand
		equals, end := e.marks[i], len(e.text)
		if i+1 < len(e.marks) {
			end = e.marks[i+1]
		}
		p := parameter{start: len(to.text)}
		to.text = appendEncoded(to.text, e.text[start:equals])
		p.equals = len(to.text)
		to.text = append(to.text, equalsSign...)
		to.text = appendEncoded(to.text, e.text[equals+1:end])
		to.add(p)
		start = end + 1
	}
}

// appendEncoded appends percent-encoded text to dst, percent-encoded once more.
func appendEncoded(dst, text []byte) []byte {
	for {
		before, after, found := bytes.Cut(text, []byte("%"))
		dst = append(dst, before...)
		if !found {
			return dst
		}
		dst = append(dst, "%25"...)
		text = after
	}
}
