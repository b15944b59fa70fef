package look

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Say fills names into a text that Fill takes. In a right-to-left language, each name
// keeps a direction of its own.
func (in Language) Say(text string, names map[string]string) string {
	if in.Direction == "rtl" {
		names = maps.Clone(names)
		for placeholder, name := range names {
			if name != "" {
				names[placeholder] = "\u2068" + name + "\u2069" // first strong isolate, and its end
			}
		}
	}
	filled, _ := Fill(text, names) // a check has found no mistake
	return filled
}

// Fill replaces the placeholders of a text by names: each placeholder is among names,
// whose values may be empty. See consent.Messages for the brackets.
func Fill(text string, names map[string]string) (string, error) {
	var out strings.Builder
	for first := true; first || text != ""; first = false {
		before, rest, open := strings.Cut(text, "[")
		plain, _, err := replace(before, names)
		if err != nil {
			return "", err
		}
		out.WriteString(plain)
		if !open {
			break
		}
		inside, after, closed := strings.Cut(rest, "]")
		with, without, _ := strings.Cut(inside, "|")
		part, full, err := replace(with, names)
		instead, _, wrong := replace(without, names)
		switch {
		case !closed:
			return "", fmt.Errorf("%q has a [ without a ]", text)
		case !strings.Contains(with, "{"):
			return "", fmt.Errorf("%q has no placeholder between [ and ]", text)
		case err != nil || wrong != nil:
			return "", cmp.Or(err, wrong)
		case !full:
			part = instead
		}
		out.WriteString(part)
		text = after
	}
	return out.String(), nil
}

// replace replaces the placeholders of a text without square brackets. full reports
// whether every placeholder has a name.
func replace(text string, names map[string]string) (out string, full bool, err error) {
	full = true
	for {
		before, rest, open := strings.Cut(text, "{")
		if strings.ContainsAny(before, "[]}") {
			return "", false, fmt.Errorf("%q has a bracket without its other half", text)
		}
		out += before
		if !open {
			return out, full, nil
		}
		placeholder, after, _ := strings.Cut(rest, "}")
		name, known := names[placeholder]
		if !known {
			return "", false, fmt.Errorf("the placeholder %q is unknown; there are {%s}", placeholder, strings.Join(slices.Sorted(maps.Keys(names)), "} and {"))
		}
		full = full && name != ""
		out, text = out+name, after
	}
}
