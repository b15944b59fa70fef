package consent

import (
	"fmt"
	"html/template"
	"strings"
)

// usable returns a copy of t that can show the pages, or what is wrong with t. The
// copy keeps the program from changing the template later.
func usable(t *template.Template, pages []Page) (*template.Template, error) {
	if c, err := t.Clone(); err == nil { // a template that was executed cannot be copied
		t = c
	}
	for _, full := range pages {
		bare := full // as a command-line program without a name shows the page
		bare.Name, bare.Service, bare.Back, bare.Retry, bare.Logo, bare.LogoDark = "", "", "", "", "", ""
		for _, p := range []Page{full, bare} {
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
	}
	return t, nil
}
