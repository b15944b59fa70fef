package inject

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A node is a place in a JSON document or below an XML element. A node without
// children is a field.
type node struct {
	name     string
	index    int // the place in an array, if the parent is an array; indexNone or indexEnd
	children []*node
	elements []*node // the children in the order of index, if each has an index
	member   []byte  // "name":value as JSON, with all children
	value    []byte  // the value alone; nil if no new value has the elements before a child
	text     []byte  // the value of a field as XML
}

const (
	indexNone = -1          // only a name
	indexEnd  = math.MaxInt // after the last element
)

// A step is one part of a key: the name of a member and, in a JSON Pointer, perhaps
// the index of an element.
type step struct {
	name  string
	index int
}

// parsePath returns the steps to the field called key.
func parsePath(key string) ([]step, error) {
	pointer, isPointer := strings.CutPrefix(key, "/")
	separator := "."
	if isPointer {
		separator = "/"
	}
	var path []step
	for name := range strings.SplitSeq(pointer, separator) {
		s := step{name, indexNone}
		if isPointer {
			rest := strings.NewReplacer("~0", "", "~1", "").Replace(name)
			if strings.Contains(rest, "~") {
				return nil, errors.New("a ~ in a JSON Pointer must be written ~0, and a slash ~1")
			}
			s = step{strings.NewReplacer("~1", "/", "~0", "~").Replace(name), parseIndex(name)}
		}
		if name == "" {
			return nil, errors.New("a part of the path is empty: dots separate nested names; write a literal dot in the pointer form, as in /a.b")
		}
		path = append(path, s)
	}
	return path, nil
}

// parseIndex returns the index that a step of a JSON Pointer means in an array (RFC
// 6901 section 4).
func parseIndex(name string) int {
	if name == "-" {
		return indexEnd
	}
	isDigit := func(r rune) bool { return '0' <= r && r <= '9' }
	if strings.TrimLeftFunc(name, isDigit) != "" || name == "" || name[0] == '0' && name != "0" {
		return indexNone
	}
	i, err := strconv.Atoi(name)
	if err != nil {
		return indexEnd - 1 // no array is as long
	}
	return i
}

// insert adds field below n. The last step of path becomes the name of field.
func (n *node) insert(path []step, field *node) error {
	next, rest := path[0], path[1:]
	i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == next.name })
	switch {
	case i >= 0 && (len(rest) == 0 || len(n.children[i].children) == 0):
		return errors.New("the key is at the same place as another field, or inside it: change one of the keys")
	case i >= 0:
		n.children[i].index = max(n.children[i].index, next.index)
		return n.children[i].insert(rest, field)
	case len(rest) == 0:
		field.name, field.index = next.name, next.index
		n.children = append(n.children, field)
		return nil
	default:
		child := &node{name: next.name, index: next.index}
		n.children = append(n.children, child)
		return child.insert(rest, field)
	}
}

// encode sets the JSON of n and of all nodes below n. A node whose children all
// have an index is an array.
func (n *node) encode() {
	if len(n.children) > 0 {
		isName := func(c *node) bool { return c.index == indexNone }
		if !slices.ContainsFunc(n.children, isName) {
			n.elements = slices.Clone(n.children)
			slices.SortFunc(n.elements, func(a, b *node) int { return cmp.Compare(a.index, b.index) })
		}
		n.value = n.encodeChildren()
	}
	n.member = append(append(quote(n.name), ':'), n.value...)
}

// encodeChildren returns the value of a node with children.
func (n *node) encodeChildren() []byte {
	list, brackets := n.children, "{}"
	if n.elements != nil {
		list, brackets = n.elements, "[]"
	}
	value, whole := []byte{brackets[0]}, true
	for i, c := range list {
		c.encode()
		if i > 0 {
			value = append(value, ',')
		}
		if n.elements != nil {
			value = append(value, c.value...)
			whole = whole && (c.index == i || c.index == indexEnd)
		} else {
			value = append(value, c.member...)
		}
		whole = whole && c.value != nil
	}
	if !whole {
		return nil
	}
	return append(value, brackets[1])
}

// checkMade refuses a place in a JSON document, at byte pos, where n is missing and
// cannot be made.
func (n *node) checkMade(pos int) error {
	if n.value == nil {
		return refuse("the JSON document has no array at byte %d, where a field's key needs several elements: send the array", pos)
	}
	return nil
}
