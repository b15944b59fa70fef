package connectorauth

import (
	"context"
)

// Credential returns the present credential, obtained or renewed if necessary, for a
// program that needs values of More, such as the address of the account's API. The
// credential is a copy. Without Obtain, the credential is the zero value.
func (c *Custom) Credential(ctx context.Context) (CustomCredential, error) {
	s := c.core.get().scheme.(*customScheme)
	if s.engine == nil {
		return CustomCredential{}, nil
	}
	g, err := s.engine.Get(ctx, s)
	if err != nil {
		return CustomCredential{}, err
	}
	return g.Value.credential(), nil
}

// Status reads what is known of the credential, and obtains nothing: see
// [OAuth2.Status]. A connector without Obtain is always StateOK.
func (c *Custom) Status(ctx context.Context) (Status, error) {
	s := c.core.get().scheme.(*customScheme)
	if s.engine == nil {
		return Status{State: StateOK}, nil
	}
	known, err := s.engine.Known(ctx, s)
	status := statusOf(known)
	switch {
	case known.Value != nil:
		status.Expiry = known.Value.Expiry.Round(0)
	case err == nil && status.State == StateNotConnected && status.LastError == nil:
		status.State = StateOK // the first request obtains a credential
	}
	return status, err
}

// Renew calls Obtain now, whatever failed before. A connector without Obtain has
// nothing to renew, which is no error.
func (c *Custom) Renew(ctx context.Context) error {
	s := c.core.get().scheme.(*customScheme)
	if s.engine == nil {
		return nil
	}
	return s.engine.Renew(ctx, s)
}

// Revoke tells the service by CustomConfig.Revoke that the credential is not needed any
// more, and forgets the credential as [Custom.Forget] does, whatever became of the call.
// An error of CustomConfig.Revoke is returned, after the credential was forgotten. A
// connector without a credential makes no call, which is no error. A config without
// Revoke is [ErrNoRevocation].
func (c *Custom) Revoke(ctx context.Context) error {
	s := c.core.get().scheme.(*customScheme)
	if s.config.Revoke == nil {
		return ErrNoRevocation
	}
	return s.revoke(ctx)
}

// Forget removes the credential from the Store and from memory.
func (c *Custom) Forget(ctx context.Context) error {
	s := c.core.get().scheme.(*customScheme)
	if s.engine == nil {
		return nil
	}
	return s.engine.Forget(ctx, s, nil)
}
