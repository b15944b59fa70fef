package local

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/mcp"
)

// A registration is the Program of one account, for further accounts of the service.
type registration struct {
	Program
	method string // of the account
}

// Offer gives the Registry the definitions of all services of which a person can connect an
// account by a form: the imported definitions, that of MCP servers, and those of the catalogue
// without drafts. A method with a client of the person's own, or with a hidden input, is
// offered if an account of the service has the value: a new account gets the same value. Offer
// makes no request. A definition of a later import is not offered.
func (a *Accounts) Offer(ctx context.Context) error {
	a.mu.Lock()
	a.registered = map[string]registration{}
	a.mu.Unlock()
	if err := a.register(ctx); err != nil {
		return err
	}
	services, err := a.services()
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range services {
		if o := a.offered(d); o != nil {
			a.known[d.Name] = o
		}
	}
	return a.collect()
}

// services returns the definitions of all services. A definition with a present or former name
// of an earlier definition is left out.
func (a *Accounts) services() (all []*definition.Definition, err error) {
	imported, err := Imported(a.home.Definitions(), "", a.options)
	if err != nil {
		return nil, err
	}
	servers, err := mcp.AnyServer(mcp.KindConfig{Finder: a.finder, Registrar: a.registrar})
	if err != nil {
		return nil, err
	}
	known, err := catalog.Load(catalog.Options{AnyHost: true})
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, d := range slices.Concat(imported, []*definition.Definition{servers}, known.Definitions()) {
		names := append([]string{d.Name}, d.Was...)
		if slices.ContainsFunc(names, func(name string) bool { return taken[name] }) {
			continue
		}
		for _, name := range names {
			taken[name] = true
		}
		all = append(all, d)
	}
	return all, nil
}

// register finds the registrations, by the name of the service, once Offer was called. The
// newest account counts. Another process may have connected accounts meanwhile.
func (a *Accounts) register(ctx context.Context) error {
	a.mu.Lock()
	offers := a.registered != nil
	a.mu.Unlock()
	if !offers {
		return nil
	}
	all, err := a.index.List(ctx, accounts.Filter{}, "", maxAccounts)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b accounts.Account) int { return a.Created.Compare(b.Created) })
	registered := map[string]registration{}
	for _, account := range all {
		p, err := a.Program(ctx, account.ID)
		if err != nil || p.lacks() {
			continue // of a damaged account, other commands tell
		}
		registered[account.Definition] = registration{p, account.Method}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, r := range registered {
		a.registered[name] = r // and what was there stays, for accounts under way
	}
	return nil
}

// offered returns a definition with the methods for which a form is enough, or nil. The caller holds mu.
func (a *Accounts) offered(d *definition.Definition) *definition.Definition {
	for _, name := range d.Was {
		if r, ok := a.registered[name]; ok {
			a.registered[d.Name] = r
		}
	}
	var methods []definition.Method
	for _, m := range d.Methods {
		if !wants(d, &m) || a.registered[d.Name].serves(d, &m) {
			methods = append(methods, m)
		}
	}
	switch len(methods) {
	case 0:
		return nil
	case len(d.Methods):
		return d
	}
	fewer := *d
	fewer.Methods = methods
	document, err := fewer.Document()
	if err != nil {
		return nil
	}
	o, err := definition.Parse(d.Name+".json", document, a.options)
	if err != nil {
		return nil
	}
	return o
}

// WantsClient reports whether a credential needs a client, and the definition has no inputs for a
// client.
func WantsClient(c definition.Credential) bool {
	switch s := c.Scheme.(type) {
	case *definition.OAuth2:
		return s.ClientID == ""
	case *definition.OAuth1:
		return s.ClientID == ""
	}
	return false
}

// wantsClient reports whether a method needs a client.
func wantsClient(m *definition.Method) bool {
	return slices.ContainsFunc(append([]definition.Credential{m.Credential}, m.And...), WantsClient)
}

// wants reports whether a method needs more than a form asks for.
func wants(d *definition.Definition, m *definition.Method) bool {
	return wantsClient(m) || len(hidden(d, m)) > 0
}

// hidden returns the names of the hidden inputs without a value.
func hidden(d *definition.Definition, m *definition.Method) (names []string) {
	for _, input := range slices.Concat(d.Inputs, m.Inputs) {
		if input.Hidden && !input.Optional && input.Default == "" {
			names = append(names, input.Name)
		}
	}
	return names
}

// serves reports whether a registration is enough for a method. A client of OAuth 1.0a is
// none of OAuth 2.0.
func (r registration) serves(d *definition.Definition, m *definition.Method) bool {
	for _, name := range hidden(d, m) {
		if r.Values[name] == "" {
			return false
		}
	}
	return !wantsClient(m) || r.Client.ID != "" && slices.ContainsFunc(d.Methods, func(own definition.Method) bool {
		return own.Type == m.Type && (own.Name == r.method || slices.Contains(own.Was, r.method))
	})
}

// audited gives a new account a Program of its own, because the account with the registration
// may end first, and forgets the Program of an account after its end.
func (a *Accounts) audited(e accounts.Entry) {
	if e.Outcome == accounts.OutcomeFailed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	account, err := a.Get(ctx, e.Account)
	switch {
	case e.Action == accounts.ActionDisconnect && errors.Is(err, accounts.ErrNotFound):
		err = a.alone(ctx, e.Account, func() error { return a.forget(ctx, e.Account) })
	case err == nil && (e.Action == accounts.ActionConnect || e.Action == accounts.ActionReconnect):
		err = a.alone(ctx, account.ID, func() error { return a.keep(ctx, account) })
	}
	if err != nil {
		a.config.Logger.Error("what the program adds to an account was not kept", "account", e.Account, "error", err)
	}
}

// keep gives an account a Program of its own, if the account needs the Program of another one. The
// caller is alone.
func (a *Accounts) keep(ctx context.Context, account accounts.Account) error {
	a.mu.Lock()
	r := a.registered[account.Definition]
	a.mu.Unlock()
	d, err := a.definitions().Lookup(account.Definition)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.Methods, func(m definition.Method) bool { return m.Name == account.Method })
	if i < 0 || !wants(d, &d.Methods[i]) {
		return nil
	}
	p, err := a.Program(ctx, account.ID)
	if err != nil || !p.lacks() || r.lacks() {
		return err
	}
	p.Client, p.Values = r.Client, r.Values
	return a.SetProgram(ctx, account.ID, p)
}

// lacks reports whether an account has no client and no values of its own.
func (p Program) lacks() bool { return p.Client == (definition.Client{}) && len(p.Values) == 0 }

// completed returns the Program of an account and of its generation Current, or the registration
// of the service if the account has no Program: see Offer.
func (a *Accounts) completed(ctx context.Context, account accounts.Account) (Program, error) {
	k, err := a.load(ctx, account.ID)
	p := k.of(account.Current).program()
	if err != nil || !p.lacks() {
		return p, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r, ok := a.registered[account.Definition]; ok {
		p.Client, p.Values = r.Client, map[string]connectorauth.Secret{}
		for name, value := range r.Values {
			p.Values[name] = value
		}
	}
	return p, nil
}
