package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// pages are the names of the pages by shelf.
var pages = map[string]string{"services": "catalog.md", "drafts": "catalog-drafts.md"}

// heads begin the pages.
var heads = map[string]string{
	"services": `# The catalogue: services

Two witnesses or more say the essential facts of each of these %d services: the URLs of consent and token, or the host of
the API and the place of the key. One method per service has so many witnesses; another method may have fewer. [Drafts](catalog-drafts.md)
have one witness.
`,
	"drafts": `# The catalogue: drafts

**These %d definitions are drafts.** One witness describes each of them, which is maintained: nobody else says the same.
` + "`catalog.Find`" + ` returns a draft only where ` + "`Options.Drafts`" + ` asks for drafts. [Services](catalog.md) have two witnesses or more.
`,
}

// checked says what was checked, and how.
const checked = `
**What was checked.** Each definition was read and linted, the form of each method was rendered, and an account of each method
was led through a life: consent, token, a request to the API, the test request, renewal and a refused foreign host, as far as the
method has them. The other side was a server made of the facts in the member x-sources of the definition, and of nothing else.
No URL, suffix or choice of a definition leads where the facts do not, and no account sends the client secret of the program to a
host of its own choice. Where the column *read* has links, somebody has read parts of these pages, as stored copies of unknown age:
the definition says what the page says.
**Nothing was checked against a live service.** Test an account before you keep the account.

**Witnesses** are libraries with permissive licences, each at the date in the definition, and *documentation*, the pages of the
service itself. *One witness* lists what a single witness says. *Standard* means that no witness says anything, and what
RFC 6749 or RFC 6750 says holds. What is left out, and why, is in [left-out.md](../catalog/left-out.md).

This page is generated: ` + "`go run ./internal/page`" + ` in the folder catalog writes the page anew.

| service | API | methods | inputs | witnesses | one witness | read |
| --- | --- | --- | --- | --- | --- | --- |
`

// page returns the page of a shelf.
func page(folder, shelf string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, shelf, "*.json"))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, heads[shelf]+checked, len(files))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		d, err := definition.Parse(filepath.Base(file), text, definition.Options{AnyHost: true})
		if err != nil {
			return "", err
		}
		f, err := facts.Read(text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		out.WriteString(row(shelf, d, f.Source))
	}
	return out.String(), nil
}

// row is the row of one service.
func row(shelf string, d *definition.Definition, s *facts.Source) string {
	var methods, inputs, witnesses, single []string
	ask := func(list []definition.Input) {
		for _, in := range list {
			name := in.Title
			if in.Hidden {
				name += " (the program's)"
			}
			if in.AnyHost {
				name += " (any host)"
			}
			if !slices.Contains(inputs, name) {
				inputs = append(inputs, name)
			}
		}
	}
	ask(d.Inputs)
	for _, m := range d.Methods {
		methods = append(methods, m.Name)
		ask(m.Inputs)
		known := s.Methods[m.Name]
		for _, name := range slices.Sorted(maps.Keys(known.Captures)) {
			inputs = append(inputs, name+" (comes with the token)")
		}
		if by := s.Essential(known); len(by) > 1 {
			witnesses = append(witnesses, m.Name+": "+strings.Join(by, ", "))
		} else if len(by) == 1 {
			witnesses = append(witnesses, m.Name+": "+by[0]+" alone")
		}
		single = append(single, alone(m.Name, known)...)
	}
	if len(s.Base.By)+len(s.Base.HostBy) == 1 {
		single = append(single, "base URL")
	}
	if s.Test != nil && len(s.Test.By) == 1 {
		single = append(single, "test")
	}
	read := ""
	for i, page := range s.Read {
		read += fmt.Sprintf(" [%d](%s)", i+1, page.URL)
	}
	base := strings.TrimPrefix(d.BaseURL, "https://")
	if s.Derived {
		base += " (of the test)"
	}
	return fmt.Sprintf("| [%s](../catalog/%s/%s.json) %s | %s | %s | %s | %s | %s |%s |\n", d.Name, shelf, d.Name, cell(d.Title), cell(base),
		strings.Join(methods, ", "), cell(strings.Join(inputs, ", ")), strings.Join(witnesses, "; "), strings.Join(single, ", "), read)
}

// alone lists the facts of a method with one witness, and those that a standard says.
func alone(name string, m facts.Method) (list []string) {
	for _, known := range []struct {
		what string
		f    *facts.Fact
	}{{"authorize", m.Authorize}, {"token", m.Token}, {"revoke", m.Revoke}, {"client", m.Client}, {"encoding", m.Encoding}, {"scopes", m.Scopes}, {"separator", m.Separator}, {"login", m.Login}} {
		list = append(list, one(name+" "+known.what, known.f)...)
	}
	for i := range m.Carries {
		list = append(list, one(name+" place", &m.Carries[i].Fact)...)
	}
	for _, what := range slices.Sorted(maps.Keys(m.Captures)) {
		f := m.Captures[what]
		list = append(list, one(name+" "+what, &f)...)
	}
	return list
}

func one(what string, f *facts.Fact) []string {
	switch {
	case f == nil || len(f.By) != 1:
		return nil
	case facts.IsStandard(f.By[0]):
		return []string{what + " (standard)"}
	}
	return []string{what}
}

// cell is a text for a table.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(s) }
