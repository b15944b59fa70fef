package accounts

import (
	"cmp"
	"context"
	"slices"

	"github.com/connectorauth/connectorauth/definition"
)

// Ready reports whether the program has what the method of an account needs, for a dialog that
// offers methods. nil means that the method needs nothing of the program, or that Config.Connection
// and Config.Finder have what the method needs. Otherwise the error is a
// *definition.NotReadyError, for developers. An error of Config.Connection says nothing about the
// method.
//
// An account that is not there yet has an Owner, a Definition and a Method. For a Reconnect, take
// the account of Get, with the Method that is offered; if the account has changed since,
// Ready reads the account again. An empty Method is the default method, or the only one.
//
// Ready makes no request. Ready calls Config.Connection for a method that needs something of the
// program, or has an input that is hidden or may lead to any host, and for no other method. For
// any other method, Connect and Reconnect alone refuse what Connection returns and the method
// cannot take, such as a negative RenewBefore.
func (r *Registry) Ready(ctx context.Context, a Account) error {
	d, err := r.config.Definitions().Lookup(a.Definition)
	if err != nil {
		return err
	}
	m, err := d.Method(a.Method)
	if err != nil {
		return err
	}
	if !canGoWrong(d, m) && d.Ready(r.config.Finder, definition.Connection{Method: m.Name}) == nil {
		return nil
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

// canGoWrong reports whether a Connection can be wrong for a method that needs nothing of the
// program: a hidden input may get a value that does not fit, and where an input may lead to any
// host, the HTTPClient may have no guard.
func canGoWrong(d *definition.Definition, m *definition.Method) bool {
	can := func(i definition.Input) bool { return i.Hidden || i.AnyHost }
	return slices.ContainsFunc(d.Inputs, can) || slices.ContainsFunc(m.Inputs, can)
}
