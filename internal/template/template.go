// Package template fills values into texts and URLs, for logins and definitions. A
// template is data: a value in braces, or one of a few functions.
package template

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Template is a text with values in it: {name} is a value, {base64(...)}, {url(...)} and
// {lower(...)} compute from what is between the parentheses, {default(name, ...)} is the
// value, or what follows the comma if the value is empty or absent, and a brace is written
// twice.
type Template []part

// part is a literal text, a value, or a function of a template.
type part struct {
	text     string
	name     string // of a value
	function string
	of       Template // the argument of the function; of default, the last one
}

// functions are all that a template can compute.
var functions = map[string]func(string) string{
	"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"url":    func(s string) string { return string(wire.AppendEscaped(nil, s)) },
	"lower":  strings.ToLower,
}

// byDefault is the function that has a name before its argument.
const byDefault = "default"

// maxDepth is how deep functions may be in functions.
const maxDepth = 8

// Parse reads a template. The error quotes nothing: a template may have a secret in it
// by mistake.
func Parse(s string) (Template, error) { return parse(s, isNameByte) }

// ParsePointers reads a template whose names are JSON Pointers (RFC 6901), such as
// {/user/name}: any text without braces and parentheses.
func ParsePointers(s string) (Template, error) {
	return parse(s, func(c byte) bool { return strings.IndexByte("{}()", c) < 0 })
}

func parse(s string, inName func(byte) bool) (Template, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("is not valid UTF-8")
	}
	if s != "" && !strings.ContainsAny(s, "{}") {
		return Template{{text: s}}, nil
	}
	p := parser{s, inName}
	t, err := p.template(0)
	if err != nil {
		return nil, fmt.Errorf("the template is wrong at byte %d: %w", len(s)-len(p.rest), err)
	}
	return t, nil
}

// parser reads a template from start to end.
type parser struct {
	rest   string
	inName func(byte) bool // reports whether a name may have a byte
}

// template reads up to the end, or, within a function, up to the end of the argument.
func (p *parser) template(depth int) (t Template, err error) {
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
	for end < len(p.rest) && p.inName(p.rest[end]) {
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
	case functions[name] == nil && name != byDefault:
		return part{}, errors.New("the function is none of base64, url, lower and default")
	case depth == maxDepth:
		return part{}, fmt.Errorf("functions are more than %d deep", maxDepth)
	}
	p.rest = p.rest[end+1:]
	out := part{function: name}
	if name == byDefault {
		for end = 0; end < len(p.rest) && p.rest[end] != ',' && p.inName(p.rest[end]); end++ {
		}
		if end == 0 || end == len(p.rest) || p.rest[end] != ',' {
			return part{}, errors.New("default has no name and comma at its begin, as in {default(region, eu)}")
		}
		out.name, p.rest = p.rest[:end], strings.TrimPrefix(p.rest[end+1:], " ")
	}
	var err error
	if out.of, err = p.template(depth + 1); err != nil {
		return part{}, err
	}
	p.rest = p.rest[len(")}"):]
	return out, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// IsName reports whether name can stand in a template.
func IsName(name string) bool {
	return name != "" && !slices.ContainsFunc([]byte(name), func(c byte) bool { return !isNameByte(c) })
}

// HasSpace reports whether a literal text in t has a space.
func (t Template) HasSpace() bool {
	return slices.ContainsFunc(t, func(p part) bool { return strings.Contains(p.text, " ") })
}

func (p part) isText() bool { return p.name == "" && p.function == "" }

// Names returns the names of the values in t, as often as they occur.
func (t Template) Names() (list []string) {
	for _, p := range t {
		if p.name != "" {
			list = append(list, p.name)
		}
		list = append(list, p.of.Names()...)
	}
	return list
}

// A Filler fills in templates, and remembers what it has made. A Filler is for one
// goroutine.
type Filler struct {
	Values map[string]string // by name
	Made   []string          // results of functions, which no error may quote
	filled int               // how many bytes the values have taken so far
}

// maxFilled is how many bytes the values of one Filler take in all templates together. A
// template repeats a value in three bytes, and a value may be long.
const maxFilled = 1 << 20

var errLong = errors.New("the values make a text that is too long; a template may repeat a value too often")

// Fill returns t with its values, each in the spelling of its place. A nil escape changes
// nothing.
func (f *Filler) Fill(t Template, escape func(string) string) (string, error) {
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

func (f *Filler) part(p part) (string, error) {
	text, err := f.value(p)
	if !p.isText() {
		f.filled += len(text)
	}
	if f.filled > maxFilled {
		return "", errLong
	}
	return text, err
}

func (f *Filler) value(p part) (string, error) {
	switch {
	case p.function == byDefault:
		if value := f.Values[p.name]; value != "" {
			return value, nil
		}
		return f.Fill(p.of, nil)
	case p.function != "":
		argument, err := f.Fill(p.of, nil)
		if err != nil {
			return "", err
		}
		made := functions[p.function](argument)
		f.Made = append(f.Made, made)
		return made, nil
	case p.name != "":
		value, ok := f.Values[p.name]
		if !ok {
			return "", fmt.Errorf("there is no value for {%s}", p.name)
		}
		return value, nil
	}
	return p.text, nil
}
