package session

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
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
	tree        *template.JSON // nil means none
	xml         template.Template
}

// parseBody reads the body of r, and lists what is wrong.
func parseBody(problems *check.List, r *Request) (b body) {
	kinds := 0
	if r.Form != nil {
		kinds++
		b.contentType, b.form = wire.FormType, map[string]template.Template{}
		for _, name := range slices.Sorted(maps.Keys(r.Form)) {
			t, err := template.Parse(r.Form[name])
			problems.Field(fmt.Sprintf("Form: %q", name), err)
			b.form[name] = t
		}
	}
	if r.JSON != nil {
		kinds++
		b.contentType = "application/json"
		tree, err := template.ParseJSON(r.JSON)
		problems.Field("JSON", err)
		b.tree = &tree
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
	if b.tree != nil {
		list = append(list, b.tree.Names()...)
	}
	return append(list, b.xml.Names()...)
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
		return b.tree.Fill(f)
	}
	text, err := f.Fill(b.xml, escapeXML)
	return []byte(text), err
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
