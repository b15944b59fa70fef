package session

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A body is what a request sends: a form, a tree of JSON or an XML document. The zero
// value sends nothing.
type body struct {
	contentType string
	form        map[string]template.Template
	tree        any // of JSON, with a template in the place of each string
	xml         template.Template
}

// parseBody reads the body of r, and lists what is wrong.
func parseBody(problems *check.List, r *Request) (b body) {
	kinds := 0
	if r.Form != nil {
		kinds++
		b.contentType, b.form = wire.FormType, map[string]template.Template{}
		for name, text := range r.Form {
			t, err := template.Parse(text)
			problems.Field(fmt.Sprintf("Form: %q", name), err)
			b.form[name] = t
		}
	}
	if r.JSON != nil {
		kinds++
		b.contentType = "application/json"
		tree, err := parseJSON(r.JSON)
		problems.Field("JSON", err)
		b.tree = tree
	}
	if r.XML != "" {
		kinds++
		b.contentType = "text/xml; charset=utf-8"
		t, err := parseXML(r.XML)
		problems.Field("XML", err)
		b.xml = t
	}
	if kinds > 1 {
		problems.Add("Form, JSON, XML: are the body; give one of them")
	}
	return b
}

// names returns the names of the values in the body.
func (b body) names() (list []string) {
	for _, t := range b.form {
		list = append(list, t.Names()...)
	}
	return append(append(list, namesInJSON(b.tree)...), b.xml.Names()...)
}

// fill returns the body with its values.
func (b body) fill(f *template.Filler) ([]byte, error) {
	switch {
	case b.form != nil:
		form := url.Values{}
		for name, t := range b.form {
			value, err := f.Fill(t, nil)
			if err != nil {
				return nil, err
			}
			form.Set(name, value)
		}
		return []byte(form.Encode()), nil
	case b.tree != nil:
		tree, err := fillJSON(f, b.tree)
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(tree)
		return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
	}
	text, err := f.Fill(b.xml, escapeXML)
	return []byte(text), err
}

// parseJSON returns a copy of v, as encoding/json reads what encoding/json has written,
// with a template in the place of each string. The names of members are no templates.
func parseJSON(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errors.New("cannot be written as JSON")
	}
	if bytes.Contains(text, []byte(`\ufffd`)) { // as encoding/json writes what is not UTF-8
		return nil, errors.New("has a text that is not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	if tree == nil {
		return nil, errors.New("is null")
	}
	return mapJSON(tree, func(s any) (any, error) {
		if s, ok := s.(string); ok {
			return template.Parse(s)
		}
		return s, nil
	})
}

func fillJSON(f *template.Filler, tree any) (any, error) {
	return mapJSON(tree, func(v any) (any, error) {
		if t, ok := v.(template.Template); ok {
			return f.Fill(t, nil)
		}
		return v, nil
	})
}

func namesInJSON(tree any) (list []string) {
	mapJSON(tree, func(v any) (any, error) {
		if t, ok := v.(template.Template); ok {
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

func escapeXML(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder has no errors
	return b.String()
}

// parseXML reads the template of a document. Values stand in texts and attributes.
func parseXML(s string) (template.Template, error) {
	t, err := template.Parse(s)
	if err != nil {
		return nil, err
	}
	sample := template.Filler{Values: map[string]string{}}
	for _, name := range t.Names() {
		sample.Values[name] = ` a="/>` // which is harmless in texts and in quotes alone
	}
	text, err := sample.Fill(t, escapeXML)
	if err != nil {
		return nil, err
	}
	if strings.Contains(text, "<!") {
		return nil, errors.New("has a comment, a CDATA section or a DOCTYPE; leave them out")
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, errors.New("the document is sent in UTF-8")
	}
	elements := 0
	for {
		switch token, err := decoder.Token(); token := token.(type) {
		case nil:
			if err == io.EOF && elements > 0 {
				return t, nil
			}
			return nil, errors.New("is no XML document in UTF-8, or has a value outside of texts and quoted attributes")
		case xml.StartElement:
			elements++
		case xml.ProcInst:
			if strings.Contains(string(token.Inst), "&#34;/&gt;") {
				return nil, errors.New("has a value in a processing instruction")
			}
		}
	}
}
