package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// revokeTime is how long Disconnect insists on telling a silent provider.
const revokeTime = 7 * 24 * time.Hour

// Disconnect ends an account: tells the provider, forgets the tokens and the values, and then
// removes the account from the Index. From the first step on, the account is
// StatusDisconnected and has no client. After an error, call Disconnect again, or leave the
// rest to Sweep: the steps that are done stay done. An absent account is no error.
//
// revoked reports whether the provider was told (RFC 7009, or the logout of a session). If
// not, the account owner may remove the credential at the service, such as an API key. A
// provider that does not respond is an error for seven days, and so is a process that lacks
// the registration at the service; later, and where the provider refuses or the definition is
// gone, Disconnect goes on.
func (r *Registry) Disconnect(ctx context.Context, id string) (revoked bool, err error) {
	return r.disconnectIf(ctx, id, func(Account) bool { return true })
}

// disconnectIf is Disconnect of an account for which wanted is true, or else errUnchanged.
func (r *Registry) disconnectIf(ctx context.Context, id string, wanted func(Account) bool) (revoked bool, err error) {
	a, revoked, err := r.disconnect(ctx, id, wanted)
	if a.ID == "" && err == nil || errors.Is(err, errUnchanged) {
		return false, err // there was none
	}
	a.ID = id
	r.audit(ActionDisconnect, a, err)
	return revoked, err
}

// disconnect is Disconnect without an Entry. a is the account, as far as known.
func (r *Registry) disconnect(ctx context.Context, id string, wanted func(Account) bool) (a Account, revoked bool, err error) {
	a, err = r.update(ctx, id, func(a *Account) error {
		if !wanted(*a) {
			return errUnchanged
		}
		a.become(StatusDisconnected, "", "")
		a.Due = after(retryAfter)
		return nil
	})
	r.cache.drop(id)
	if errors.Is(err, ErrNotFound) {
		return Account{}, false, nil
	}
	if err != nil {
		return a, false, err
	}
	for number := a.Last; number >= max(a.First, 1); number-- { // also those that a dead process has left
		told, err := r.end(ctx, a, number)
		revoked = revoked || told
		if err == nil && number%endedAtOnce == 0 {
			err = r.ended(ctx, id, a.First, number)
		}
		if err != nil {
			return a, revoked, err
		}
	}
	for version := a.Version; ; {
		deleted, err := r.config.Index.Delete(ctx, id, version)
		if err != nil || deleted {
			return a, revoked, ofIndex(err)
		}
		now, err := r.Get(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return a, revoked, nil
		}
		if err != nil {
			return a, revoked, err
		}
		if now.Status != StatusDisconnected || now.First != a.First {
			return a, revoked, nil // another process was faster, and the ID is used again
		}
		version = now.Version
	}
}

// endedAtOnce is how many generations a Disconnect ends before it notes that.
const endedAtOnce = 50

// ended notes that the generations from number on have ended.
func (r *Registry) ended(ctx context.Context, id string, first, number int) error {
	_, err := r.update(ctx, id, func(a *Account) error {
		if a.Status != StatusDisconnected || a.First != first || a.Last < number {
			return errUnchanged
		}
		a.Last = number - 1
		return nil
	})
	if errors.Is(err, errUnchanged) || errors.Is(err, ErrNotFound) {
		return nil // another process is ahead
	}
	return err
}

// end revokes and removes a generation.
func (r *Registry) end(ctx context.Context, a Account, number int) (revoked bool, err error) {
	k, err := r.load(ctx, a.ID, number)
	if errors.Is(err, errNoValues) || renew.IsDamaged(err) {
		return false, r.remove(ctx, a.ID, number, recordsOf(err), nil)
	}
	if err != nil {
		return false, err
	}
	connection, err := r.connection(ctx, a, number)
	if err != nil {
		return false, err
	}
	set := r.config.Definitions()
	connected, err := set.Connect(k.account, connection)
	if err != nil {
		_, gone := set.Find(k.account)
		if gone == nil && isMistake(ofProgram(err)) && time.Since(a.Since) < revokeTime { // another process may have the registration
			return false, fmt.Errorf("accounts: the provider could not be told: %w", err)
		}
		return false, r.remove(ctx, a.ID, number, k.records, nil) // the definition does not know the account any more
	}
	g := &generation{id: a.ID, number: number, connected: connected, client: connection.HTTPClient, kept: k}
	if err = g.openConsent(ctx); err == nil {
		revoked, err = r.revoke(ctx, g)
	}
	var token *connectorauth.TokenError
	if err != nil && !(errors.As(err, &token) && !token.Temporary()) && time.Since(a.Since) < revokeTime {
		return false, fmt.Errorf("accounts: the provider could not be told: %w", err)
	}
	return revoked, r.remove(ctx, a.ID, number, k.records, g)
}

// revoke tells the provider that the token is not needed any more, if the definition says
// how.
func (r *Registry) revoke(ctx context.Context, g *generation) (bool, error) {
	held, _ := g.credential()
	c, ok := held.(interface {
		Revoke(ctx context.Context) error
	})
	if !ok {
		return false, nil
	}
	if has, err := r.hasToken(ctx, g, held); err != nil || !has {
		return false, err
	}
	err := c.Revoke(ctx)
	if errors.Is(err, connectorauth.ErrNoRevocation) {
		return false, nil
	}
	return err == nil, err
}

// hasToken reports whether the Store has a token of a generation.
func (r *Registry) hasToken(ctx context.Context, g *generation, held credential) (bool, error) {
	if g.connected.Consent() != nil { // whose token has a key of its own
		status, err := held.Status(ctx)
		return status.State != connectorauth.StateNotConnected, err
	}
	_, found, err := r.store.Load(ctx, tokenKey(g.id, g.number))
	return found, err
}

// method returns the method of an account, or nil if the definition is gone.
func method(c *definition.Connected, set *definition.Set) *definition.Method {
	d, err := set.Find(c.Account())
	if err != nil {
		return nil
	}
	m, _ := d.Method(c.Method())
	return m
}
