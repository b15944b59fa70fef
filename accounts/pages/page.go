package pages

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/look"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed style.css
	styleCSS string
	//go:embed page.js
	pageJS string

	templates = sync.OnceValue(func() *template.Template {
		return template.Must(template.Must(look.Parts().Parse(pageHTML)).New("script").Parse(
			`<script nonce="{{.Nonce}}" data-go="{{.Go}}">{{.Code}}</script>`))
	})
)

// A page is the data of the templates: what all pages have, and what some of them have.
type page struct {
	look.Brand
	Nonce string
	Title string
	Back  string // URL of the program, or empty
	Good  string // what went well
	Bad   string // what did not

	Accounts []account
	Filtered bool
	Next     string // URL of the next page, or empty
	Account  *account
	Connect  bool // the account was connected right now

	Text     string // of a search
	Services []service
	More     bool

	Form     *form
	Action   string            // where the form goes
	Errors   map[string]string // by name of the field
	Other    bool              // the credential is that of another identity
	Twice    string            // the ID of the account that the owner has already, or empty
	Wait     bool              // the account has never worked
	Script   template.HTML
	template string
	next     string // URL to which the script goes on
	outcome  look.Outcome

	x *exchange
}

// newPage returns a page with a title.
func (x *exchange) newPage(template, title string) *page {
	p := &page{Brand: x.look.Brand, Nonce: rand.Text(), Title: title, template: template, x: x}
	if x.way.returnTo != "" && x.way.popup == "" {
		p.Back = x.origin + x.way.returnTo
	}
	return p
}

// Language and Direction are attributes of HTML.
func (p *page) Language() string  { return p.x.in.Tag }
func (p *page) Direction() string { return p.x.in.Direction }

// T returns a text in the language of the person; names are placeholders and their names.
func (p *page) T(word string, names ...string) string {
	return p.x.in.text(word, append(names, "name", p.Name)...)
}

// Link returns the URL of a page of the handler, with a query and the way.
func (p *page) Link(path string, query ...string) string { return p.x.link(path, query...) }

// Path returns where a form goes, whose fields have the way.
func (p *page) Path(path string) string { return p.x.path + "/" + path }

// Way returns the hidden fields of each form.
func (p *page) Way() map[string]string {
	return map[string]string{"popup": p.x.way.popup, "return_to": p.x.way.returnTo, "language": p.x.way.language}
}

// Popup reports whether the page is in a popup of connect.js.
func (p *page) Popup() bool { return p.x.way.popup != "" }

// Style returns the style of these pages.
func (p *page) Style() template.CSS { return template.CSS(styleCSS) }

// Time returns a time for the element time.
func (p *page) Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// link returns the path of a page of the handler, with a query and the way.
func (x *exchange) link(path string, query ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			values.Set(query[i], query[i+1])
		}
	}
	for name, value := range map[string]string{"popup": x.way.popup, "return_to": x.way.returnTo, "language": x.way.language} {
		if value != "" {
			values.Set(name, value)
		}
	}
	link := x.path + "/" + path
	if len(values) > 0 {
		link += "?" + values.Encode()
	}
	return link
}

// send renders the page and sends it.
func (p *page) send(status int) error {
	var script, body bytes.Buffer
	err := templates().ExecuteTemplate(&script, "script", struct {
		Nonce, Go string
		Code      template.JS
	}{p.Nonce, p.next, template.JS(pageJS)})
	if err == nil && p.outcome.Word != "" {
		p.outcome.Nonce, p.outcome.Origin, p.outcome.Popup, p.outcome.Stay = p.Nonce, p.x.origin, p.x.way.popup, true
		var outcome template.HTML
		outcome, err = p.outcome.Script()
		script.WriteString(string(outcome))
	}
	p.Script = template.HTML(script.String())
	if err == nil {
		err = templates().ExecuteTemplate(&body, p.template, p)
	}
	if err != nil {
		return err
	}
	header := p.x.w.Header()
	look.SecureHeader(header, p.Nonce, "'self'")
	header.Set("Referrer-Policy", "same-origin") // or else the origin of a form is "null"
	header.Set("Content-Language", p.x.in.Tag)
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	p.x.w.WriteHeader(status)
	p.x.w.Write(body.Bytes())
	return nil
}

// messagePage tells what is wrong where no other page can.
func (x *exchange) messagePage(f failure) {
	p := x.newPage("message", x.in.text("failed"))
	p.Bad = f.Message
	if err := p.send(f.status); err != nil {
		http.Error(x.w, f.Message, f.status)
	}
}

// A fieldOn is a field with its page, for the template "field".
type fieldOn struct {
	Page  *page
	Field field
}

// WithField returns a field with the page.
func (p *page) WithField(f field) fieldOn { return fieldOn{p, f} }

// Hint says what a value looks like, for browsers that find a mistake.
func (p *page) Hint(f field) string {
	switch {
	case f.Pattern == "":
		return ""
	case f.Format != definition.FormatText:
		return p.T("field.format." + string(f.Format))
	}
	return p.T("field.pattern", "example", f.Example)
}

// MethodLink returns the URL of the form for another method.
func (p *page) MethodLink(method string) string {
	if p.Account != nil {
		return p.Link("reconnect", "id", p.Account.ID, "method", method)
	}
	return p.Link("connect", "service", p.Form.Service.Name, "method", method)
}

// Consents reports whether the method of the form leads to a consent.
func (p *page) Consents() bool {
	return slices.ContainsFunc(p.Form.Service.Methods, func(m method) bool { return m.Name == p.Form.Method && m.Consent })
}
