package definition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/template"
)

// A Connection is what a definition needs for one account.
type Connection struct {
	// Method is the name of the method, or a former name. Empty means the default method,
	// or the only one.
	Method string
	// Values are the values of the inputs, by name, or by a former name. Empty means that no
	// input needs a value. An empty value is an absent one. The value of a hidden input of
	// another method is left out, so a program may give the same values for all methods.
	Values map[string]connectorauth.Secret
	// Client is the program's registration with the service, for OAuth1 and OAuth2. Empty
	// means that the definition has inputs for the client.
	Client Client
	// Scopes are the scopes to ask for, among those of the method. Nil means the default
	// choice of the definition; empty, and not nil, means none.
	Scopes []string
	// Server is the metadata of the Issuer of the method: see Discover. Empty means that the
	// method has no Issuer.
	Server *discovery.Server

	// Store, Account, Shared, RenewBefore, HTTPClient and Observe are as in
	// connectorauth.OAuth2Config. Where an input may lead to any host (Limits.AnyHost), the
	// Transport of HTTPClient must be one of package egress, and empty means an
	// egress.Transport with an empty egress.Config. Service of each Event is the name of the
	// definition. A credential in Method.And has a record of its own in Store: Account with
	// "#2", "#3" and so on at its end.
	Store       connectorauth.TokenStore
	Account     string
	Shared      *connectorauth.Shared
	RenewBefore time.Duration
	HTTPClient  *http.Client
	Observe     func(connectorauth.Event)

	stored bool // values and scopes may be those of another revision
	older  bool // and they are
	trial  bool // the values are samples
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
	account   func() *account // hides the values of the account
}

// Connector returns the connector of requests to the API, with all headers and
// parameters of the definition. Where an input may lead to any host, a request through a
// base that is no transport of package egress fails, and nothing is sent; a nil base means
// an egress.Transport with an empty egress.Config.
func (c *Connected) Connector() connectorauth.Connector { return c.connector }

// Credential returns the connector of the method's first credential, such as a
// *connectorauth.OAuth2: for a consent, and for Status, Renew and Revoke. The consent of some
// Kinds is another: see Consent.
func (c *Connected) Credential() connectorauth.Connector { return c.account().credential }

// Definition and Method return the names of the definition and of the method, for a
// program to keep along with the account.
func (c *Connected) Definition() string { return c.account().d.Name }

// Method returns the name of the method. See Definition.
func (c *Connected) Method() string { return c.account().m.Name }

// BaseURL returns where the API is: a URL without a slash at its end, unless an input with the
// format url has one there. The name is one of
// Definition.BaseURLs; empty means Definition.BaseURL. Where a token response decides,
// BaseURL obtains a token first, and fails if the response leads to a host that the
// definition does not declare.
func (c *Connected) BaseURL(ctx context.Context, name string) (string, error) {
	return c.account().base(ctx, name)
}

// Connect returns an account. Connect makes no request: a method with an
// Issuer needs a Server. A mistake of the values is an
// *InputError, which lists all of them, in words for the account owner. A mistake of the
// value of a hidden input is another error, which names the input, because the program gives
// such a value.
func (d *Definition) Connect(connection Connection) (*Connected, error) {
	b, m, err := d.builder(&connection)
	if err != nil {
		return nil, err
	}
	connection.Observe = d.named(connection.Observe)
	return b.connect(m)
}

// builder returns a builder with the values of the inputs.
func (d *Definition) builder(connection *Connection) (*builder, *Method, error) {
	m, err := d.Method(connection.Method)
	if err != nil {
		return nil, nil, err
	}
	b := &builder{d: d, c: connection, inputs: d.inputs(m), filler: template.Filler{Values: map[string]string{}}}
	b.values(m.Name)
	return b, m, b.err()
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
	program  bool           // values of hidden inputs are the program's, in a trial too
	mistakes check.List     // of the program
	problems InputError     // of the account owner
	hidden   []InputProblem // which are among mistakes
}

// values takes the values of the inputs.
func (b *builder) values(method string) {
	b.problems.Definition = b.d.Name
	for _, i := range b.inputs {
		value := cmp.Or(i.of(b.c.Values), i.Default)
		if i.Format == FormatKey {
			value = strings.TrimSpace(value)
		}
		switch {
		case value != "":
			if err := i.Limits.check(value); err != nil {
				b.problem(i, reasonOf(err), err.Error())
			}
		case !i.optional() && i.Example != "":
			b.problem(i, InputMissing, "is missing; an example is "+i.Example)
		case !i.optional():
			b.problem(i, InputMissing, "is missing")
		}
		b.filler.Values[i.Name] = value
	}
	var unknown []string
	for name := range b.c.Values {
		if !b.c.stored && !b.d.hides(name) && !slices.ContainsFunc(b.inputs, func(i *Input) bool { return i.isCalled(name) }) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		b.mistakes.Add("Values: %s is no input of method %s%s", shown(name), method, hint(name, keys(b.filler.Values)))
	}
}

// given returns the values in the order of the inputs.
func (b *builder) given() []string {
	if len(b.inputs) == 0 {
		return nil
	}
	list := make([]string, len(b.inputs))
	for i, input := range b.inputs {
		list[i] = b.filler.Values[input.Name]
	}
	return list
}

// problem lists a mistake of a value, which may stand in several URLs. The value of a
// hidden input is the program's.
func (b *builder) problem(i *Input, reason InputReason, text string) {
	list := &b.problems.Problems
	if i.Hidden {
		list = &b.hidden
	}
	problem := InputProblem{Input: i.Name, Title: i.title(), Text: text, Reason: reason}
	if slices.Contains(*list, problem) {
		return
	}
	*list = append(*list, problem)
	if i.Hidden {
		b.mistakes.Add("Values: %s: %s; the input is hidden, so the program gives the value", i.Name, text)
	}
}

// connect makes the connector of a method.
func (b *builder) connect(m *Method) (*Connected, error) {
	b.account = &account{d: b.d, m: m, values: b.given(), scopes: slices.Clone(b.c.Scopes)}
	b.bases()
	guard := m.guard(b.d)
	b.guardClient(guard, m)
	list := make([]connectorauth.Connector, 0, 1+len(m.And)+len(b.d.Headers)+len(b.d.Params))
	add := func(scheme Scheme, where string) {
		connector, err := scheme.connector(b)
		for _, problem := range problemsOf(err) {
			b.mistakes.Add("%s%w", where, problem)
		}
		list = append(list, connector)
	}
	b.c.RenewBefore = cmp.Or(b.c.RenewBefore, m.RenewBefore)
	add(m.Scheme, "")
	b.account.credential = list[0]
	own := b.c.Account
	for i := range m.And {
		if own != "" { // or the records of two credentials would be one
			b.c.Account = fmt.Sprintf("%s#%d", own, i+2)
		}
		add(m.And[i].Scheme, and(i))
	}
	b.c.Account = own
	list = b.constants(list, b.d.Headers, dialect.InHeader)
	list = b.constants(list, b.d.Params, dialect.InQuery)
	if err := b.err(); err != nil {
		return nil, err
	}
	if f := b.account.foreign; f != nil && f.consent != nil {
		f.rest, f.guard = list[1:], guard
	}
	return b.account.joined(list, guard)
}

// joined returns the account with its connectors, of which the first is the credential.
func (a *account) joined(list []connectorauth.Connector, guard *guard) (*Connected, error) {
	connector := list[0]
	if len(list) > 1 {
		joined, err := connectorauth.Join(list...)
		if err != nil {
			var mistakes check.List
			mistakes.Custom(err)
			return nil, fmt.Errorf("definition: %s: %w", a.d.Name, mistakes.Joined())
		}
		connector = joined
	}
	a.credential = a.within(guard.around(list[0]))
	return &Connected{connector: a.within(guard.around(connector)), account: func() *account { return a }}, nil
}

// constants adds the connectors of constant headers or parameters.
func (b *builder) constants(list []connectorauth.Connector, values map[string]string, in dialect.Location) []connectorauth.Connector {
	for _, name := range keys(values) {
		connector, err := b.placed(values[name], dialect.Placement{In: in, Name: name}, true)
		if connector == nil && err == nil {
			continue // empty, or refused
		}
		for _, problem := range problemsOf(err) {
			b.mistakes.Add("%s: %w", name, problem)
		}
		list = append(list, connector)
	}
	return list
}

// placed returns the connector of a value with a place. optional means no
// connector for an empty value.
func (b *builder) placed(s string, place dialect.Placement, optional bool) (connectorauth.Connector, error) {
	if t := b.d.texts[s]; slices.ContainsFunc(t.Names(), b.account.isCaptured) {
		return b.late(t, place)
	}
	value := b.secret(s)
	if value == "" && optional {
		return nil, nil
	}
	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Key: value, In: place.In, Name: place.Name, Exact: place.Exact, Prefix: place.Prefix, Hosts: b.hosts,
	})
	return connector, b.owned(err, "Key", s, "Prefix and Key", s)
}

// owned lists those problems of a constructor that the values of templates have, for the
// account owner, and returns an error with the others. Each template stands after the field
// that a problem names.
func (b *builder) owned(err error, templates ...string) error {
	if err == nil {
		return nil
	}
	var others []error
	for _, problem := range problemsOf(err) {
		text, given := problem.Error(), ""
		for i := 0; i < len(templates) && given == ""; i += 2 {
			s := templates[i+1]
			if rest, ok := strings.CutPrefix(text, templates[i]+": "); ok && len(b.d.texts[s].Names()) > 0 && !b.c.trial {
				given, text = s, rest
			}
		}
		if given == "" {
			others = append(others, problem)
			continue
		}
		b.refuse(given, text)
	}
	if len(others) == 0 {
		return nil
	}
	return fmt.Errorf("definition: %w", errors.Join(others...))
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
