package accounts

import (
	"cmp"
	"context"
	"errors"

	"github.com/connectorauth/connectorauth/definition"
)

// Reconnect gives the account new values, or prepares a new consent, for which see Flow. The
// account keeps the ID, and goes on as before until the new credential has passed the test
// of the definition. A credential that opens another account of the service than before is
// ErrOtherIdentity, unless Request.OtherIdentity is set: a definition without Test.ID cannot
// tell. A second Reconnect takes the place of a first one that waits for a consent.
//
// The consent asks for the scopes of the account again, those that are missing included, and
// for Request.MoreScopes.
func (r *Registry) Reconnect(ctx context.Context, id string, q Request) (Account, error) {
	before, err := r.Get(ctx, id)
	if err != nil {
		return Account{}, err
	}
	a, err := r.reconnect(ctx, before, q)
	if err == nil {
		before = a
	}
	r.audit(ActionReconnect, before, err)
	return a, err
}

func (r *Registry) reconnect(ctx context.Context, a Account, q Request) (Account, error) {
	id := a.ID
	switch {
	case a.Status == StatusDisconnected:
		return Account{}, ErrDisconnected
	case q.ID != "" && q.ID != id, q.Owner != "" && q.Owner != a.Owner, q.Definition != "" && q.Definition != a.Definition:
		return Account{}, errors.New("accounts: Reconnect: ID, Owner and Definition are those of the account; leave the fields empty, or connect a new account")
	}
	k, err := r.lastGiven(ctx, a)
	if err != nil {
		return Account{}, err
	}
	k.otherIdentity, k.duplicate = q.OtherIdentity, q.Duplicate
	d, err := r.config.Definitions().Lookup(k.account.Definition)
	if err != nil {
		return Account{}, mistake{err}
	}
	k.renew(d, q.Method)
	if q.Scopes != nil {
		k.account.Scopes = q.Scopes
	}
	if len(q.MoreScopes) > 0 {
		if k.account.Scopes, err = r.moreScopes(k.account, q.MoreScopes); err != nil {
			return Account{}, err
		}
	}
	g, err := r.open(ctx, a, a.Last+1, k, func(connection definition.Connection) (*definition.Connected, error) {
		connection.Values = merged(connection.Values, k.account.Edited(q.Values))
		set := r.config.Definitions()
		err := set.Ready(r.config.Finder, k.account, connection)
		if err != nil {
			return nil, err
		}
		if connection.Server, err = set.Discover(ctx, r.config.Finder, k.account, connection); err != nil {
			return nil, err
		}
		return set.Connect(k.account, connection)
	})
	if err != nil {
		return Account{}, err
	}
	return r.consentOrUse(ctx, a, g)
}

// renew prepares the values of an account for a Reconnect by a method of d, whose present name
// the account gets. Another method has none of the values. Empty means the method of the account.
func (k *kept) renew(d *definition.Definition, method string) {
	k.account.Revision = 0
	own, _ := d.Method(k.account.Method)
	k.account.Method = cmp.Or(method, k.account.Method)
	m, _ := d.Method(k.account.Method)
	if m != own {
		k.account.Values, k.account.Secrets, k.account.Scopes = nil, nil, nil
	}
	if m != nil {
		k.account.Method = m.Name
	}
}
