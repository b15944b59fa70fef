package accounts

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth"
)

// consenting is what leads through a consent: an *OAuth1, an *OAuth2, or the definition.Consent
// of a Kind.
type consenting interface {
	Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error)
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
	ConsentLifetime() time.Duration
}

// consent returns what leads through the consent of a generation. ok is false if there is no
// consent.
func (g *generation) consent() (c consenting, ok bool) {
	if c := g.connected.Consent(); c != nil {
		return c, true
	}
	c, ok = g.connected.Credential().(consenting)
	return c, ok
}

// credential returns the connector whose token is in the Store. ok is false if there is none,
// or none before a consent.
func (g *generation) credential() (c credential, ok bool) {
	if !g.opened {
		return nil, false
	}
	c, ok = g.connected.Credential().(credential)
	return c, ok
}

// openConsent gives a generation the connector of the last consent, if the consent decides what
// the connector is. Before the consent, and where the registration of the connector is forgotten,
// requests are refused with connectorauth.ErrNotConnected.
func (g *generation) openConsent(ctx context.Context) error {
	connected, err := g.connected.Open(ctx)
	switch {
	case errors.Is(err, connectorauth.ErrReauthRequired):
		return nil
	case err != nil:
		return outage{err} // of the Store of the account, or of that of the registration
	}
	g.connected, g.opened = connected, true
	return nil
}
