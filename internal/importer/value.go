package importer

import (
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
)

// A Value is a value of a document, or the place of a value that is not there. So a
// program can ask for members of members.
type Value struct {
	Path string // for people, such as servers[0].url
	n    *node
	near *node // the value, or what the document has of the way there
}

// Root returns the whole document.
func (d *Document) Root() Value { return Value{n: d.root, near: d.root} }

// Position returns the line and the column of a value, from 1.
func (d *Document) Position(v Value) (line, column int) {
	if v.near == nil {
		return d.position(0)
	}
	return d.position(v.near.at)
}

// Exists reports whether the document has the value.
func (v Value) Exists() bool { return v.n != nil }

// IsObject and IsList report what the value is.
func (v Value) IsObject() bool { return v.n != nil && v.n.kind == '{' }

// IsList: see IsObject.
func (v Value) IsList() bool { return v.n != nil && v.n.kind == '[' }

var plainName = regexp.MustCompile(`^[A-Za-z0-9_$/-]+$`)

// Get returns a member.
func (v Value) Get(name string) Value {
	inner := Value{Path: v.Path, near: v.near}
	if shown := name; shown != "" {
		if !plainName.MatchString(name) {
			shown = strconv.Quote(Short(name))
		}
		inner.Path = strings.TrimPrefix(v.Path+"."+shown, ".")
	}
	if v.n == nil {
		return inner
	}
	for i := range v.n.members {
		if m := &v.n.members[i]; m.name == name {
			inner.n, inner.near = m.node, m.node
		}
	}
	return inner
}

// Members returns the members of an object by name, in the order of the document.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.n == nil {
			return
		}
		for _, m := range v.n.members {
			inner := Value{Path: v.Path, near: v.near}.Get(m.name)
			if inner.n, inner.near = m.node, m.node; !yield(m.name, inner) {
				return
			}
		}
	}
}

// Elements returns the elements of a list.
func (v Value) Elements() (list []Value) {
	if v.n == nil {
		return nil
	}
	for i, n := range v.n.elements {
		list = append(list, Value{v.Path + "[" + strconv.Itoa(i) + "]", n, n})
	}
	return list
}

// Text returns a text, or "" for all else.
func (v Value) Text() string {
	if v.n == nil {
		return ""
	}
	text, _ := v.n.scalar.(string)
	return text
}

// Scalar returns a text, a number or a boolean as text, or "" for all else.
func (v Value) Scalar() string {
	if v.n == nil || v.n.scalar == nil {
		return ""
	}
	return fmt.Sprint(v.n.scalar)
}

// True reports whether the value is true.
func (v Value) True() bool { return v.n != nil && v.n.scalar == true }

// Short shortens a text for people.
func Short(text string) string {
	const longest = 60
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return text
}
