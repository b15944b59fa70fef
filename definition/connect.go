package definition

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/template"
)

// A Connection is what a definition needs for one account.
type Connection struct {
	// Method is the name of the method, or a former name. Empty means the default method,
	// or the only one.
	Method string
	// Values are the values of the inputs, by name. Empty means that no input needs a
	// value. An empty value is an absent one.
	Values map[string]connectorauth.Secret
	// Client is the program's registration with the service, for OAuth1 and OAuth2. Empty
	// means that the definition has inputs for the client.
	Client Client
	// Scopes are the scopes to ask for, among those of the method. Nil means the default
	// choice of the definition; empty, and not nil, means none.
	Scopes []string

	// Store, Account, Shared, RenewBefore, HTTPClient and Observe are as in
	// connectorauth.OAuth2Config. Where an input may lead to any host (Limits.AnyHost), the
	// Transport of HTTPClient must be one of package egress, and empty means an
	// egress.Transport with an empty egress.Config. Service of each Event is the name of the
	// definition.
	Store       connectorauth.TokenStore
	Account     string
	Shared      *connectorauth.Shared
	RenewBefore time.Duration
	HTTPClient  *http.Client
	Observe     func(connectorauth.Event)

	stored bool // values and scopes may be those of another revision
}

// A Client is a program's registration with a service.
type Client struct {
	ID     string
	Secret connectorauth.Secret // Empty means a public client.
}

// Connected is an account of a service. A Connected is immutable and safe for concurrent
// use.
type Connected struct {
	connector connectorauth.Connector
	account   func() *account           // hides the values of the account
	value     func(input string) string // hides them too: those that were given, and defaults
	scopes    []string                  // of the Connection
}

// Connector returns the connector of requests to the API, with all headers and
// parameters of the definition. Where an input may lead to any host, a request through a
// base that is no transport of package egress fails, and nothing is sent; a nil base means
// an egress.Transport with an empty egress.Config.
func (c *Connected) Connector() connectorauth.Connector { return c.connector }

// Credential returns the connector of the method's first credential, such as a
// *connectorauth.OAuth2: for a consent, and for Status, Renew and Revoke.
func (c *Connected) Credential() connectorauth.Connector { return c.account().credential }

// Definition and Method return the names of the definition and of the method, for a
// program to keep along with the account.
func (c *Connected) Definition() string { return c.account().d.Name }

// Method returns the name of the method. See Definition.
func (c *Connected) Method() string { return c.account().m.Name }

// BaseURL returns where the API is: a URL without a slash at its end. The name is one of
// Definition.BaseURLs; empty means Definition.BaseURL. Where a token response decides,
// BaseURL obtains a token first, and fails if the response leads to a host that the
// definition does not declare.
func (c *Connected) BaseURL(ctx context.Context, name string) (string, error) {
	return c.account().base(ctx, name)
}

// Connect returns an account. Connect makes no request. A mistake of the values is an
// *InputError, which lists all of them, in words for the account owner.
func (d *Definition) Connect(connection Connection) (*Connected, error) {
	m, err := d.method(connection.Method)
	if err != nil {
		return nil, err
	}
	connection.Observe = d.named(connection.Observe)
	b := &builder{d: d, c: &connection, inputs: d.inputs(m), filler: template.Filler{Values: map[string]string{}}}
	b.values(m.Name)
	if err := b.err(); err != nil {
		return nil, err
	}
	return b.connect(m)
}

// named returns an Observe that knows the name of the definition, or nil.
func (d *Definition) named(observe func(connectorauth.Event)) func(connectorauth.Event) {
	if observe == nil {
		return nil
	}
	return func(e connectorauth.Event) {
		e.Service = d.Name
		observe(e)
	}
}

func (d *Definition) methods() (names []string) {
	for _, m := range d.Methods {
		names = append(names, m.Name)
	}
	return names
}

// A builder makes the connectors of one account.
type builder struct {
	d        *Definition
	c        *Connection
	inputs   []*Input
	filler   template.Filler
	hosts    []string
	account  *account
	trial    bool       // the values are samples
	mistakes check.List // of the program
	problems InputError // of the account owner
}

// values takes the values of the inputs.
func (b *builder) values(method string) {
	b.problems.Definition = b.d.Name
	for _, i := range b.inputs {
		value := cmp.Or(string(b.c.Values[i.Name]), i.Default)
		if i.Format == FormatKey {
			value = strings.TrimSpace(value)
		}
		switch {
		case value != "":
			if err := i.Limits.check(value); err != nil {
				b.problem(i, err.Error())
			}
		case !i.optional() && i.Example != "":
			b.problem(i, "is missing; an example is "+i.Example)
		case !i.optional():
			b.problem(i, "is missing")
		}
		b.filler.Values[i.Name] = value
	}
	var unknown []string
	for name := range b.c.Values {
		if _, ok := b.filler.Values[name]; !ok && !b.c.stored {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		b.mistakes.Add("Values: %s is no input of method %s%s", shown(name), method, hint(name, keys(b.filler.Values)))
	}
}

// problem lists a mistake of a value, which may stand in several URLs.
func (b *builder) problem(i *Input, text string) {
	problem := InputProblem{Input: i.Name, Title: i.title(), Text: text}
	if !slices.Contains(b.problems.Problems, problem) {
		b.problems.Problems = append(b.problems.Problems, problem)
	}
}

// connect makes the connector of a method.
func (b *builder) connect(m *Method) (*Connected, error) {
	b.account = &account{d: b.d, m: m}
	b.bases(m)
	guard := m.guard(b.d)
	b.guardClient(guard, m)
	list := make([]connectorauth.Connector, 0, 1+len(m.And)+len(b.d.Headers)+len(b.d.Params))
	add := func(scheme Scheme) {
		connector, err := scheme.connector(b)
		b.mistakes.Custom(err)
		list = append(list, connector)
	}
	add(m.Scheme)
	b.account.credential = list[0]
	for i := range m.And {
		add(m.And[i].Scheme)
	}
	list = b.constants(list, b.d.Headers, dialect.InHeader)
	list = b.constants(list, b.d.Params, dialect.InQuery)
	if err := b.err(); err != nil {
		return nil, err
	}
	connector := list[0]
	if len(list) > 1 {
		joined, err := connectorauth.Join(list...)
		b.mistakes.Custom(err)
		if err := b.err(); err != nil {
			return nil, err
		}
		connector = joined
	}
	a, values := b.account, b.filler.Values
	a.credential = guard.around(a.credential)
	return &Connected{
		connector: guard.around(connector), account: func() *account { return a },
		value: func(input string) string { return values[input] }, scopes: slices.Clone(b.c.Scopes),
	}, nil
}

// constants adds the connectors of constant headers or parameters.
func (b *builder) constants(list []connectorauth.Connector, values map[string]string, in dialect.Location) []connectorauth.Connector {
	for _, name := range keys(values) {
		connector, err := b.placed(values[name], dialect.Placement{In: in, Name: name}, true)
		if connector == nil && err == nil {
			continue
		}
		for _, problem := range problemsOf(err) {
			b.mistakes.Add("%s: %w", name, problem)
		}
		list = append(list, connector)
	}
	return list
}

// placed returns the connector of a value with a place. optional means that there is no
// connector for an empty value.
func (b *builder) placed(s string, place dialect.Placement, optional bool) (connectorauth.Connector, error) {
	if t := b.d.texts[s]; slices.ContainsFunc(t.Names(), b.account.isCaptured) {
		return b.late(t, place)
	}
	value := b.secret(s)
	if value == "" && optional {
		return nil, nil
	}
	return connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Key: value, In: place.In, Name: place.Name, Exact: place.Exact, Prefix: place.Prefix, Hosts: b.hosts,
	})
}

// problemsOf returns the problems that a constructor lists.
func problemsOf(err error) []error {
	var list check.List
	list.Custom(err)
	if joined, ok := list.Joined().(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return nil
}

// err returns all mistakes, or nil if there are none.
func (b *builder) err() error {
	if len(b.problems.Problems) > 0 {
		return &InputError{b.problems.Definition, b.problems.Problems} // without the builder, which has the values
	}
	if err := b.mistakes.Joined(); err != nil {
		return fmt.Errorf("definition: %s: %w", b.d.Name, err)
	}
	return nil
}

// text fills in a template.
func (b *builder) text(s string) string {
	t, ok := b.d.texts[s]
	if !ok {
		return s // which has no braces
	}
	text, err := b.filler.Fill(t, nil)
	b.mistakes.Join(err)
	return text
}

func (b *builder) secret(s string) connectorauth.Secret { return connectorauth.Secret(b.text(s)) }

// url fills in the template of a URL. An empty one stays empty.
func (b *builder) url(s string) string {
	if s == "" {
		return ""
	}
	u := b.d.urls[s]
	filled, err := u.fill(&b.filler)
	if err != nil {
		for _, i := range b.inputs {
			if slices.Contains(u.names, i.Name) {
				b.problem(i, "cannot stand in a URL: "+err.Error())
			}
		}
	}
	return filled
}

// lists fills in the templates of headers or parameters, and leaves out what is empty
// because of its values.
func (b *builder) lists(lists map[string][]string) map[string][]string {
	if lists == nil {
		return nil
	}
	filled := make(map[string][]string, len(lists))
	for name, list := range lists {
		for _, s := range list {
			if text := b.text(s); text != "" || s == "" {
				filled[name] = append(filled[name], text)
			}
		}
	}
	return filled
}

// client returns the registration that the definition names, or that of the program.
func (b *builder) client(id, secret string) Client {
	client := b.c.Client
	if id != "" {
		client = Client{ID: b.text(id), Secret: b.secret(secret)}
	}
	if client.ID == "" {
		b.mistakes.Add("Client: ID is missing; register the program with the service")
	}
	return client
}
