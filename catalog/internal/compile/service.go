package main

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// A service is a record of the seed on its way to a definition.
type service struct {
	*provider
	override override
	facts    facts.Source
	d        definition.Definition
	omitted  []string // what is left out, and why
}

// leave notes what is left out.
func (s *service) leave(what, why string) { s.omitted = append(s.omitted, what+": "+why) }

// compile makes facts and a definition of the record. The error says why the service stays
// out as a whole.
func (s *service) compile() error {
	base := strings.TrimRight(s.BaseURL.V, "/")
	if strings.ContainsAny(base, "?#") || !strings.HasPrefix(base, "https://") && !s.captures(strings.Trim(base, "{}")) {
		return fmt.Errorf("the base URL is no https URL without a query")
	}
	if s.isVariable(base) {
		return fmt.Errorf("the source has a variable of its code in place of the host, which no form asks for")
	}
	s.BaseURL.V = base
	s.facts.Base, s.facts.Derived = *s.BaseURL.as(base), s.BaseURL.Derived != ""
	s.facts.Note, s.facts.Read = s.override.Note, s.override.Read
	s.methods()
	if len(s.facts.Methods) == 0 {
		return fmt.Errorf("no method is left")
	}
	s.d = definition.Definition{Name: s.Slug, Title: s.Title, BaseURL: base}
	s.links()
	for _, name := range sortedKeys(s.Headers) {
		f := s.Headers[name]
		if strings.EqualFold(f.V, "activepieces") {
			s.leave("header "+name, "names the witness itself")
			continue
		}
		if s.facts.Headers == nil {
			s.facts.Headers, s.d.Headers = map[string]facts.Fact{}, map[string]string{}
		}
		s.facts.Headers[name], s.d.Headers[name] = *f.as(f.V), f.V
	}
	s.test()
	s.facts.Regions = named(s.Regions)
	shared := []string{base}
	for _, name := range sortedKeys(s.d.Headers) {
		shared = append(shared, s.d.Headers[name])
	}
	for _, name := range inputsOf(shared...) {
		if !s.captures(name) {
			s.d.Inputs = append(s.d.Inputs, s.input(name))
		}
	}
	names := sortedKeys(s.facts.Methods)
	slices.SortStableFunc(names, func(a, b string) int {
		return len(s.facts.Essential(s.facts.Methods[b])) - len(s.facts.Essential(s.facts.Methods[a]))
	})
	for i, name := range names {
		m := s.define(name, s.facts.Methods[name])
		s.methodInputs(&m, s.facts.Methods[name])
		if len(names) > 1 {
			m.Title, m.Default = methodTitle(name), i == 0
			if n := strings.TrimLeft(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz1"), "-"); n != "" {
				m.Title += ", way " + n
			}
		}
		s.d.Methods = append(s.d.Methods, m)
	}
	return s.settle()
}

// captures reports whether a name is that of a value that comes with a token.
func (s *service) captures(name string) bool {
	return slices.ContainsFunc(s.Methods, func(m method) bool { _, ok := m.Captures[name]; return ok })
}

// isVariable reports whether a host is an input without a title that one source alone has:
// the form of Activepieces has a title for each value, so the name is a variable.
func (s *service) isVariable(base string) bool {
	if !slices.Equal(s.BaseURL.By, []string{"activepieces"}) {
		return false
	}
	return slices.ContainsFunc(s.Inputs, func(i input) bool {
		return i.Kind == "host" && i.Title == "" && i.Suffixes == nil && hostPart.FindString(base) == "https://{"+i.Name+"}"
	})
}

// methods makes facts of the methods, and leaves out what a single old witness knows.
func (s *service) methods() {
	s.facts.Methods = map[string]facts.Method{}
	used, has2 := map[string]bool{}, false
	for i := range s.Methods {
		has2 = has2 || s.Methods[i].Type == "OAuth2" && s.Methods[i].Confidence > 0
	}
	for i := range s.Methods {
		m := &s.Methods[i]
		name := unique(methodName(m.Type, m.grant()), used)
		f, err := s.method(m)
		if err != nil {
			s.leave(name, err.Error())
			continue
		}
		switch by := s.facts.Essential(f); {
		case len(by) == 0:
			s.leave(name, "no witness says where the service is and what requests carry")
		case len(by) == 1 && !slices.Contains(maintained, by[0]):
			s.leave(name, "says one source alone, which nobody maintains: "+by[0])
		case s.strays(f):
			s.leave(name, "accounts choose the host of the tokens or of the API alone, so that one would get what belongs to the other")
		case m.Type == "OAuth1" && has2 && len(by) < 5:
			s.leave(name, "OAuth 1.0a beside OAuth 2.0 is history mostly")
		default:
			s.facts.Methods[name] = f
		}
	}
}

// strays reports whether an account chooses freely the host that tokens come from, or the
// host that tokens go to, and not the other: whoever runs the one would get what belongs to
// the other.
func (s *service) strays(m facts.Method) bool {
	base := inputsOf(hostPart.FindString(s.BaseURL.V))
	for _, f := range []*facts.Fact{m.Authorize, m.Token, m.Login} {
		if f == nil {
			continue
		}
		_, u, ok := strings.Cut(f.Value, " ") // the HTTP method of a login
		if !ok {
			u = f.Value
		}
		if s.isFree(inputsOf(hostPart.FindString(u)), s.BaseURL.V) || s.isFree(base, u) {
			return true
		}
	}
	return false
}

// isFree reports whether one of the inputs may be any host, and does not stand in the other URL.
func (s *service) isFree(names []string, other string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		at := slices.IndexFunc(s.Inputs, func(i input) bool { return i.Name == name })
		return at >= 0 && s.Inputs[at].Kind == "host" && s.Inputs[at].Suffixes == nil && !slices.Contains(inputsOf(other), name)
	})
}

// isForeign reports whether an account chooses freely the host that gets the client secret: a
// secret of the program does not belong there, so each account brings a client of its own.
func (s *service) isForeign(m facts.Method) bool {
	return m.Token != nil && s.isFree(inputsOf(hostPart.FindString(m.Token.Value)), "")
}

// hostPart matches scheme and host of a template.
var hostPart = regexp.MustCompile(`^https://[^/]*`)

// links are where people read on.
func (s *service) links() {
	for _, page := range s.override.Read {
		s.link("Documentation", page.URL)
	}
	if s.Docs != nil {
		s.link("Documentation", s.Docs.V)
	}
	if s.Homepage != nil {
		s.link("Website", s.Homepage.V)
	}
}

func (s *service) link(title, address string) {
	address = strings.Replace(address, "http://", "https://", 1)
	u, err := url.Parse(address)
	has := slices.ContainsFunc(s.d.Links, func(l definition.Link) bool { return l.URL == address })
	if err == nil && u.Scheme == "https" && u.Host != "" && !has {
		s.d.Links = append(s.d.Links, definition.Link{Title: title, URL: address})
	}
}

// hostOf returns the host of a URL, with x in place of each input.
func hostOf(template string) string {
	u, err := url.Parse(braces.ReplaceAllString(template, "x"))
	if err != nil {
		return ""
	}
	return u.Host
}

// domain returns the last two labels of a host.
func domain(host string) string {
	labels := strings.Split(host, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

// member matches the path of a finding within a method, or within the test.
var member = regexp.MustCompile(`^methods\[(\d+)\]|^(test|links|headers)`)

// settle parses the definition, and leaves out what Parse refuses: the test, or a method.
func (s *service) settle() error {
	for {
		text, err := s.d.Document()
		if err != nil {
			return err
		}
		_, err = definition.Parse(s.Slug+".json", text, definition.Options{AnyHost: true})
		var found *definition.Error
		if err == nil {
			break
		} else if !errors.As(err, &found) {
			return err
		}
		f := found.Findings[0]
		if s.narrow(f) {
			continue
		}
		match := member.FindStringSubmatch(f.Path)
		switch {
		case match != nil && match[2] == "test":
			s.leave("test", f.Text)
			s.d.Test, s.d.BaseURLs, s.facts.Test, s.facts.TestID, s.facts.TestScopes = nil, nil, nil, nil, nil
		case match != nil && match[2] == "links":
			s.d.Links = nil
		case match != nil && match[1] != "" && len(s.d.Methods) > 1:
			var i int
			fmt.Sscan(match[1], &i)
			s.leave(s.d.Methods[i].Name, f.Path+": "+f.Text)
			delete(s.facts.Methods, s.d.Methods[i].Name)
			if s.d.Methods = slices.Delete(s.d.Methods, i, i+1); len(s.d.Methods) == 1 {
				s.d.Methods[0].Title, s.d.Methods[0].Default = "", false
			}
		default:
			return fmt.Errorf("%s: %s", f.Path, f.Text)
		}
	}
	return nil
}

// everybody matches what Parse says of a suffix below which customers have names.
var everybody = regexp.MustCompile(`say "suffixes": \["([^"]+)"\]`)

// narrow mends an input: a name that the service gives to its customers, or a default that
// is no host.
func (s *service) narrow(f definition.Finding) bool {
	if match := everybody.FindStringSubmatch(f.Text); match != nil {
		for i := range s.d.Inputs {
			if in := &s.d.Inputs[i]; in.Suffixes == nil && strings.Contains(s.BaseURL.V, "{"+in.Name+"}"+match[1]) {
				in.Suffixes = []string{match[1]}
				return true
			}
		}
	}
	var i int
	if _, err := fmt.Sscanf(f.Path, "inputs[%d].default", &i); err == nil && s.d.Inputs[i].Default != "" {
		s.leave("inputs", "the default of "+s.d.Inputs[i].Name+" is no value that the input takes")
		s.d.Inputs[i].Default = ""
		delete(s.facts.Inputs, s.d.Inputs[i].Name)
		return true
	}
	return false
}

// shelf returns where the definition belongs. The error says why nowhere.
func (s *service) shelf() (string, error) {
	if s.facts.Count() >= 2 {
		return "services", nil
	}
	for _, m := range s.facts.Methods {
		if slices.ContainsFunc(s.facts.Essential(m), func(by string) bool { return slices.Contains(maintained, by) }) {
			return "drafts", nil
		}
	}
	return "", fmt.Errorf("one source alone, which nobody maintains")
}
