package inject

import (
	"errors"
	"slices"
	"strings"
)

// A node is a place in a JSON document or below an XML element. A node without
// children is a field.
type node struct {
	name     string
	children []*node
	member   []byte // "name":value as JSON, with all children
	value    []byte // the value alone
	text     string // the value of a field as XML
}

// parsePath returns the names of the members that lead to key.
func parsePath(key string) ([]string, error) {
	path := strings.Split(key, ".")
	if pointer, isPointer := strings.CutPrefix(key, "/"); isPointer {
		path = strings.Split(pointer, "/")
		for i, name := range path {
			rest := strings.NewReplacer("~0", "", "~1", "").Replace(name)
			if strings.Contains(rest, "~") {
				return nil, errors.New("a ~ in a JSON Pointer must be written ~0, and a slash ~1")
			}
			path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		}
	}
	if slices.Contains(path, "") {
		return nil, errors.New("a part of the path is empty: dots separate nested names; write a literal dot in the pointer form, as in /a.b")
	}
	return path, nil
}

// insert adds field below n. The last element of path becomes the name of field.
func (n *node) insert(path []string, field *node) error {
	name, rest := path[0], path[1:]
	i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == name })
	switch {
	case i >= 0 && (len(rest) == 0 || len(n.children[i].children) == 0):
		return errors.New("the key is at the same place as another field, or inside it: change one of the keys")
	case i >= 0:
		return n.children[i].insert(rest, field)
	case len(rest) == 0:
		field.name = name
		n.children = append(n.children, field)
		return nil
	default:
		child := &node{name: name}
		n.children = append(n.children, child)
		return child.insert(rest, field)
	}
}

// encode sets the JSON of n and of all nodes below n.
func (n *node) encode() {
	if len(n.children) > 0 {
		n.value = []byte{'{'}
		for i, c := range n.children {
			c.encode()
			if i > 0 {
				n.value = append(n.value, ',')
			}
			n.value = append(n.value, c.member...)
		}
		n.value = append(n.value, '}')
	}
	n.member = append(append(quote(n.name), ':'), n.value...)
}
