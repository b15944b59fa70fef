package accounts

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// Test asks the service whether the account works, keeps what the service says in the
// account, and returns the account. Without a test in the definition, Test reads what is
// known of the token. An account that does not work is an error too: a
// *definition.CheckError, ErrOtherIdentity, an error of the token, or
// connectorauth.ErrReauthRequired if the Store has lost what the account owner has given.
// An error of ctx, of the Index or of the Store changes nothing, and neither does a token
// URL that asks for a pause. If the account owner has consented and the process ended right
// then, Test puts the token to use.
func (r *Registry) Test(ctx context.Context, id string) (Account, error) {
	a, err := r.Get(ctx, id)
	if err != nil {
		return Account{}, err
	}
	a, err = r.test(ctx, a)
	r.audit(ActionTest, a, err)
	return a, err
}

// test is Test without an Entry.
func (r *Registry) test(ctx context.Context, a Account) (Account, error) {
	if a.Status == StatusDisconnected {
		return a, ErrDisconnected
	}
	done, resumed, err := r.resume(ctx, a)
	switch {
	case resumed && err == nil:
		return done, nil
	case err != nil && blameless(err):
		return a, err
	case resumed && a.Current == 0:
		return a, err
	case a.Current == 0:
		return a, ErrConnecting
	}
	a, g, err := r.reopenCurrent(ctx, a)
	if errors.Is(err, errNoValues) {
		return r.lost(ctx, a)
	}
	if err != nil {
		return a, err
	}
	f, err := r.examine(ctx, g)
	if err != nil {
		return a, err
	}
	if f.failure == nil && a.Identity != "" && f.identity.ID != "" && f.identity.ID != a.Identity {
		f.failure = ErrOtherIdentity
	}
	written, err := r.update(ctx, a.ID, func(now *Account) error {
		if now.Current != g.number || now.Status == StatusDisconnected {
			return ErrSuperseded
		}
		f.apply(now)
		if f.failure == nil && now.Due.IsZero() { // Sweep had given the account up
			now.Due = r.due(g.connected, f.known)
		}
		return nil
	})
	if err != nil {
		return a, err
	}
	return written, f.failure
}

// lost writes into an account that the Store has nothing of the account.
func (r *Registry) lost(ctx context.Context, a Account) (Account, error) {
	written, err := r.update(ctx, a.ID, func(now *Account) error {
		if now.Current != a.Current || now.Status == StatusDisconnected {
			return ErrSuperseded
		}
		now.fail(errNoValues)
		return nil
	})
	if err != nil {
		return a, err
	}
	return written, errNoValues
}

// resume finishes a consent that has brought a token and is not in use. resumed is false if
// there is nothing to finish.
func (r *Registry) resume(ctx context.Context, a Account) (done Account, resumed bool, err error) {
	if a.Pending == 0 {
		return a, false, nil
	}
	g, err := r.reopen(ctx, a, a.Pending)
	if err != nil {
		return a, false, err
	}
	if _, ok := g.consent(); !ok {
		return a, false, nil // another process is at work, or has died
	}
	if waits, err := g.needsConsent(ctx); err != nil || waits {
		return a, false, err
	}
	done, err = r.finish(ctx, g)
	return done, true, err
}

// A finding is what a test has found.
type finding struct {
	tested   bool
	identity definition.Identity
	failure  error
	known    connectorauth.Status
}

// examine tests a generation. An error means that nothing can be said.
func (r *Registry) examine(ctx context.Context, g *generation) (finding, error) {
	var f finding
	f.identity, f.failure = g.connected.Check(ctx, g.client)
	if err := ctx.Err(); err != nil {
		return finding{}, err
	}
	if blameless(f.failure) {
		return finding{}, f.failure
	}
	f.tested = !errors.Is(f.failure, definition.ErrNoTest)
	c, ok := g.credential()
	if ok {
		var err error
		if f.known, err = c.Status(ctx); err != nil {
			return finding{}, err
		}
	}
	if !f.tested {
		f.failure = nil
		if !g.opened {
			f.failure = connectorauth.ErrNotConnected
		}
		if ok && f.known.State != connectorauth.StateOK {
			f.failure = f.known.LastError
			if f.failure == nil {
				f.failure = connectorauth.ErrNotConnected
			}
		}
	}
	return f, nil
}

// apply writes the finding into the account.
func (f finding) apply(a *Account) {
	if f.tested {
		a.Tested = now()
	}
	a.know(f.known, false)
	if f.failure == nil {
		if f.tested {
			a.Identity, a.Label = f.identity.ID, f.identity.Label
		}
		a.become(StatusOK, "", "")
		return
	}
	a.fail(f.failure)
}

// know writes into the account what is known of the token. renewed means that the token was
// renewed right before.
func (a *Account) know(known connectorauth.Status, renewed bool) {
	a.Granted, a.Missing = slices.Clone(known.Granted), slices.Clone(known.Missing)
	const inexact = 30 * time.Second // lifetimes count from a request, in seconds
	moved := known.ReauthBy.After(a.ReauthBy.Add(inexact))
	a.ReauthBy, a.Expiry = inMicroseconds(known.ReauthBy), inMicroseconds(known.Expiry)
	a.Final = !a.ReauthBy.IsZero() && !moved && (a.Final || renewed)
}

// fail writes into the account why the account does not work.
func (a *Account) fail(failure error) {
	reason := definition.ReasonUnavailable
	var failed *definition.CheckError
	switch {
	case errors.Is(failure, connectorauth.ErrReauthRequired), errors.Is(failure, ErrOtherIdentity):
		reason = definition.ReasonRefused
	case errors.As(failure, &failed):
		reason = failed.Reason
	}
	status := StatusFailing
	if reason == definition.ReasonRefused {
		status = StatusReauthRequired
	}
	a.become(status, reason, failure.Error())
}
