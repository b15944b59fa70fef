package yaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/definition"
	"go.yaml.in/yaml/v4"
)

const (
	maxSize     = 1 << 20 // of a document, in bytes
	maxFindings = 100     // how many mistakes an error lists
)

// ToJSON writes a YAML document as JSON. The function place turns a line and a column of
// the JSON text into those of the YAML document, both from 1: the place of the value or of
// the name that begins in the line. The error is a *definition.Error without the name of a
// file. A name that is twice in a map is twice in the JSON text.
func ToJSON(document []byte) (text []byte, place func(line, column int) (int, int), err error) {
	c := &converter{}
	if root := c.read(document); root != nil {
		c.node(root)
	}
	if c.failed.Findings != nil {
		return nil, nil, &c.failed
	}
	return c.json.Bytes(), c.place, nil
}

// A converter writes JSON in which each name and each value begins in a line of its own.
type converter struct {
	json   bytes.Buffer
	places [][2]int // line and column in the YAML document, by line of the JSON text
	failed definition.Error
	source string // the document, for the mistake that ends the reading
}

// place returns the place of what begins in a line of the JSON text.
func (c *converter) place(line, _ int) (int, int) {
	at := c.places[min(max(line, 1), len(c.places))-1]
	return at[0], at[1]
}

// add lists a mistake.
func (c *converter) add(line, column int, format string, args ...any) {
	if len(c.failed.Findings) == maxFindings {
		c.failed.More++
		return
	}
	c.failed.Findings = append(c.failed.Findings, definition.Finding{Line: line, Column: column, Text: fmt.Sprintf(format, args...)})
}

// read reads the one document of a file, or lists why there is none.
func (c *converter) read(document []byte) *yaml.Node {
	text := strings.TrimPrefix(string(document), "\ufeff")
	if len(text) > maxSize {
		c.add(1, 1, "is longer than %d bytes", maxSize)
		return nil
	}
	c.source = text
	if c.characters(text); c.failed.Findings != nil {
		return nil
	}
	loader, err := yaml.NewLoader(strings.NewReader(text), yaml.WithUniqueKeys(false), yaml.WithStreamNodes())
	if err != nil {
		c.add(1, 1, "%v", err)
		return nil
	}
	var root *yaml.Node
	for {
		var n yaml.Node
		switch err := loader.Load(&n); {
		case err == io.EOF && root == nil && c.failed.Findings == nil:
			c.add(1, 1, "the document is empty")
			return nil
		case err == io.EOF:
			return root
		case err != nil:
			c.broken(err)
			return nil
		case n.Kind == yaml.StreamNode && n.Stream != nil && (n.Stream.Version != nil || len(n.Stream.TagDirectives) > 0):
			c.add(n.Line, n.Column, "a directive such as %%YAML is not allowed; remove the directive")
		case n.Kind == yaml.DocumentNode && root != nil:
			c.add(n.Content[0].Line, n.Content[0].Column, "a second document begins; a file has one")
			return nil
		case n.Kind == yaml.DocumentNode:
			root = n.Content[0]
		}
	}
}

// characters lists the first character that a document must not have.
func (c *converter) characters(text string) {
	line, column := 1, 1
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			c.add(line, column, "is not UTF-8; look at the encoding of the file")
			return
		case r == '\u0085' || r == '\u2028' || r == '\u2029':
			c.add(line, column, `the character U+%04X is a line break for some; write \u%04x in double quotes`, r, r)
			return
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', '\u007f' <= r && r < '\u00a0', r == '\ufeff', r&0xfffe == 0xfffe:
			c.add(line, column, `has the character U+%04X, which nobody can see; write \u%04x in double quotes`, r, r)
			return
		}
		if column++; r == '\n' || r == '\r' && !strings.HasPrefix(text[i:], "\r\n") {
			line, column = line+1, 1
		}
	}
}

// broken lists the mistake that ends the reading.
func (c *converter) broken(err error) {
	var where *yaml.LoadError
	if !errors.As(err, &where) {
		c.add(1, 1, "is not YAML: %v", err)
		return
	}
	text := where.Message
	if where.ContextMsg != "" {
		text = where.ContextMsg + ": " + text
	}
	switch line, column := max(where.Mark.Line, 1), max(where.Mark.Column, 1); c.at(line, column) {
	case '\t':
		text = "a tab does not indent; use spaces"
	case '@', '`', '%':
		text = "a text that begins with this character needs quotes"
	}
	const longest = 200
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	c.add(max(where.Mark.Line, 1), max(where.Mark.Column, 1), "is not YAML: %s", text)
}

// at returns the character at a place of the document, or 0.
func (c *converter) at(line, column int) rune {
	lines := strings.Split(c.source, "\n")
	if line > len(lines) {
		return 0
	}
	if characters := []rune(lines[line-1]); column <= len(characters) {
		return characters[column-1]
	}
	return 0
}

// begin begins a line of JSON for what is at n.
func (c *converter) begin(n *yaml.Node) {
	if c.json.Len() > 0 {
		c.json.WriteByte('\n')
	}
	c.places = append(c.places, [2]int{n.Line, n.Column})
}

// node writes a value.
func (c *converter) node(n *yaml.Node) {
	c.plain(n)
	c.begin(n)
	switch n.Kind {
	case yaml.MappingNode:
		c.json.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				c.json.WriteByte(',')
			}
			c.name(n.Content[i])
			c.json.WriteByte(':')
			c.node(n.Content[i+1])
		}
		c.json.WriteByte('}')
	case yaml.SequenceNode:
		c.json.WriteByte('[')
		for i, element := range n.Content {
			if i > 0 {
				c.json.WriteByte(',')
			}
			c.node(element)
		}
		c.json.WriteByte(']')
	case yaml.ScalarNode:
		c.scalar(n)
	}
}

// name writes the name of a member.
func (c *converter) name(n *yaml.Node) {
	c.plain(n)
	switch {
	case n.Kind == yaml.AliasNode: // which is a mistake already
	case n.Kind != yaml.ScalarNode:
		c.add(n.Line, n.Column, "the name of a member is text")
	case n.Tag == "!!merge":
		c.add(n.Line, n.Column, "the merge key << is not allowed; write the members out")
	case n.Tag != "!!str" && !explicit(n):
		c.add(n.Line, n.Column, "the name of a member is text; write the name in quotes")
	}
	c.begin(n)
	c.text(n.Value)
}

// explicit reports whether n has a tag in the document.
func explicit(n *yaml.Node) bool { return n.Style&yaml.TaggedStyle != 0 || n.Tag == "!" }

// plain lists what n has beyond JSON.
func (c *converter) plain(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		c.add(n.Line, n.Column, "an alias is not allowed; write the value out")
	}
	if n.Anchor != "" {
		c.add(n.Line, n.Column, "an anchor is not allowed; remove the anchor")
	}
	if explicit(n) {
		c.add(n.Line, n.Column, "a tag is not allowed; remove the tag, and write a text in quotes")
	}
}

// scalar writes a text, a number, true, false or null.
func (c *converter) scalar(n *yaml.Node) {
	const inQuotes = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch value := n.Value; {
	case n.Style&inQuotes != 0:
		c.text(value)
	case n.Tag == "!!null":
		c.json.WriteString("null")
	case value == "true" || value == "false", isNumber(value):
		c.json.WriteString(value)
	default:
		c.text(value)
	}
}

// isNumber reports whether JSON reads a number.
func isNumber(s string) bool {
	return s != "" && strings.IndexByte("-0123456789", s[0]) >= 0 && json.Valid([]byte(s))
}

// text writes a text.
func (c *converter) text(s string) {
	encoder := json.NewEncoder(&c.json)
	encoder.SetEscapeHTML(false)
	encoder.Encode(s)                 // which cannot fail
	c.json.Truncate(c.json.Len() - 1) // the line break
}
