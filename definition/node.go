package definition

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// The limits of a document.
const (
	maxSize  = 1 << 20 // in bytes
	maxDepth = 32
)

// kind is the kind of a JSON value.
type kind uint8

const (
	object kind = iota
	array
	text
	number
	boolean
	null
)

// String names the kind for people.
func (k kind) String() string {
	return [...]string{"an object", "a list", "text", "a number", "true or false", "null"}[k]
}

// A node is a value of a JSON document (RFC 8259), with its place.
type node struct {
	text string   // of a text, a number or a boolean
	list []member // of an object or a list
	at   int32    // in bytes
	kind kind
}

// A member is a member of an object, or, without a name, an element of a list. No two
// members of an object have the same name.
type member struct {
	name  string
	at    int32
	value node
}

// A scanner reads a document from start to end. report is told of names that are there
// twice.
type scanner struct {
	src    string
	pos    int
	report func(at int, text string)

	open []member // of the objects and lists that have not ended
}

// wrong is the mistake that ends the reading.
type wrong struct {
	at   int
	text string
}

// rooms are for scanner.open: one room serves many documents.
var rooms = sync.Pool{New: func() any { return new([32]member) }}

// document reads a whole document.
func (s *scanner) document() (root node, mistake *wrong) {
	room := rooms.Get().(*[32]member)
	s.open = room[:0]
	defer func() {
		s.open = nil
		clear(room[:]) // or the room would keep the document
		rooms.Put(room)
		if r := recover(); r != nil {
			w, ok := r.(wrong)
			if !ok {
				panic(r)
			}
			mistake = &w
		}
	}()
	root = s.value(0)
	if s.space(); s.pos < len(s.src) {
		s.fail("there is more after the document")
	}
	return root, nil
}

func (s *scanner) fail(format string, args ...any) {
	panic(wrong{s.pos, fmt.Sprintf(format, args...)})
}

// space skips white space.
func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\n', '\t', '\r':
			s.pos++
		default:
			return
		}
	}
}

// next skips white space, and returns the next byte; 0 at the end.
func (s *scanner) next() byte {
	if s.space(); s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// expect skips white space and one of the bytes in want.
func (s *scanner) expect(want, where string) byte {
	c := s.next()
	if c == 0 || strings.IndexByte(want, c) < 0 {
		if s.pos == len(s.src) {
			s.fail("the document ends too early")
		}
		s.fail("want %s", where)
	}
	s.pos++
	return c
}

func (s *scanner) value(depth int) node {
	c := s.next()
	n := node{at: int32(s.pos)}
	switch {
	case depth > maxDepth:
		s.fail("is more than %d deep", maxDepth)
	case c == '{':
		n.kind = object
		n.list = s.object(depth)
	case c == '[':
		n.kind = array
		n.list = s.array(depth)
	case c == '"':
		n.kind, n.text = text, s.string()
	default:
		n.kind, n.text = s.word()
	}
	return n
}

func (s *scanner) object(depth int) []member {
	s.pos++
	if s.next() == '}' {
		s.pos++
		return nil
	}
	var seen map[string]bool
	first := len(s.open)
	for {
		members := s.open[first:]
		if c := s.next(); c == '}' {
			s.fail("want the name of a member, or no comma before the }")
		} else if c == '/' {
			s.fail("want the name of a member; JSON has no comments: use a member such as x-note")
		} else if c != '"' {
			s.expect("\"", `the name of a member, in double quotes`)
		}
		m := member{at: int32(s.pos)}
		m.name = s.string()
		if len(members) == 16 {
			seen = map[string]bool{}
			for _, other := range members {
				seen[other.name] = true
			}
		}
		twice := seen[m.name] || seen == nil && slices.ContainsFunc(members, func(o member) bool { return o.name == m.name })
		s.expect(":", "a colon after the name of a member")
		m.value = s.value(depth + 1)
		if twice {
			s.report(int(m.at), shown(m.name)+" is there twice; remove one")
		} else {
			s.open = append(s.open, m)
		}
		if seen != nil {
			seen[m.name] = true
		}
		if s.expect(",}", "a comma or a } after a member") == '}' {
			return s.close(first)
		}
	}
}

func (s *scanner) array(depth int) []member {
	s.pos++
	if s.next() == ']' {
		s.pos++
		return nil
	}
	first := len(s.open)
	for {
		m := member{value: s.value(depth + 1)}
		s.open = append(s.open, m)
		if s.expect(",]", "a comma or a ] after an element") == ']' {
			return s.close(first)
		}
	}
}

// close returns what has been read of an object or list, in a list of its exact size.
func (s *scanner) close(first int) []member {
	list := slices.Clone(s.open[first:])
	s.open = s.open[:first]
	return list
}

// string reads a text.
func (s *scanner) string() string {
	start := s.pos
	plain, ascii := true, true
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; {
		case c == '"':
			s.pos++
			quoted := s.src[start:s.pos]
			if inner := quoted[1 : len(quoted)-1]; plain && (ascii || utf8.ValidString(inner)) {
				return inner
			}
			var decoded string
			err := json.Unmarshal([]byte(quoted), &decoded)
			if s.pos = start; err != nil || !utf8.ValidString(quoted) {
				s.fail("the text is not valid: look at its backslashes and at the encoding of the file, which is UTF-8")
			}
			if strings.Count(decoded, "\uFFFD") > strings.Count(quoted, "\uFFFD")+strings.Count(strings.ToLower(quoted), `\ufffd`) {
				s.fail("the text has half of a character: a \\ud800 to \\udfff alone")
			}
			s.pos = start + len(quoted)
			return decoded
		case c < ' ':
			s.fail("a text has no line breaks and control characters; write \\n for a line break")
		case c == '\\':
			plain = false
			s.pos++
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.pos = start
	s.fail("the text has no double quote at its end")
	return ""
}

// word reads a number, true, false or null.
func (s *scanner) word() (kind, string) {
	start := s.pos
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n,]}:", s.src[s.pos]) < 0 {
		s.pos++
	}
	word := s.src[start:s.pos]
	switch {
	case word == "true" || word == "false":
		return boolean, word
	case word == "null":
		return null, word
	case word != "" && strings.IndexByte("-0123456789", word[0]) >= 0 && json.Valid([]byte(word)):
		return number, word
	}
	if s.pos = start; word == "" && start == len(s.src) {
		s.fail("the document ends too early")
	}
	s.fail("want a value: text in double quotes, a number, true, false, {...} or [...]")
	return null, ""
}
