package definition

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth"
)

// A Consent leads to the connector of an account that nobody knows before the account owner
// has consented: see [Kind]. An account of packages discovery and mcp is a Consent. A Consent
// is safe for concurrent use, and its Begin and Finish are as those of connectorauth.OAuth2.
type Consent interface {
	Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error)
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
	ConsentLifetime() time.Duration
	// Connector returns the connector of the last consent, and makes no request. Before the
	// first consent, the error matches connectorauth.ErrNotConnected.
	Connector(ctx context.Context) (*connectorauth.OAuth2, error)
	// Forget removes what the consents have left in Store. The service is not told.
	Forget(ctx context.Context) error
}

// foreign is what an account of a Kind has besides.
type foreign struct {
	texts   map[string]connectorauth.Secret
	consent Consent // or nil
	rest    []connectorauth.Connector
	guard   *guard
}

// connect returns the connector of an account, or one that refuses requests where the account
// owner must consent first.
func (k *Kind) connect(b *builder, texts map[string]connectorauth.Secret) (connectorauth.Connector, error) {
	hosts := slices.Clone(b.hosts)
	if k.Consent == nil {
		connector, err := k.Connect(texts, hosts, *b.c)
		if err == nil && connector == nil {
			err = errors.New("the Kind returned no connector")
		}
		if k.Check != nil && b.account.credential == nil { // yet: this is the method's first credential
			b.account.foreign = &foreign{texts: texts}
		}
		return connector, err
	}
	consent, err := k.Consent(texts, hosts, *b.c)
	if err == nil && consent == nil {
		err = errors.New("the Kind returned no consent")
	}
	if err != nil {
		return nil, err
	}
	b.account.foreign = &foreign{texts: texts, consent: consent}
	return connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return connectorauth.ErrNotConnected },
		Hosts:        hosts,
	})
}

// Consent returns the consent of an account of a Kind that has one, or nil. The connector of
// such an account refuses each request with connectorauth.ErrNotConnected: see Open.
func (c *Connected) Consent() Consent {
	if f := c.account().foreign; f != nil {
		return f.consent
	}
	return nil
}

// Open returns the account with the connector of the last consent, and makes no request.
// Before the first consent, the error matches connectorauth.ErrNotConnected. An account
// without a Consent is returned as it is.
func (c *Connected) Open(ctx context.Context) (*Connected, error) {
	f := c.account().foreign
	if f == nil || f.consent == nil {
		return c, nil
	}
	connector, err := f.consent.Connector(ctx)
	if err != nil {
		return nil, err
	}
	opened := *c.account()
	return opened.joined(append([]connectorauth.Connector{connector}, f.rest...), f.guard)
}
