package template

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A URL is the template of a URL. Values stand in segments of the path and in the query,
// and cannot change the rest.
type URL struct {
	Template
	Sample string   // the URL with a letter for each value
	Shape  *url.URL // Sample, or nil if the template is wrong
}

var errOrigin = errors.New("has a value in its scheme, host or port; write the origin out, and use values in the path and the query")

// ParseURL reads the template of a URL.
func ParseURL(s string) (URL, error) {
	scheme, rest, _ := strings.Cut(s, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if strings.ContainsAny(scheme+rest[:end], "{}") {
		return URL{}, errOrigin
	}
	t, err := Parse(s)
	if err != nil {
		return URL{}, err
	}
	u := URL{Template: t, Sample: s}
	if strings.ContainsAny(s, "{}") {
		sample := Filler{Values: map[string]string{}}
		for _, name := range t.Names() {
			sample.Values[name] = "x"
		}
		if u.Sample, err = u.spell(&sample); err != nil {
			return URL{}, err
		}
	}
	if u.Shape, err = origin.Endpoint(u.Sample); err != nil {
		return u, err
	}
	if strings.Contains(u.Shape.Path, "/.") && slices.ContainsFunc(strings.Split(u.Shape.Path, "/"), isDots) {
		return URL{}, errors.New("has a segment of dots in its path; write where the path leads")
	}
	return u, nil
}

// isDots reports whether a segment leads elsewhere in a path.
func isDots(segment string) bool { return segment == "." || segment == ".." }

// spell fills in the URL, whatever comes out.
func (u URL) spell(f *Filler) (string, error) {
	inQuery := false
	var b strings.Builder
	for _, p := range u.Template {
		text, err := f.part(p)
		if err != nil {
			return "", err
		}
		switch {
		case p.isText():
			inQuery = inQuery || strings.Contains(text, "?")
		case inQuery:
			text = string(wire.AppendEscaped(nil, text))
		default:
			text = url.PathEscape(text)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

var errShape = errors.New("a value would change what the URL leads to: a value in a path is neither empty nor dots alone, and has no dots alone between slashes")

// Fill returns the URL with its values. The error quotes no value.
func (u URL) Fill(f *Filler) (string, error) {
	text, err := u.spell(f)
	if err != nil {
		return "", err
	}
	filled, err := origin.Endpoint(text)
	if err != nil {
		return "", err
	}
	before, after := segments(u.Shape), segments(filled)
	if !origin.Same(filled, u.Shape) || len(before) != len(after) {
		return "", errShape
	}
	for i := range after {
		if after[i] == "" && before[i] != "" || after[i] != before[i] && leads(after[i]) {
			return "", errShape
		}
	}
	return text, nil
}

// leads reports whether a segment leads elsewhere, to a server that decodes a slash in a
// segment before the server looks at the path.
func leads(segment string) bool {
	decoded, err := url.PathUnescape(segment)
	return err != nil || slices.ContainsFunc(strings.FieldsFunc(decoded, func(r rune) bool { return r == '/' || r == '\\' }), isDots)
}

func segments(u *url.URL) []string { return strings.Split(u.EscapedPath(), "/") }

// Beginning returns the part of the URL that is the same for all accounts, without a
// query.
func (u URL) Beginning() string {
	first := ""
	if len(u.Template) > 0 && u.Template[0].isText() {
		first, _, _ = strings.Cut(u.Template[0].text, "?")
	}
	return first
}
