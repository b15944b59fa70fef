package accounts

import (
	"cmp"
	"context"
	"slices"

	"github.com/connectorauth/connectorauth/definition"
)

// Ready reports whether the program has what the method of an account needs, for a dialog that
// offers methods: nil means that Connect and Reconnect lack nothing of the program. What is
// missing is a *definition.NotReadyError, for developers. An error of Config.Connection says
// nothing about the method.
//
// An account that is not there yet has an Owner, a Definition and a Method. For a Reconnect, take
// the account of Get, with the Method that is offered; if the account has changed since,
// Ready reads the account again. An empty Method is the default method, or the only one. Ready
// makes no request. Ready calls Config.Connection, unless the method is ready whatever
// Config.Connection returns.
func (r *Registry) Ready(ctx context.Context, a Account) error {
	d, err := r.config.Definitions().Lookup(a.Definition)
	if err != nil {
		return err
	}
	if !leadsAnywhere(d) && d.Ready(r.config.Finder, definition.Connection{Method: a.Method}) == nil {
		return nil
	}
	m, err := d.Method(a.Method)
	if err != nil {
		return err
	}
	var k kept
	isNew := a.Version == 0
	if isNew {
		a = begun(cmp.Or(a.ID, NewID()), a.Owner, d, m)
	} else if a, k, err = r.givenNow(ctx, a); err != nil {
		return err
	}
	k.renew(d, m.Name)
	a.Method = m.Name
	connection, err := r.connection(ctx, a, a.Last+1)
	if err != nil {
		return err
	}
	if isNew {
		connection.Method = m.Name
		return d.Ready(r.config.Finder, connection)
	}
	return r.config.Definitions().Ready(r.config.Finder, k.account, connection)
}

// leadsAnywhere reports whether an input of a definition may lead to any host: then the
// HTTPClient of a Connection can be wrong.
func leadsAnywhere(d *definition.Definition) bool {
	anyHost := func(i definition.Input) bool { return i.AnyHost }
	return slices.ContainsFunc(d.Inputs, anyHost) ||
		slices.ContainsFunc(d.Methods, func(m definition.Method) bool { return slices.ContainsFunc(m.Inputs, anyHost) })
}
