package accounts

import (
	"context"
	"errors"
	"iter"

	"github.com/dghubble/oauth1"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
)

// A Row is an account from elsewhere.
type Row struct {
	// Request is as in Connect. ID is required.
	Request
	// Token is the token of an OAuth2 method: see connectorauth.OAuth2.SetToken. Nil means
	// that the first request obtains a token, or that the account owner must consent.
	Token *oauth2.Token
	// Extra names the extra values of Token to keep, such as "instance_url". Empty means none.
	Extra []string
	// OAuth1Token is the token of an OAuth1 method with a consent: see
	// connectorauth.OAuth1.AddToken. Nil means that the account owner must consent.
	OAuth1Token *oauth1.Token
}

// Import connects the accounts of rows, one after the other, and yields an Account for each
// row. If the error is not nil, the row was not imported, and the Account has the ID of the
// row alone. Import makes no request: Test finds out whether an account works, and so does
// the first use. Without a request there is no identity, so Import refuses no account that the
// owner has already.
//
// Import can be started again with the same rows. An account that is there already is
// ErrExists, and is left alone. A row that an earlier Import has not finished is imported
// anew. Import ends with the rows, or when ctx ends: then the error of the next row is that of
// ctx.
func (r *Registry) Import(ctx context.Context, rows iter.Seq[Row]) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for row := range rows {
			if err := ctx.Err(); err != nil {
				yield(Account{ID: row.ID}, err)
				return
			}
			a, err := r.importRow(ctx, row)
			about := a
			if err != nil {
				a, about = Account{ID: row.ID}, Account{ID: row.ID, Owner: row.Owner, Definition: row.Definition}
			}
			if !errors.Is(err, ErrExists) {
				r.audit(ActionImport, about, err)
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// importRow connects the account of a row.
func (r *Registry) importRow(ctx context.Context, row Row) (Account, error) {
	if row.ID == "" {
		return Account{}, errors.New("accounts: Import: ID: is missing; without an ID, a second Import would connect the account twice")
	}
	a, d, err := r.newAccount("Import", &row.Request)
	if err != nil {
		return Account{}, err
	}
	before, found, err := r.config.Index.Get(ctx, row.ID)
	switch {
	case err != nil:
		return Account{}, ofIndex(err)
	case found && (before.Current != 0 || before.Owner != a.Owner || before.Definition != a.Definition || before.Status != StatusConnecting):
		return Account{}, ErrExists
	case found: // an earlier Import was not finished
		a.Version, a.Pending, a.Last, a.newer = before.Version, before.Pending, before.Last, before.newer
		a.First = before.First
	}
	g, err := r.openNew(ctx, a, d, row.Request)
	if err != nil {
		return Account{}, err
	}
	set, err := row.token(g.connected.Credential(), a.Method)
	if err != nil {
		return Account{}, err
	}
	return r.started(ctx, a, g, func(a Account) (Account, error) {
		if err := set(ctx); err != nil {
			return Account{}, err
		}
		consent, err := g.needsConsent(ctx)
		if err != nil || consent {
			return a, err
		}
		var f finding
		if c, ok := g.credential(); ok {
			if f.known, err = c.Status(ctx); err != nil {
				return Account{}, err
			}
		}
		return r.commit(ctx, g, f)
	})
}

// token returns what puts the token of the row into the Store, for an account with that
// credential.
func (row *Row) token(credential connectorauth.Connector, method string) (set func(context.Context) error, err error) {
	second, is2 := credential.(*connectorauth.OAuth2)
	first, is1 := credential.(*connectorauth.OAuth1)
	switch {
	case row.Token != nil && !is2:
		return nil, errors.New("accounts: Import: Token: the method " + method + " has no token of OAuth2; leave the field empty, and give Values")
	case row.OAuth1Token != nil && !is1:
		return nil, errors.New("accounts: Import: OAuth1Token: the method " + method + " has no token of OAuth1; leave the field empty, and give Values")
	case row.Token != nil:
		return func(ctx context.Context) error { return second.SetToken(ctx, row.Token, row.Extra...) }, nil
	case row.OAuth1Token != nil:
		return func(ctx context.Context) error { _, err := first.AddToken(ctx, row.OAuth1Token); return err }, nil
	}
	return func(context.Context) error { return nil }, nil
}
