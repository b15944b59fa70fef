package importer

import (
	"fmt"
	"iter"
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

// below returns the path of a member.
func (v Value) below(name string) string {
	isPlain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_$/-{}", r)
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isPlain(r) }) {
		name = strconv.Quote(Short(name))
	}
	if v.Path == "" {
		return name
	}
	return v.Path + "." + name
}

// Get returns a member.
func (v Value) Get(name string) Value {
	inner := v.Place()
	inner.Path = v.below(name)
	if found := v.n.member(name); found != nil {
		inner.n, inner.near = found, found
	}
	return inner
}

// Place returns the place of v without the value, as for what could be there.
func (v Value) Place() Value { return Value{Path: v.Path, near: v.near} }

// Members returns the members of an object by name, in the order of the document.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.n == nil {
			return
		}
		for _, m := range v.n.members {
			if !yield(m.name, Value{v.below(m.name), m.node, m.node}) {
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
