package connectorauth

import (
	"context"
)

// Status reads what is known of the account, and renews nothing: see
// [OAuth2.Status]. A token of the config is always StateOK.
func (c *OAuth1) Status(ctx context.Context) (Status, error) {
	s := c.scheme()
	if s.engine == nil {
		return Status{State: StateOK}, nil
	}
	known, err := s.engine.Known(ctx, s)
	status := statusOf(known)
	if t := known.Value; t != nil && t.Extra[sessionHandle] != "" {
		status.Expiry, status.ReauthBy = t.end(tokenLifetime), t.end(sessionLifetime)
	}
	return status, err
}

// Renew replaces the token now, by its session handle: see [OAuth2.Renew]. A token
// without a session handle cannot be renewed, which is an error.
func (c *OAuth1) Renew(ctx context.Context) error {
	s := c.scheme()
	if s.engine == nil {
		return errNotRenewable
	}
	return s.engine.Renew(ctx, s)
}

// Forget removes the account's token from the Store and from memory. OAuth1 knows
// no way to tell the service. A token of the config stays, which is an error.
func (c *OAuth1) Forget(ctx context.Context) error {
	s := c.scheme()
	if s.engine == nil {
		return errIssued
	}
	return s.engine.Forget(ctx, s, nil)
}
