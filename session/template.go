package session

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// A template is a text with values in it: see Request.
type template []part

// part is a literal text, a value, or a function of a template.
type part struct {
	text     string
	name     string // of a value
	function string
	of       template // the argument of the function
}

// functions are all that a template can compute.
var functions = map[string]func(string) string{
	"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"url":    func(s string) string { return string(wire.AppendEscaped(nil, s)) },
	"lower":  strings.ToLower,
}

// maxDepth is how deep functions may be in functions.
const maxDepth = 8

// parse reads a template. The error quotes nothing: a template may have a secret in it
// by mistake.
func parse(s string) (template, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("is not valid UTF-8")
	}
	p := parser{rest: s}
	t, err := p.template(0)
	if err != nil {
		return nil, fmt.Errorf("the template is wrong at byte %d: %w", len(s)-len(p.rest), err)
	}
	return t, nil
}

// parser reads a template from start to end.
type parser struct{ rest string }

// template reads up to the end, or, within a function, up to the end of the argument.
func (p *parser) template(depth int) (t template, err error) {
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			t = append(t, part{text: literal.String()})
			literal.Reset()
		}
	}
	for {
		next := strings.IndexAny(p.rest, "{}")
		if next < 0 && depth > 0 {
			return nil, errors.New("a function has no )} at its end")
		}
		if next < 0 {
			literal.WriteString(p.rest)
			p.rest = ""
			flush()
			return t, nil
		}
		ends := depth > 0 && next > 0 && p.rest[next-1:next+1] == ")}"
		if ends {
			next--
		}
		literal.WriteString(p.rest[:next])
		p.rest = p.rest[next:]
		switch {
		case ends:
			flush()
			return t, nil
		case strings.HasPrefix(p.rest, "{{"), strings.HasPrefix(p.rest, "}}"):
			literal.WriteByte(p.rest[0])
			p.rest = p.rest[2:]
		case p.rest[0] == '}':
			return nil, errors.New("a } stands alone; write }} for a brace")
		default:
			flush()
			value, err := p.value(depth)
			if err != nil {
				return nil, err
			}
			t = append(t, value)
		}
	}
}

// value reads a value or function in braces.
func (p *parser) value(depth int) (part, error) {
	end := 1
	for end < len(p.rest) && isNameByte(p.rest[end]) {
		end++
	}
	name := p.rest[1:end]
	switch {
	case name == "" || end == len(p.rest):
		return part{}, errors.New("a { has no name and } after it; write {{ for a brace")
	case p.rest[end] == '}':
		p.rest = p.rest[end+1:]
		return part{name: name}, nil
	case p.rest[end] != '(':
		return part{}, errors.New("a name has only letters, digits and '_'")
	case functions[name] == nil:
		return part{}, errors.New("the function is none of base64, url and lower")
	case depth == maxDepth:
		return part{}, fmt.Errorf("functions are more than %d deep", maxDepth)
	}
	p.rest = p.rest[end+1:]
	of, err := p.template(depth + 1)
	if err != nil {
		return part{}, err
	}
	p.rest = p.rest[len(")}"):]
	return part{function: name, of: of}, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// isName reports whether name can stand in a template.
func isName(name string) bool {
	return name != "" && !slices.ContainsFunc([]byte(name), func(c byte) bool { return !isNameByte(c) })
}

func (p part) isText() bool { return p.name == "" && p.function == "" }

// names returns the names of the values in t.
func (t template) names() (list []string) {
	for _, p := range t {
		if p.name != "" {
			list = append(list, p.name)
		}
		list = append(list, p.of.names()...)
	}
	return list
}

// A filler fills in templates, and remembers what it has made.
type filler struct {
	values map[string]string
	made   []string // results of functions, which no error may quote
}

// fill returns t with its values, each in the spelling of its place.
func (f *filler) fill(t template, escape func(string) string) (string, error) {
	var b strings.Builder
	for _, p := range t {
		text, err := f.part(p)
		if err != nil {
			return "", err
		}
		if !p.isText() && escape != nil {
			text = escape(text)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (f *filler) part(p part) (string, error) {
	switch {
	case p.function != "":
		argument, err := f.fill(p.of, nil)
		if err != nil {
			return "", err
		}
		made := functions[p.function](argument)
		f.made = append(f.made, made)
		return made, nil
	case p.name != "":
		value, ok := f.values[p.name]
		if !ok {
			return "", fmt.Errorf("there is no value for {%s}", p.name)
		}
		return value, nil
	}
	return p.text, nil
}
