package definition

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Error lists the mistakes of a document.
type Error struct {
	Findings []Finding // at least one, in the order of the document
	More     int       // how many mistakes are left out
}

// Error returns one line for each mistake.
func (e *Error) Error() string {
	var b strings.Builder
	for i, f := range e.Findings {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.String())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", e.More)
	}
	return b.String()
}

// A Finding is a mistake of a document.
type Finding struct {
	File         string
	Line, Column int    // from 1; a column is a character; 0 means the file as a whole
	Path         string // of the member, such as methods[1].type; empty means the document
	Text         string // what is wrong, and what to do
}

// String returns the finding as compilers write theirs.
func (f Finding) String() string {
	where := f.File + ": "
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column)
	}
	if f.Path != "" {
		where += f.Path + ": "
	}
	return where + f.Text
}

// A path leads from the document to a value. Nil is the document.
type path struct {
	parent *path
	name   string
	index  int // of an element; counts if name is empty
	isName bool
}

func (p *path) member(name string) *path { return &path{parent: p, name: name, isName: true} }
func (p *path) element(index int) *path  { return &path{parent: p, index: index} }

func (p *path) String() string {
	switch {
	case p == nil:
		return ""
	case !p.isName:
		return p.parent.String() + "[" + strconv.Itoa(p.index) + "]"
	}
	name := shown(p.name)
	if p.name != "" && strings.IndexFunc(p.name, func(r rune) bool { return r == '.' || r == '[' || r == ' ' || !strconv.IsPrint(r) }) < 0 {
		name = strings.Trim(name, `"`)
	}
	if p.parent == nil {
		return name
	}
	return p.parent.String() + "." + name
}

// in returns the offset of the value at p in the document, or of its nearest parent.
func (p *path) in(root *node) int {
	found, _ := p.find(root)
	return int(found.at)
}

// find returns the value at p, and reports whether there is one.
func (p *path) find(root *node) (*node, bool) {
	if p == nil {
		return root, true
	}
	parent, ok := p.parent.find(root)
	if !ok {
		return parent, false
	}
	if !p.isName {
		if parent.kind == array && p.index < len(parent.list) {
			return &parent.list[p.index].value, true
		}
		return parent, false
	}
	for i := range parent.list {
		if parent.kind == object && parent.list[i].name == p.name {
			return &parent.list[i].value, true
		}
	}
	return parent, false
}

// position returns the line and the column of an offset.
func position(text string, at int) (line, column int) {
	before := text[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// shown quotes a word of a document for an error, and shortens what is long.
func shown(word string) string {
	const longest = 60
	if len(word) > longest {
		word = strings.ToValidUTF8(word[:longest], "") + "..."
	}
	return strconv.Quote(word)
}
