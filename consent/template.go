package consent

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

// usable returns a copy of the template t that shows every kind of page, or what
// is wrong with t. Nil means the package's own template. The copy keeps the program
// from changing the template later.
func usable(t *template.Template) (*template.Template, error) {
	if t == nil {
		return pageTemplate, nil
	}
	if c, err := t.Clone(); err == nil { // a template that was executed cannot be copied
		t = c
	}
	for _, p := range samples() {
		p.Nonce = "the-nonce"
		p.Script = `<script nonce="the-nonce">the script</script>`
		var page strings.Builder
		if err := t.Execute(&page, p); err != nil {
			return nil, fmt.Errorf("the page %q: %w", p.Title, err)
		}
		if strings.Count(page.String(), string(p.Script)) != 1 {
			return nil, fmt.Errorf("the page %q must contain {{.Script}} once, at the end of the body", p.Title)
		}
	}
	return t, nil
}

// samples returns pages of each kind: with everything that a handler's page has, and
// with as little as a command-line program's page has.
func samples() (all []Page) {
	const home, start = "https://app.example/", "https://app.example/connect/start?connector=google"
	bare := []Page{successPage()}
	for _, reason := range slices.Sorted(maps.Keys(pageTexts)) {
		bare = append(bare, failurePage(reason))
	}
	for _, p := range bare {
		p.Name = "the application"
		all = append(all, p)
		p.Back = home
		if p.Reason != "" {
			p.Retry = start
		}
		all = append(all, p)
	}
	confirm := confirmPage(start)
	confirm.Name, confirm.Back = "the application", home
	return append(all, confirm)
}
