package openapi

import (
	"net"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/importer"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

var variable = lazy.Regexp(`\{([^{}]*)\}`)

// fill makes a template of the URL of a server. ok is false where a question is open.
func (i *imported) fill(s *server) (base string, ok bool) {
	s.filled = map[string]string{}
	scheme, rest, found := strings.Cut(s.url, "://")
	if name := variable().FindStringSubmatch(scheme); found && name != nil {
		i.Note(s.at, "the scheme is https, whatever {%s} says", importer.Short(name[1]))
		scheme = "https"
	}
	if !found {
		scheme, rest = "https", s.url
	}
	rest, _, _ = strings.Cut(rest, "#")
	if before, query, found := strings.Cut(rest, "?"); found {
		i.Note(s.at, "the query %q is left out", importer.Short(query))
		rest = before
	}
	end := strings.IndexByte(rest+"/", '/')
	host, path := rest[:end], rest[end:]
	if name, port, err := net.SplitHostPort(host); err == nil {
		filled := variable().ReplaceAllStringFunc(port, func(v string) string { return s.vars.Get(v[1 : len(v)-1]).Get("default").Scalar() })
		if filled != port {
			i.Note(s.at, "the port is %s: a port has no variables", importer.Short(filled))
		}
		host = name
		if filled != "" && !(filled == "443" && scheme == "https") {
			host += ":" + filled
		}
	}
	ok = true
	filledHost := ""
	for {
		at := variable().FindStringSubmatchIndex(host)
		if at == nil {
			filledHost += strings.ToLower(host)
			break
		}
		name := host[at[2]:at[3]]
		input, asked := i.inHost(s, name, host[at[1]:])
		ok = ok && asked
		filledHost += strings.ToLower(host[:at[0]]) + input
		host = host[at[1]:]
	}
	path = variable().ReplaceAllStringFunc(path, func(v string) string { return i.inPath(s, v[1:len(v)-1]) })
	return scheme + "://" + filledHost + trim(path), ok
}

// maxValues is how many values a variable has.
const maxValues = 1000

// input makes an input of a variable.
func (i *imported) input(s *server, name string) definition.Input {
	v := s.vars.Get(name)
	input := definition.Input{
		Name: importer.Unique(i.inputs, importer.InputName(name, "variable"), "_"), Title: importer.Line(name), Help: importer.Line(v.Get("description").Text()),
	}
	for n, choice := range v.Get("enum").Elements() {
		if n == maxValues {
			i.Note(choice, "is left out, and so are all further values: there are too many")
			break
		}
		if value := choice.Scalar(); value != "" && !slices.ContainsFunc(input.Enum, func(c definition.Choice) bool { return c.Value == value }) {
			input.Enum = append(input.Enum, definition.Choice{Value: value})
		}
	}
	if standard := v.Get("default").Scalar(); slices.ContainsFunc(input.Enum, func(c definition.Choice) bool { return c.Value == standard }) {
		input.Default = standard
	}
	return input
}

// inPath returns what stands in the path for a variable.
func (i *imported) inPath(s *server, name string) string {
	if known, ok := s.filled[name]; ok {
		return known
	}
	standard := s.vars.Get(name).Get("default").Scalar()
	input := i.input(s, name)
	hasSlash := func(c definition.Choice) bool { return strings.Contains(c.Value, "/") }
	if strings.Contains(standard, "/") || slices.ContainsFunc(input.Enum, hasSlash) {
		i.Note(s.vars.Get(name), "is %q: a value has no slash in a path", importer.Short(standard))
		return importer.Literal(strings.Trim(standard, "/"))
	}
	if len(input.Enum) == 0 {
		input.Default = standard
	}
	return i.addInput(s, name, input)
}

// addInput adds the input of a variable, and returns what stands for the variable.
func (i *imported) addInput(s *server, name string, input definition.Input) string {
	i.def.Inputs = append(i.def.Inputs, input)
	s.filled[name] = "{" + input.Name + "}"
	return s.filled[name]
}

var label = lazy.Regexp(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// inHost returns what stands in the host for a variable, before the rest of the host. ok
// is false where a question is open.
func (i *imported) inHost(s *server, name, after string) (text string, ok bool) {
	if known, found := s.filled[name]; found {
		return known, true
	}
	v := s.vars.Get(name)
	input := i.input(s, name)
	standard := v.Get("default").Scalar()
	switch {
	case len(input.Enum) > 0:
	case after != "" && after[0] != ':':
		input.Format = definition.FormatLabel
		if label().MatchString(standard) && len(standard) <= 63 {
			input.Example = standard
		}
	default:
		answer, answered := i.Ask(v, importer.WhichHosts(name))
		if !answered {
			return "", false
		}
		importer.LimitHost(&input, answer)
	}
	return i.addInput(s, name, input), true
}
