package check

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// origin matches scheme and host of a URL, with inputs in braces.
var origin = regexp.MustCompile(`https?://[^/?#\s]+`)

// origins checks that credentials go nowhere but to where the sources say: the replay sees
// the requests of one account alone, and a definition can name more places than that.
func (c *checker) origins(document []byte, s *facts.Source) {
	var known []string
	s.All(func(_ string, f *facts.Fact) { known = append(known, origin.FindString(f.Value)) })
	var d map[string]any
	if err := json.Unmarshal(document, &d); err != nil {
		c.add("%v", err)
		return
	}
	delete(d, "links")
	for _, at := range places(d, "", false) {
		if !slices.Contains(known, at.origin) {
			c.add("%s: leads to %s, which no URL of x-sources does; add the URL there with its witnesses, or leave this out", at.path, at.origin)
		}
	}
	c.boundaries(c.d.Inputs, "inputs", known, s)
	for i := range c.d.Methods {
		for j, capture := range captures(&c.d.Methods[i]) {
			said := strings.Fields(s.Inputs[capture.Name].Value)
			for _, limit := range capture.Suffixes {
				if !slices.Contains(said, limit) {
					c.add("methods[%d].captures[%d]: accounts may be at %s; say in x-sources.inputs.%s who says so", i, j, limit, capture.Name)
				}
			}
		}
		c.boundaries(c.d.Methods[i].Inputs, fmt.Sprintf("methods[%d].inputs", i), known, s)
	}
}

// A place is where a definition may lead to.
type place struct{ path, origin string }

// places returns the origins in members for URLs.
func places(v any, path string, isURL bool) (list []place) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sorted(v) {
			if !strings.HasPrefix(name, "x-") {
				lower := strings.ToLower(name)
				list = append(list, places(v[name], strings.TrimPrefix(path+"."+name, "."),
					isURL || strings.HasSuffix(lower, "url") || strings.HasSuffix(lower, "urls") || lower == "origins" || lower == "hosts")...)
			}
		}
	case []any:
		for i := range v {
			list = append(list, places(v[i], fmt.Sprintf("%s[%d]", path, i), isURL)...)
		}
	case string:
		if at := origin.FindString(v); isURL && at != "" {
			list = append(list, place{path, at})
		}
	}
	return list
}

// boundaries checks the values and suffixes of inputs that decide a host.
func (c *checker) boundaries(inputs []definition.Input, path string, known []string, s *facts.Source) {
	for i, in := range inputs {
		var here []string
		for _, at := range known {
			if strings.Contains(at, "{"+in.Name+"}") {
				here = append(here, at)
			}
		}
		if len(here) == 0 {
			continue
		}
		limits := slices.Clone(in.Suffixes)
		for _, choice := range in.Enum {
			limits = append(limits, choice.Value)
		}
		said := strings.Fields(s.Inputs[in.Name].Value)
		if in.AnyHost && in.Default != "" && !slices.Contains(said, in.Default) {
			c.add("%s[%d].default: leads to %s; say in x-sources.inputs.%s who says so", path, i, in.Default, in.Name)
		}
		isWhole := func(at string) bool { return at == "https://{"+in.Name+"}" }
		if len(said) == 0 && len(in.Enum) == 0 && !slices.ContainsFunc(here, func(at string) bool { return !isWhole(at) }) {
			continue // the sources say any host, and suffixes allow less
		}
		for _, limit := range limits {
			isSuffix := slices.ContainsFunc(here, func(at string) bool { return strings.HasSuffix(at, "{"+in.Name+"}"+limit) })
			if !isSuffix && !slices.Contains(said, limit) {
				c.add("%s[%d]: accounts may be at %s; say in x-sources.inputs.%s who says so", path, i, limit, in.Name)
			}
		}
	}
}
