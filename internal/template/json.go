package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// JSON is a JSON document whose strings are templates.
type JSON struct{ tree any } // with a Template in the place of each string

// ParseJSON returns a copy of v, as encoding/json reads what encoding/json has written,
// with a template in the place of each string. The names of members are no templates.
func ParseJSON(v any) (JSON, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return JSON{}, errors.New("cannot be written as JSON")
	}
	if bytes.Contains(text, []byte(`\ufffd`)) { // as encoding/json writes what is not UTF-8
		return JSON{}, errors.New("has a text that is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return JSON{}, err
	}
	if tree == nil {
		return JSON{}, errors.New("is null")
	}
	tree, err = mapJSON(tree, func(s any) (any, error) {
		if s, ok := s.(string); ok {
			return Parse(s)
		}
		return s, nil
	})
	return JSON{tree}, err
}

// Fill returns the document with values.
func (j JSON) Fill(f *Filler) ([]byte, error) {
	tree, err := mapJSON(j.tree, func(v any) (any, error) {
		if t, ok := v.(Template); ok {
			return f.Fill(t, nil)
		}
		return v, nil
	})
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(tree)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// Names returns the names of the values in the document.
func (j JSON) Names() (list []string) {
	mapJSON(j.tree, func(v any) (any, error) {
		if t, ok := v.(Template); ok {
			list = append(list, t.Names()...)
		}
		return v, nil
	})
	return list
}

// mapJSON returns a copy of a tree with other leaves. Errors name the member.
func mapJSON(tree any, leaf func(any) (any, error)) (any, error) {
	var problems []error
	mapped := mapMember(tree, "", func(path string, v any) any {
		v, err := leaf(v)
		if err != nil && path != "" {
			err = fmt.Errorf("%q: %w", path[1:], err)
		}
		if err != nil {
			problems = append(problems, err)
		}
		return v
	})
	return mapped, errors.Join(problems...)
}

// mapMember is mapJSON for the member at path, which is empty or begins with a dot.
func mapMember(tree any, path string, leaf func(path string, v any) any) any {
	switch tree := tree.(type) {
	case map[string]any:
		members := make(map[string]any, len(tree))
		for _, name := range slices.Sorted(maps.Keys(tree)) {
			members[name] = mapMember(tree[name], path+"."+name, leaf)
		}
		return members
	case []any:
		elements := make([]any, len(tree))
		for i, element := range tree {
			elements[i] = mapMember(element, path+"."+strconv.Itoa(i), leaf)
		}
		return elements
	}
	return leaf(path, tree)
}
