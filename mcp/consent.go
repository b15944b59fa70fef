package mcp

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// Issuer returns "", because the authorization server is not known before the consent: see
// connectorauth.OAuth2.Issuer. So package consent gives each MCP server a callback URL of its
// own.
func (a *Account) Issuer() string { return "" }

// CallbackName returns a name for the callback URL that all accounts at the MCP server have in
// common: see consent.Flow. So the accounts share a client, and no other server sees their
// callbacks.
func (a *Account) CallbackName() string { return "mcp-" + pending.Identity(a.config.URL) }

// ConsentLifetime returns how long the account owner may take: see
// connectorauth.OAuth2.ConsentLifetime.
func (a *Account) ConsentLifetime() time.Duration {
	code, _ := a.config.OAuth2.Grant.(connectorauth.AuthorizationCode)
	return code.ConsentLifetime
}

// Begin starts the account owner's consent: see connectorauth.OAuth2.Begin. Begin asks the MCP
// server for its challenge, unless the server has refused a request of [Account.Authorize]
// before, and reads the metadata. If Begin finds something else than an earlier Begin of the
// account, Finish refuses the earlier consent. An error may be a *discovery.Error.
func (a *Account) Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error) {
	r, _, err := a.load(ctx)
	if err != nil {
		return "", "", err
	}
	f, err := a.find(ctx, r, r.Challenge)
	if err == nil {
		err = a.begin(ctx, f)
	}
	if err != nil {
		return "", "", err
	}
	account, err := a.at(f)
	if err != nil {
		return "", "", err
	}
	if authURL, pending, err = account.Begin(ctx, redirectURL); err != nil {
		return "", "", err
	}
	return authURL, pending, a.edit(ctx, func(r *record) { r.Begun = f })
}

// Finish ends the consent that Begin started, in this process or in another: see
// connectorauth.OAuth2.Finish. Where the account had a token of another authorization server,
// that token is forgotten.
func (a *Account) Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error {
	r, _, err := a.load(ctx)
	if err != nil {
		return err
	}
	begun, former := r.Begun, r.Present
	if begun == nil {
		begun = r.Present // another consent of the account was finished first
	}
	if begun == nil {
		return fmt.Errorf("%w; account %q has no consent under way", connectorauth.ErrNotConnected, a.config.OAuth2.Account)
	}
	account, err := a.at(begun)
	if err != nil {
		return err
	}
	if err := account.Finish(ctx, pending, callback); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saving)
	defer cancel()
	err = a.edit(ctx, func(r *record) {
		r.Present, r.Challenge = begun, nil
		if reflect.DeepEqual(r.Begun, begun) { // else another consent has begun meanwhile
			r.Begun = nil
		}
	})
	if err != nil {
		return err
	}
	if former != nil && former.Issuer != begun.Issuer {
		return a.forget(ctx, former)
	}
	return nil
}

// Connector returns the account's connector, with what the last consent in any process has
// found. Connector reads the Store, and makes no request, except with a Grant that needs no
// consent: the first call then reads the metadata. Before the first consent, the error matches
// connectorauth.ErrNotConnected. A connector may be kept until the next consent. An account of
// another MCP server is an error.
func (a *Account) Connector(ctx context.Context) (*connectorauth.OAuth2, error) {
	if c := a.known(); c != nil {
		return c, nil
	}
	r, _, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	if !a.config.consents() {
		c, err := a.unattended(ctx, r)
		if err == nil {
			a.know(c)
		}
		return c, err
	}
	if r.Begun != nil && (r.Present == nil || r.Present.Issuer != r.Begun.Issuer) {
		// Finish may have saved the token, and died before it saved the record.
		if c, err := a.connector(ctx, r.Begun); err == nil {
			return c, nil
		}
	}
	if r.Present == nil {
		return nil, fmt.Errorf("%w; account %q", connectorauth.ErrNotConnected, a.config.OAuth2.Account)
	}
	return a.connector(ctx, r.Present)
}

// connector returns the connector of a consent.
func (a *Account) connector(ctx context.Context, f *found) (*connectorauth.OAuth2, error) {
	account, err := a.at(f)
	if err != nil {
		return nil, err
	}
	return account.Connector(ctx)
}

// unattended returns the connector of a grant without a consent.
func (a *Account) unattended(ctx context.Context, r record) (*connectorauth.OAuth2, error) {
	f, err := a.find(ctx, r, r.Challenge)
	if err != nil {
		return nil, err
	}
	server, err := a.config.Finder.Server(ctx, f.Issuer)
	if err != nil {
		return nil, err
	}
	config := a.fill(f)
	if err := server.Fill(&config); err != nil {
		return nil, err
	}
	c, err := connectorauth.NewOAuth2(config)
	if err == nil && (r.Present == nil || r.Present.Issuer != f.Issuer || r.Present.Resource != f.Resource || !slices.Equal(r.Present.Scopes, f.Scopes)) {
		err = a.edit(ctx, func(r *record) { r.Present = f }) // so that later scopes are further ones
	}
	return c, err
}

// Forget removes the account's token and what the consents of the account have found. The
// authorization server is not told: see connectorauth.OAuth2.Revoke.
func (a *Account) Forget(ctx context.Context) error {
	r, _, err := a.read(ctx)
	if err != nil {
		return err
	}
	if !a.config.consents() {
		if c := a.known(); c != nil {
			err = c.Forget(ctx)
		} else if r.Present != nil { // the server need not be up
			err = a.inStore("delete the token of", a.config.OAuth2.Store.Delete(ctx, a.fill(r.Present).Account))
		}
		if err != nil {
			return err
		}
		r.Present = nil
	}
	for _, f := range []*found{r.Present, r.Begun} {
		if f != nil {
			if err := a.forget(ctx, f); err != nil {
				return err
			}
		}
	}
	a.know(nil)
	return a.inStore("delete", a.config.OAuth2.Store.Delete(ctx, a.key()))
}

// forget removes what the account has of an authorization server.
func (a *Account) forget(ctx context.Context, f *found) error {
	account, err := a.at(f)
	if err != nil {
		return err
	}
	if c, err := account.Connector(ctx); err == nil {
		if err := c.Forget(ctx); err != nil {
			return err
		}
	}
	return account.Forget(ctx)
}
