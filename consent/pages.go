package consent

import (
	"cmp"
	"html/template"
	"maps"
	"net/http"
	"slices"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/look"
)

// Pages says how the pages look and which languages the pages speak. The zero value
// is ready to use.
type Pages struct {
	// Name is the program's name, such as "Acme". Empty means that the pages speak of
	// "the application".
	Name string
	// Logo is the program's logo: the bytes of an SVG, PNG, JPEG, GIF or WebP image of
	// at most 64 KiB. Every page contains the logo, so the browser loads nothing.
	// Empty means that Name stands in place of a logo.
	Logo []byte
	// LogoDark is the logo for people whose browser prefers dark pages. Empty means
	// Logo.
	LogoDark []byte
	// Accent is the colour of the main button and of the focus ring, such as
	// "#0a66c2". The text on the button is black or white, with a contrast of at least
	// 4.5:1. The colour itself needs a contrast of at least 3:1 to the white page
	// (WCAG 2.2 sections 1.4.3 and 1.4.11). Empty means a calm blue.
	Accent string
	// AccentDark is Accent for people whose browser prefers dark pages, with the same
	// contrasts. Empty means Accent, as much lighter as dark pages need.
	AccentDark string
	// Languages are the languages of the pages, by language tag (RFC 5646) such as
	// "de" or "pt-BR". The texts for "en" and "de" are built in: empty Messages are
	// enough. Nil means English and German. A right-to-left language, such as Arabic,
	// is written from right to left.
	//
	// The handler chooses the language of each page by the query parameter "language"
	// of the start, and otherwise by the header Accept-Language (RFC 9110 section
	// 12.5.4). The nearest language counts, as golang.org/x/text/language finds it: "de"
	// for a person who wants "de-CH", and "pt-BR" for a person who wants "pt".
	Languages map[string]Messages
	// Default is the language of a person who wants none of Languages. Empty means
	// "en", or the first tag in alphabetical order if Languages has no "en".
	Default string
	// Template is the template of the pages; its data is a [Page]. New and Loopback
	// execute a copy of Template for each kind of page in each of Languages, before
	// anything else, and return the mistakes. Nil means the package's own template.
	Template *template.Template
}

// appearance is a Pages that is checked and complete. An appearance is immutable.
type appearance struct {
	*look.Look
	template  *template.Template
	languages []*language // as in Look
}

// check returns the appearance of the pages, or everything that is wrong with p. Each
// problem begins with the name of a field.
func (p Pages) check() (*appearance, error) {
	var problems check.List
	given := p.Languages
	if given == nil {
		given = builtin
	}
	own, err := look.New(look.Config{
		Name: p.Name, Logo: p.Logo, LogoDark: p.LogoDark, Accent: p.Accent, AccentDark: p.AccentDark,
		Languages: slices.Collect(maps.Keys(given)), Default: p.Default,
	})
	problems.Join(err)
	a := &appearance{Look: own, template: p.Template}
	if a.template == nil {
		a.template = pageTemplate()
	}
	a.languages, err = inLanguages(own.Languages, given)
	problems.Join(err)
	if p.Template != nil && problems.Joined() == nil {
		a.template, err = usable(p.Template, a.samples())
		problems.Field("Template", err)
	}
	return a, problems.Joined()
}

// choose returns the language of a page for r: see look.Look.Choose.
func (a *appearance) choose(wanted string, r *http.Request) *language {
	return a.languages[a.Choose(wanted, r)]
}

// Subjects of pages, beside the reasons of failures.
const (
	connected = look.Connected
	confirm   = "confirm" // the account owner confirms the start
	typing    = "typing"  // the account owner types a code on another device
)

// page returns the page about a subject: connected, confirm, typing, or a Reason. service is
// the display name of the service, or empty. code is for typing.
func (a *appearance) page(subject string, in *language, service string, code prompt) Page {
	p := Page{
		Name: a.Name, Service: look.Clean(service), Language: in.Tag, Direction: in.Direction,
		Logo: a.Logo, LogoDark: a.LogoDark,
		Accent: a.Accent, OnAccent: a.OnAccent, AccentDark: a.AccentDark, OnAccentDark: a.OnAccentDark,
	}
	text := in.messages.Connected
	switch subject {
	case connected:
	case confirm:
		text = in.messages.Confirm
	case typing:
		text = in.messages.Device
		p.Code, p.Address, p.Open = code.Code, code.Address, cmp.Or(code.Link, code.Address)
	default:
		p.Reason = Reason(subject)
		text = in.messages.Failed[p.Reason]
	}
	p.Title, p.Message = in.say(text.Title, p), in.say(text.Message, p)
	p.ContinueText, p.RetryText = in.say(in.messages.Continue, p), in.say(in.messages.Retry, p)
	p.OpenText = in.say(in.messages.Open, p)
	p.BackText, p.CloseText = in.say(in.messages.Back, p), in.say(in.messages.Close, p)
	return p
}

// samples returns one page of each kind in each language, with every field that a page
// of this kind can have.
func (a *appearance) samples() []Page {
	const origin = "https://app.example"
	var pages []Page
	for _, in := range a.languages {
		for _, subject := range append([]string{connected, confirm, typing}, reasonWords()...) {
			p := a.page(subject, in, "Example Service", prompt{"WDJB-MJHT", origin + "/device", ""})
			p.Back, p.popup = origin+"/", "0a"
			switch {
			case subject == confirm:
				p.Continue = origin + "/connect/start"
			case p.Reason.again():
				p.Retry = origin + "/connect/start"
			}
			pages = append(pages, p)
		}
	}
	return pages
}

// reasonWords returns the words of all reasons that have a page.
func reasonWords() (words []string) {
	for reason := range english.Failed {
		words = append(words, string(reason))
	}
	slices.Sort(words)
	return words
}
