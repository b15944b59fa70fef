package check

import (
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// A Shelf is a folder of the catalogue.
type Shelf string

// The shelves.
const (
	Service Shelf = "services" // two witnesses or more say the essential facts of a method
	Draft   Shelf = "drafts"   // one witness describes the service
)

// File lists what is missing or wrong in a definition. Nil means nothing. Each problem is one
// line, which says what to do. The name of the file has no folder.
func File(shelf Shelf, file string, document []byte) []string {
	d, err := definition.Parse(file, document, definition.Options{AnyHost: true})
	if err != nil {
		return strings.Split(err.Error(), "\n")
	}
	c := &checker{file: file, d: d}
	if want := d.Name + ".json"; file != want {
		c.add("name: the file of %s is called %s", d.Name, want)
	}
	f, err := facts.Read(document)
	if err != nil {
		c.add("%v", err)
		return c.problems
	}
	c.sources(shelf, f.Source)
	c.pages(f.Source)
	c.origins(document, f.Source)
	c.scopes(f.Source)
	c.lint(document, f.Lint)
	forms, err := forms(d)
	if err != nil {
		c.add("form: %v", err)
		return c.problems
	}
	for i := range d.Methods {
		m := &d.Methods[i]
		c.form(forms, m.Name)
		if known, ok := f.Source.Methods[m.Name]; !ok {
			c.add("x-sources.methods: lacks the method %s", m.Name)
		} else if string(m.Type) != known.Type {
			c.add("x-sources.methods.%s.type: is %q, and the method is of the type %s", m.Name, known.Type, m.Type)
		} else {
			c.replay(m, f.Source)
		}
	}
	for _, name := range sorted(f.Source.Methods) {
		if !slices.ContainsFunc(d.Methods, func(m definition.Method) bool { return m.Name == name }) {
			c.add("x-sources.methods.%s: is no method of the definition", name)
		}
	}
	return c.problems
}

type checker struct {
	file     string
	d        *definition.Definition
	problems []string
}

// add lists a problem, once.
func (c *checker) add(format string, args ...any) {
	if problem := c.file + ": " + fmt.Sprintf(format, args...); !slices.Contains(c.problems, problem) {
		c.problems = append(c.problems, problem)
	}
}

// day matches a date, or what is known of one.
var day = regexp.MustCompile(`^20\d\d(-[01]\d(-[0-3]\d)?)?$`)

// sources checks that each fact has a witness, and each witness a date.
func (c *checker) sources(shelf Shelf, s *facts.Source) {
	if !day.MatchString(s.Date) {
		c.add("x-sources.date: want the date of the facts, such as 2026-11-27")
	}
	cited := map[string]bool{}
	s.All(func(path string, f *facts.Fact) {
		all := slices.Concat(f.By, f.HostBy)
		for i, by := range all {
			if cited[by] = true; slices.Contains(all[:i], by) {
				c.add("x-sources.%s: %q names %s twice", path, f.Value, by)
			}
		}
		if len(f.By) == 0 {
			c.add("x-sources.%s: %q has no witness; say in by who says so", path, f.Value)
		}
		for _, by := range slices.Concat(f.By, f.HostBy) {
			if date, ok := s.Witnesses[by]; !facts.IsStandard(by) && (!ok || !day.MatchString(date)) {
				c.add("x-sources.witnesses: want the date of %s", by)
			}
		}
	})
	for _, name := range sorted(s.Witnesses) {
		if !cited[name] {
			c.add("x-sources.witnesses: %s says nothing; name the facts that it says, or take it out", name)
		}
	}
	if _, ok := s.Witnesses[facts.Documentation]; ok && len(s.Read) == 0 {
		c.add("x-sources.read: want the pages of the documentation that were read")
	}
	switch count := s.Count(); {
	case count == 0:
		c.add("x-sources: no witness says all essential facts of a method: token and authorize URL, or host and placement")
	case count == 1 && shelf == Service:
		c.add("x-sources: one witness alone says the essential facts; move the file to %s, or add a witness", Draft)
	case count > 1 && shelf == Draft:
		c.add("x-sources: %d witnesses say the essential facts; move the file to %s", count, Service)
	}
}

// pages checks that others can open what somebody has read.
func (c *checker) pages(s *facts.Source) {
	for i, page := range s.Read {
		if u, err := url.Parse(page.URL); err != nil || u.Scheme != "https" || strings.Trim(u.Path+u.RawQuery, "/") == "" {
			c.add("x-sources.read[%d].url: %q is no page; want the https address of the page itself", i, page.URL)
		}
		if !day.MatchString(page.Date) || strings.TrimSpace(page.Says) == "" {
			c.add("x-sources.read[%d]: want the date, and what the page says in your words", i)
		}
		if strings.Contains(page.Says, "internal/") {
			c.add("x-sources.read[%d].says: quotes this library, which is no witness; open the page", i)
		}
	}
	if c.d.Test == nil {
		return
	}
	for _, status := range c.d.Test.OK {
		if status < 200 || status > 299 {
			c.add("test.ok: %d is what services respond without a good credential too; want 200 to 299", status)
		}
	}
}

// scopes checks that each consent asks for the scopes of the test.
func (c *checker) scopes(s *facts.Source) {
	if s.TestScopes == nil {
		return
	}
	if s.Test == nil {
		c.add("x-sources.testScopes: are the scopes of a test, and x-sources.test is missing")
	}
	for _, m := range c.d.Methods {
		o, isOAuth2 := m.Scheme.(*definition.OAuth2)
		if !isOAuth2 || o.Grant.AuthorizationCode == nil {
			continue
		}
		for _, scope := range strings.Fields(s.TestScopes.Value) {
			if !slices.ContainsFunc(o.Scopes, func(asked definition.Scope) bool { return asked.Name == scope }) {
				c.add("%s: lacks the scope %s, which the test wants", m.Name, scope)
			}
		}
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// lint wants a reason for each finding, and a finding for each reason.
func (c *checker) lint(document []byte, reasons map[string]string) {
	found, err := definition.Lint(c.file, document, definition.Options{AnyHost: true})
	if err != nil {
		c.add("%v", err)
	}
	used := map[string]bool{}
	for _, f := range found {
		if used[f.Path] = true; strings.TrimSpace(reasons[f.Path]) == "" {
			c.problems = append(c.problems, fmt.Sprintf("%s; or say in x-lint why %q stays so", f, f.Path))
		}
	}
	for _, path := range sorted(reasons) {
		if !used[path] {
			c.add("x-lint: has a reason for %s, where Lint finds nothing", path)
		}
	}
}

// isAddress matches a title that asks for a URL.
var isAddress = regexp.MustCompile(`(?i)\bur[li]\b`)

// isHost reports whether an input takes a host.
func (c *checker) isHost(method, name string) bool {
	all := c.d.Inputs
	for i := range c.d.Methods {
		if c.d.Methods[i].Name == method {
			all = slices.Concat(all, c.d.Methods[i].Inputs)
		}
	}
	return slices.ContainsFunc(all, func(in definition.Input) bool { return in.Name == name && in.Format == definition.FormatHost })
}

// form renders the form of a method as programs with package pages do, and looks at what
// people would see.
func (c *checker) form(forms http.Handler, method string) {
	fields, err := c.d.Form(method, nil)
	if err != nil {
		c.add("%s: %v", method, err)
		return
	}
	shown, err := page(forms, c.d.Name, method)
	if err != nil {
		c.add("%s: form: %v", method, err)
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if err == nil && !strings.Contains(shown, html.EscapeString(f.Title)) {
			c.add("%s: form: does not ask for %q", method, f.Title)
		}
		if seen[f.Title] {
			c.add("%s: form: two fields have the title %q; people cannot tell them apart", method, f.Title)
		}
		seen[f.Title] = true
		if f.Secret && !f.Required() {
			c.add("%s: form: %q is a secret, and optional; without the secret, requests would go out without a credential", method, f.Title)
		}
		if isAddress.MatchString(f.Title) && c.isHost(method, f.Name) {
			c.add("%s: form: %q asks for a URL, and takes a host, such as www.example.com; say host in the title", method, f.Title)
		}
		if strings.ToUpper(f.Title[:1]) != f.Title[:1] {
			c.add("%s: form: the title %q begins with a small letter", method, f.Title)
		}
		if f.Value != "" && len(f.Enum) > 0 && !slices.ContainsFunc(f.Enum, func(c definition.Choice) bool { return c.Value == f.Value }) {
			c.add("%s: form: the default of %s is no choice", method, f.Name)
		}
	}
	if errors.Is(c.d.Validate(method, samples(c.d, method)), nil) {
		return
	}
	c.add("%s: form: the sample values are refused: %v", method, c.d.Validate(method, samples(c.d, method)))
}
