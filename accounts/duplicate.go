package accounts

import (
	"context"
	"fmt"
)

// A DuplicateError refuses an account that its owner has already: the credential opens the
// same account of the service as another account of the owner. See Request.Duplicate.
type DuplicateError struct {
	ID string // of the account that there is already
}

// Error names the other account.
func (e *DuplicateError) Error() string {
	return fmt.Sprintf("accounts: the owner has connected this account of the service already, as %q; use that account", e.ID)
}

// ConsentReason is the reason on the page of package consent.
func (*DuplicateError) ConsentReason() string { return "duplicate" }

// checkDuplicate returns a *DuplicateError if g gets an identity that another account of the
// owner has at the same definition. What a Reconnect must not change, commit refuses.
func (r *Registry) checkDuplicate(ctx context.Context, g *generation, identity string) error {
	if identity == "" || g.kept.duplicate {
		return nil
	}
	a, err := r.Get(ctx, g.id)
	if err != nil || a.Identity == identity || a.Identity != "" && !g.kept.otherIdentity {
		return err
	}
	for other, err := range r.All(ctx, Filter{Owner: a.Owner, Definitions: []string{a.Definition}, Identity: identity}) {
		if err != nil {
			return err
		}
		if other.Status != StatusDisconnected {
			return &DuplicateError{other.ID}
		}
	}
	return nil
}
