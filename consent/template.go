package consent

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/connectorauth/connectorauth/internal/lazy"
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
			if tag := blocked(page.String()); tag != "" {
				return nil, fmt.Errorf("the page %q: browsers ignore %s, because it lacks nonce=\"{{.Nonce}}\"", p.Title, tag)
			}
			if strings.Count(page.String(), string(p.Script)) != 1 {
				return nil, fmt.Errorf("the page %q must contain {{.Script}} once, at the end of the body", p.Title)
			}
		}
	}
	return t, nil
}

// styleOrScript matches the start of an element that needs a nonce.
var styleOrScript = lazy.Regexp(`(?i)<(style|script)\b[^>]*>`)

// blocked returns the first element of a page that the Content-Security-Policy blocks,
// or an empty text.
func blocked(page string) string {
	for _, tag := range styleOrScript().FindAllString(page, -1) {
		if !strings.Contains(tag, `nonce="the-nonce"`) {
			return tag
		}
	}
	return ""
}
