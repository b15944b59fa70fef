package definition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Captured is a value that comes along with the token or the session of an account, such
// as the URL of the account's API. A Captured stands in base URLs, headers, parameters and
// in the key of an APIKey. Each request has the value of the present token or session, and
// goes to the hosts of these values alone. A service that gives no value, or a value that
// Limits refuse, is an error of the request.
type Captured struct {
	Name string // in templates: letters, digits and '_'; required
	// Origin: the value is a URL, of which scheme, host and port alone count.
	Origin bool
	Limits
}

// A Capture is a value of a token response or of a callback.
type Capture struct {
	Captured
	// From is where the value comes from. Empty means FromToken. A value from the callback
	// has passed through a browser, so it is a part of a label or of a segment, or has an
	// Enum.
	From From
	// Path is the name of the value there, or the names joined by dots: "data.domain".
	// Required.
	Path string
}

// From is where a captured value comes from.
type From string

// The sources of captured values.
const (
	FromToken    From = "token"    // a member of the token response
	FromCallback From = "callback" // a parameter of the callback
)

// capturing is a Scheme whose accounts have captured values.
type capturing interface {
	// captured returns the i-th value, or nil.
	captured(i int) *Captured
	// read returns a function for the texts of the values, which are empty if absent.
	// credential is the connector of the account.
	read(ctx context.Context, credential connectorauth.Connector) (func(i int) string, error)
	// word returns the provider's word for the i-th value.
	word(i int) string
}

// captured checks what limits a captured value. Its Scheme checks the rest.
func (c *checker) captured(p *path, captured *Captured) {
	if !template.IsName(captured.Name) || c.inputs[captured.Name] != nil || c.captures[captured.Name] != nil {
		c.add(p.member("name"), "%s is no name, or the name of another value", shown(captured.Name))
	}
	if captured.AnyHost {
		c.add(p.member("anyHost"), "a captured value needs suffixes or an enum")
	}
	c.limits(p, &captured.Limits)
	if captured.Origin && !captured.isOrigin() {
		c.add(p.member("origin"), "the value is an origin then: give the format origin, or an enum of URLs")
	}
	if c.captures == nil {
		c.captures = map[string]*Limits{}
	}
	c.captures[captured.Name] = &captured.Limits
}

func (s *Capture) check(c *checker, p *path) {
	if s.Path == "" {
		c.add(p.member("path"), "is missing")
	}
	if s.From == FromCallback && len(s.Enum) == 0 && (s.Format == FormatHost || s.Format == FormatOrigin || s.Format == FormatURL) {
		c.add(p.member("format"), "a callback passes through a browser, so its values cannot be hosts; give an enum")
	}
}

func (s *OAuth2) captured(i int) *Captured {
	if i < len(s.Captures) {
		return &s.Captures[i].Captured
	}
	return nil
}

func (s *OAuth2) read(ctx context.Context, credential connectorauth.Connector) (func(int) string, error) {
	token, err := credential.(*connectorauth.OAuth2).Token(ctx)
	if err != nil {
		return nil, err
	}
	return func(i int) string { return s.Captures[i].value(token.Extra) }, nil
}

func (s *OAuth2) word(i int) string { return s.Captures[i].Path }

func (s *Session) captured(i int) *Captured {
	if i < len(s.Captures) {
		return &s.Captures[i]
	}
	return nil
}

func (s *Session) read(ctx context.Context, credential connectorauth.Connector) (func(int) string, error) {
	session, err := credential.(*connectorauth.Custom).Credential(ctx)
	if err != nil {
		return nil, err
	}
	return func(i int) string { return string(session.More[s.Captures[i].Name]) }, nil
}

func (s *Session) word(i int) string { return s.Captures[i].Name }

// value returns the value at Path among the members of a token response, or "".
func (c *Capture) value(extra func(string) any) string {
	first, rest, nested := strings.Cut(c.Path, ".")
	v := extra(first)
	if nested {
		v = wire.Lookup(v, rest)
	}
	return wire.Scalar(v)
}

// An account is what is known of a Connected. Accounts are many, and should be small.
type account struct {
	d          *Definition
	m          *Method
	credential connectorauth.Connector
	values     []string          // of the inputs, in their order: those that were given, and defaults
	scopes     []string          // of the Connection
	server     *discovery.Server // of the Connection; nil without an Issuer
	foreign    *foreign          // of a Kind with a Consent or a Check, or nil
}

// value returns the value of the input called name, or "".
func (a *account) value(name string) string {
	for i, value := range a.values {
		if a.d.input(a.m, i).Name == name {
			return value
		}
	}
	return ""
}

// find returns the captured value called name and its index, or nil.
func (a *account) find(name string) (*Captured, int) {
	if s, ok := a.m.Scheme.(capturing); ok {
		for i := 0; ; i++ {
			if c := s.captured(i); c == nil || c.Name == name {
				return c, i
			}
		}
	}
	return nil, 0
}

func (a *account) isCaptured(name string) bool {
	c, _ := a.find(name)
	return c != nil
}

// late returns a filler with the values that names need. absent says which captured values
// among names the service has not given.
func (a *account) late(ctx context.Context, names []string) (f template.Filler, absent []*Captured, err error) {
	f = a.filler()
	if !slices.ContainsFunc(names, a.isCaptured) {
		return f, nil, nil
	}
	value, err := a.m.Scheme.(capturing).read(ctx, a.credential)
	if err != nil {
		return f, nil, err
	}
	for _, name := range names {
		c, i := a.find(name)
		if c == nil {
			continue
		}
		text := c.spelled(value(i))
		switch {
		case text == "":
			absent = append(absent, c)
		case c.hasPort(text), c.Limits.check(text) != nil:
			return f, nil, a.notGiven(c)
		default:
			f.Values[c.Name] = text
		}
	}
	return f, absent, nil
}

// filler returns a filler with the values of inputs.
func (a *account) filler() template.Filler {
	f := template.Filler{Values: make(map[string]string, len(a.values)+1)}
	for i, value := range a.values {
		f.Values[a.d.input(a.m, i).Name] = value
	}
	return f
}

// within returns a connector whose requests go only to the hosts of the account, where
// captured values decide.
func (a *account) within(c connectorauth.Connector) connectorauth.Connector {
	if !a.moves() {
		return c
	}
	return connectorauth.WithHosts(c, a.hosts)
}

// spelled returns a value as templates have it. An origin may come with a slash at its end.
func (c *Captured) spelled(value string) string {
	if c.Origin {
		if scheme, rest, ok := strings.Cut(value, "://"); ok {
			if end := strings.IndexAny(rest, `/?#`); end >= 0 {
				return scheme + "://" + rest[:end]
			}
		}
		return value
	}
	if c.isOrigin() {
		return strings.TrimSuffix(value, "/")
	}
	return value
}

// hasPort reports whether a value is an origin with a port, which no Host of the connector
// has: see addSuffixes.
func (c *Captured) hasPort(value string) bool {
	end := port().FindString(value)
	return c.isOrigin() && len(c.Enum) == 0 && end != "" && end != ":443"
}

// notGiven is the error of a value that the service has not given.
func (a *account) notGiven(c *Captured) error {
	_, i := a.find(c.Name)
	return fmt.Errorf("definition: %s: the provider gave no %s, or one that the definition does not allow", a.d.Name, a.m.Scheme.(capturing).word(i))
}

// text returns the text of a template with captured values.
func (a *account) text(ctx context.Context, t template.Template) (string, error) {
	f, absent, err := a.late(ctx, t.Names())
	if err != nil {
		return "", err
	}
	text, err := f.Fill(t, nil)
	switch {
	case absent != nil && (err != nil || text == ""):
		return "", a.notGiven(absent[0])
	case err == nil && text == "":
		err = errors.New("definition: " + a.d.Name + ": a header, parameter or key comes out empty")
	}
	return text, err
}

// late returns the connector of a text that has captured values.
func (b *builder) late(t template.Template, place dialect.Placement) (connectorauth.Connector, error) {
	if place == (dialect.Placement{}) {
		place.Name = "Authorization" // as of an APIKey
	}
	a := b.account
	connector, err := connectorauth.NewCustom(connectorauth.CustomConfig{Hosts: b.hosts, Places: []connectorauth.CustomPlace{{
		Placement: place, Value: func(ctx context.Context, _ connectorauth.CustomCredential) (connectorauth.Secret, error) {
			text, err := a.text(ctx, t)
			return connectorauth.Secret(text), err
		},
	}}})
	if err == nil {
		return connector, nil
	}
	var problems check.List
	for _, problem := range problemsOf(err) {
		problems.Add("Placement: %s", strings.TrimPrefix(problem.Error(), "Places[0]: "))
	}
	return nil, problems.Err("APIKeyConfig")
}
