// Package look is how the library's pages look and speak: the program's name, logo and
// colours, the languages and their texts, and the scripts that tell a window the outcome
// of a popup.
package look

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
	tags "golang.org/x/text/language"
)

// A Config describes a Look: see the fields of the same names of consent.Pages.
type Config struct {
	Name               string
	Logo, LogoDark     []byte
	Accent, AccentDark string
	Languages          []string // tags; at least one
	Default            string
}

// A Brand is what each page shows of the program.
type Brand struct {
	Name     string          // empty if unknown
	Logo     template.URL    // a data URL; empty without a logo
	LogoDark template.Srcset // for dark pages; empty if Logo serves them too

	Accent, OnAccent         string // the colour of buttons and of the text on it, as #rrggbb
	AccentDark, OnAccentDark string // for dark pages
}

// A Look is a Config that is checked and complete. A Look is immutable.
type Look struct {
	Brand
	Languages []Language // the default first

	matcher tags.Matcher // for Languages
}

// New returns the Look, or everything that is wrong with c. Each problem begins with the
// name of a field.
func New(c Config) (*Look, error) {
	var problems check.List
	l := new(Look)
	l.Name = Clean(c.Name)
	logo, err := dataURL(c.Logo)
	problems.Field("Logo", err)
	logoDark, err := dataURL(c.LogoDark)
	problems.Field("LogoDark", err)
	if logo == "" && logoDark != "" {
		problems.Add("LogoDark: needs Logo too")
	}
	l.Logo, l.LogoDark = template.URL(logo), template.Srcset(logoDark)
	light, err := accentOn(lightCard, c.Accent, defaultAccent)
	problems.Field("Accent", err)
	dark := light
	if c.AccentDark == "" && err == nil {
		dark = light.on(darkCard)
	} else {
		dark, err = accentOn(darkCard, c.AccentDark, defaultAccent)
		problems.Field("AccentDark", err)
	}
	l.Accent, l.OnAccent, l.AccentDark, l.OnAccentDark = light.background, light.text, dark.background, dark.text
	l.Languages, l.matcher, err = newLanguages(c.Languages, c.Default)
	problems.Join(err)
	return l, problems.Joined()
}

//go:embed parts.html
var partsHTML string

// Parts returns the parts of templates that all pages have in common, "style" and "brand",
// for data with the fields of a Brand.
func Parts() *template.Template { return template.Must(template.New("parts").Parse(partsHTML)) }

// Clean returns a name without characters that have no shape or turn the direction of
// the text around them.
func Clean(name string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cc, c) || unicode.Is(unicode.Bidi_Control, c) {
			return -1
		}
		return c
	}, name))
}

// SecureHeader sets the headers of every page. formAction is where the forms of the page
// may go, in the words of a Content-Security-Policy. Cross-Origin-Opener-Policy gets its
// default value, because a middleware may have set another value. Every other
// value would take window.opener away from the page.
func SecureHeader(header http.Header, nonce, formAction string) {
	header.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+
		"'; base-uri 'none'; form-action "+formAction+"; frame-ancestors 'none'")
	header.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Robots-Tag", "noindex")
}

// SeeOther redirects with status 303: the browser sends a GET (RFC 9110 section
// 15.4.4). The present URL stays out of caches and of the Referer header.
func SeeOther(w http.ResponseWriter, location string) {
	header := w.Header()
	header.Set("Location", location)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// Origin returns the origin of u in the form of browsers: an international name in
// the ASCII form, lower case, without a default port.
func Origin(u *url.URL) string {
	home := strings.ToLower(origin.ASCIIURL(u.Scheme + "://" + u.Host))
	if u.Scheme == "https" {
		return strings.TrimSuffix(home, ":443")
	}
	return strings.TrimSuffix(home, ":80")
}
