package accounts

import (
	"context"
	"errors"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// Definitions returns the definitions of the present: see Config.
func (r *Registry) Definitions() *definition.Set { return r.config.Definitions() }

// Given returns what the account owner has given, with the secrets, for the form of a
// Reconnect: see definition.Account.Given and definition.Definition.Form. Nothing of the
// secrets may go to a page. Lost values are absent.
func (r *Registry) Given(ctx context.Context, id string) (definition.Account, error) {
	a, err := r.Get(ctx, id)
	if err != nil {
		return definition.Account{}, err
	}
	_, k, err := r.givenNow(ctx, a)
	return k.account, err
}

// givenNow is lastGiven of an account that may have changed since. The account that is returned
// is the account of the values.
func (r *Registry) givenNow(ctx context.Context, a Account) (Account, kept, error) {
	for {
		k, err := r.lastGiven(ctx, a)
		if !errors.Is(err, ErrSuperseded) {
			return a, k, err
		}
		if a, err = r.Get(ctx, a.ID); err != nil {
			return Account{}, kept{}, err
		}
	}
}

// lastGiven reads the values of the generation in use, or of a first one that is being
// connected. If the values are gone because the account has changed, the error is ErrSuperseded.
func (r *Registry) lastGiven(ctx context.Context, a Account) (kept, error) {
	from := a.Current
	if from == 0 {
		from = a.Pending
	}
	k, err := r.load(ctx, a.ID, from)
	if errors.Is(err, errNoValues) {
		now, getErr := r.Get(ctx, a.ID)
		switch {
		case getErr != nil:
			return kept{}, getErr
		case now.Version != a.Version:
			return kept{}, ErrSuperseded
		}
	}
	if errors.Is(err, errNoValues) || renew.IsDamaged(err) {
		return kept{account: definition.Account{Definition: a.Definition, Method: a.Method}}, nil
	}
	return k, err
}
