package pages

import (
	"cmp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// titleOf names a service for people.
func titleOf(d *definition.Definition) string { return cmp.Or(d.Title, d.Name) }

// A service is a definition as a person sees it, and its JSON.
type service struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Links   []link   `json:"links,omitempty"`
	Methods []method `json:"methods"`
}

type link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// A method is a way to connect a service.
type method struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Default bool   `json:"default,omitempty"`
	Consent bool   `json:"consent,omitempty"` // the person consents at the service
}

// serviceOf returns a service with the methods that are offered.
func serviceOf(d *definition.Definition, offered []*definition.Method) service {
	s := service{Name: d.Name, Title: titleOf(d), Methods: []method{}}
	for _, l := range d.Links {
		s.Links = append(s.Links, link{cmp.Or(l.Title, l.URL), l.URL})
	}
	for _, m := range offered {
		s.Methods = append(s.Methods, method{m.Name, cmp.Or(m.Title, m.Name), m.Default || len(offered) == 1, consents(m)})
	}
	return s
}

// consents reports whether a method wants a consent of the account owner.
func consents(m *definition.Method) bool {
	switch scheme := m.Scheme.(type) {
	case *definition.OAuth1:
		return scheme.AuthorizeURL != ""
	case *definition.OAuth2:
		return scheme.Grant.AuthorizationCode != nil || scheme.Grant.DeviceCode != nil
	case *definition.Foreign:
		return scheme.Consents()
	}
	return false
}

// A form is what to ask for a method, and its JSON.
type form struct {
	Key     string  `json:"key,omitempty"` // for a new account
	Service service `json:"service"`
	Method  string  `json:"method"`
	Fields  []field `json:"fields"`
	Scopes  []scope `json:"scopes,omitempty"`
}

// A field is a question of a form, and its JSON. A field has the value of no secret.
type field struct {
	Name     string            `json:"name"`
	Title    string            `json:"title"`
	Help     string            `json:"help,omitempty"`
	Example  string            `json:"example,omitempty"`
	Value    string            `json:"value,omitempty"`
	Required bool              `json:"required,omitempty"`
	Secret   bool              `json:"secret,omitempty"`
	Stored   bool              `json:"stored,omitempty"`
	Format   definition.Format `json:"format"`
	Pattern  string            `json:"pattern,omitempty"` // for the attribute pattern of HTML
	Choices  []choice          `json:"choices,omitempty"`
	Prefix   string            `json:"prefix,omitempty"`
	Suffix   string            `json:"suffix,omitempty"`
	Error    string            `json:"-"`
}

type choice struct {
	Value string `json:"value"`
	Title string `json:"title"`
}

// show lets the field show a value. A choice that there is not is none.
func (f *field) show(value string) {
	if len(f.Choices) > 0 && !slices.ContainsFunc(f.Choices, func(c choice) bool { return c.Value == value }) {
		value = "" // or else a browser shows, and sends, the first
	}
	f.Value = value
}

// A scope is what a program may do, if the person wishes.
type scope struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Help   string `json:"help,omitempty"`
	Chosen bool   `json:"chosen,omitempty"`
}

// formOf returns the form of a method of a service. stored is what an account has; its
// Definition is empty for a new account.
func formOf(d *definition.Definition, m *definition.Method, offered []*definition.Method, stored definition.Account) (form, error) {
	var values map[string]connectorauth.Secret
	if stored.Definition != "" {
		values = stored.Given()
	}
	asked, err := d.Form(m.Name, values)
	if err != nil {
		return form{}, errMethod
	}
	f := form{Service: serviceOf(d, offered), Method: m.Name, Fields: []field{}, Scopes: scopesOf(m, stored.Scopes)}
	for i := range asked {
		a := &asked[i]
		if _, kept := stored.Secrets[a.Name]; kept && !a.Secret { // another revision says that the value is none
			a.Secret, a.Value = true, ""
		}
		made := field{
			Name: a.Name, Title: a.Title, Help: a.Help, Example: a.Example, Required: a.Required(), Secret: a.Secret, Stored: a.Stored,
			Format: cmp.Or(a.Format, definition.FormatText), Pattern: browserPattern(a.Limits), Prefix: a.Prefix, Suffix: a.Suffix,
		}
		for _, c := range a.Enum {
			made.Choices = append(made.Choices, choice{c.Value, cmp.Or(c.Title, c.Value)})
		}
		made.show(a.Value)
		f.Fields = append(f.Fields, made)
	}
	return f, nil
}

// methodOf returns the method with a name or former name. Empty means the default method,
// or the first.
func methodOf(d *definition.Definition, name string) *definition.Method {
	i := slices.IndexFunc(d.Methods, func(m definition.Method) bool { return m.Name == name || name == "" && m.Default })
	if i < 0 {
		i = slices.IndexFunc(d.Methods, func(m definition.Method) bool { return slices.Contains(m.Was, name) })
	}
	switch {
	case i >= 0:
		return &d.Methods[i]
	case name == "":
		return &d.Methods[0]
	}
	return nil
}

// scopesOf returns the choice of scopes of a method. chosen are those of an account; nil
// means those of the definition. Scopes with values of the account are no choice.
func scopesOf(m *definition.Method, chosen []string) (list []scope) {
	known := m.Scopes()
	byDefault := slices.ContainsFunc(known, func(s definition.Scope) bool { return s.Default })
	for _, s := range known {
		if strings.ContainsAny(s.Name, "{}") {
			return nil
		}
		isChosen := s.Default || !byDefault
		if chosen != nil {
			isChosen = slices.Contains(chosen, s.Name)
		}
		list = append(list, scope{s.Name, cmp.Or(s.Title, s.Name), s.Help, isChosen})
	}
	return list
}

// scopeTitles returns the texts of scopes for people.
func scopeTitles(m *definition.Method, names []string) (titles []string) {
	var known []scope
	if m != nil {
		known = scopesOf(m, nil)
	}
	for _, name := range names {
		if i := slices.IndexFunc(known, func(s scope) bool { return s.Name == name }); i >= 0 {
			name = known[i].Title
		}
		titles = append(titles, name)
	}
	return titles
}
