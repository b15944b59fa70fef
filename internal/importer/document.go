package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of a document.
const (
	maxSize  = 64 << 20 // in bytes
	maxDepth = 500
)

// A node is a value of a document.
type node struct {
	kind     json.Delim // '{' or '['; 0 for all else
	scalar   any        // a string, a json.Number, a bool, or nil for null
	members  []member   // in the order of the document, each name once
	elements []*node
	at       int
	byName   map[string]*node // of many members; made when first used
}

// member returns the member with a name, or nil.
func (n *node) member(name string) *node {
	const many = 16
	switch {
	case n == nil:
		return nil
	case n.byName == nil && len(n.members) > many:
		n.byName = make(map[string]*node, len(n.members))
		for _, m := range n.members {
			n.byName[m.name] = m.node
		}
	case n.byName == nil:
		for _, m := range n.members {
			if m.name == name {
				return m.node
			}
		}
	}
	return n.byName[name]
}

// A member is a member of an object.
type member struct {
	name string
	*node
}

// A Document is a JSON document of another format, and its places.
type Document struct {
	root  *node
	text  []byte
	lines []int // where each line begins
	place func(line, column int) (int, int)
}

// Mistake is why a text is no document.
type Mistake struct {
	Line, Column int
	Text         string
}

func (m *Mistake) Error() string { return fmt.Sprintf("%d:%d: %s", m.Line, m.Column, m.Text) }

// Parse reads a document. A place that is not nil leads from places of text to those of
// the document that text was made of. The error is a *Mistake.
func Parse(text []byte, place func(line, column int) (int, int)) (*Document, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	d := &Document{text: text, place: place, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	if len(text) > maxSize {
		return nil, d.mistake(0, fmt.Sprintf("is longer than %d bytes", maxSize))
	}
	if !utf8.Valid(text) {
		at := 0
		for utf8.FullRune(text[at:]) {
			r, size := utf8.DecodeRune(text[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return nil, d.mistake(at, "is not valid UTF-8")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		at := len(text)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = max(int(syntax.Offset)-1, 0)
		}
		return nil, d.mistake(at, "is not JSON: "+err.Error())
	}
	r := &reader{text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	r.decoder.UseNumber()
	if d.root = r.value(0); r.wrong != "" {
		return nil, d.mistake(r.wrongAt, r.wrong)
	}
	return d, nil
}

func (d *Document) mistake(at int, text string) *Mistake {
	line, column := d.position(at)
	return &Mistake{line, column, text}
}

// A reader reads a text that is JSON.
type reader struct {
	text    []byte
	decoder *json.Decoder
	wrong   string // the first mistake
	wrongAt int
}

func (r *reader) fail(at int, text string) {
	if r.wrong == "" {
		r.wrong, r.wrongAt = text, at
	}
}

// next returns the next token, and where the token begins.
func (r *reader) next() (json.Token, int) {
	at := int(r.decoder.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	token, err := r.decoder.Token()
	if err != nil {
		r.fail(at, "is not JSON: "+err.Error())
	}
	return token, at
}

func (r *reader) value(depth int) *node {
	token, at := r.next()
	n := &node{at: at}
	if n.kind, _ = token.(json.Delim); n.kind == 0 {
		n.scalar = token
		return n
	}
	if depth > maxDepth {
		r.fail(at, fmt.Sprintf("is more than %d deep", maxDepth))
	}
	names := map[string]bool{}
	for r.wrong == "" && r.decoder.More() {
		if n.kind == '[' {
			n.elements = append(n.elements, r.value(depth+1))
			continue
		}
		token, nameAt := r.next()
		name, _ := token.(string)
		if names[name] {
			r.fail(nameAt, strconv.Quote(Short(name))+" is there twice")
		}
		names[name] = true
		n.members = append(n.members, member{name, r.value(depth + 1)})
	}
	if r.wrong == "" {
		r.next() // the end
	}
	return n
}

func (d *Document) position(at int) (line, column int) {
	first, after := 0, len(d.lines)
	for first+1 < after {
		if middle := (first + after) / 2; d.lines[middle] <= at {
			first = middle
		} else {
			after = middle
		}
	}
	line, column = first+1, utf8.RuneCount(d.text[d.lines[first]:at])+1
	if d.place != nil {
		return d.place(line, column)
	}
	return line, column
}
