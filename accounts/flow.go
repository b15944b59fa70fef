package accounts

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/poll"
)

// A Flow leads an account owner through the consent of an account. A Flow is a consent.Flow.
type Flow struct {
	r       *Registry
	g       *generation
	consent consenting
	over    bool // the consent is over, and PollDevice alone may say so once more
}

// Flow returns the Flow of an account after Connect or Reconnect, in any process. An account
// that waits for no consent is ErrNoConsent, but where the consent was on another device: then
// PollDevice says once more that the consent is over, because the response to the person may
// have been lost, and BeginDevice is ErrNoConsent. A Flow may be used again after a consent that
// has failed.
func (r *Registry) Flow(ctx context.Context, id string) (*Flow, error) {
	a, err := r.Get(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case a.Status == StatusDisconnected:
		return nil, ErrDisconnected
	case a.Pending == 0 && a.Current == 0:
		return nil, ErrNoConsent
	}
	over := a.Pending == 0
	g, err := r.reopen(ctx, a, cmp.Or(a.Pending, a.Current))
	if err != nil {
		return nil, err
	}
	c, ok := g.consent()
	f := &Flow{r, g, c, over}
	if !ok || over && f.GrantType() != (connectorauth.DeviceCode{}).GrantType() {
		return nil, ErrNoConsent
	}
	return f, nil
}

// onDevice is a consenting whose account owner can type a code on another device: an *OAuth2.
type onDevice interface {
	GrantType() string
	BeginDevice(ctx context.Context) (prompt connectorauth.DevicePrompt, pending connectorauth.Secret, err error)
	PollDevice(ctx context.Context, pending connectorauth.Secret) (connectorauth.DevicePoll, error)
	DeviceDone(ctx context.Context, pending connectorauth.Secret) (bool, error)
}

// errNoDevice: the account has a consent of OAuth1.
var errNoDevice = errors.New("accounts: the account has no consent on another device")

// Begin returns the URL of the provider's page, and a pending value for Finish: see
// connectorauth.OAuth2.Begin.
func (f *Flow) Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error) {
	if f.over {
		return "", "", ErrNoConsent
	}
	return f.consent.Begin(ctx, redirectURL)
}

// Finish obtains the token of the callback, makes the test request, and puts the token to
// use: see connectorauth.OAuth2.Finish. A token that does not pass the test is forgotten, and
// so is that of another identity, and that of an account that the owner has already: then the
// error is a *definition.CheckError, ErrOtherIdentity or a *DuplicateError, and the account
// owner may consent again. After any other
// error of the test, such as a *definition.CheckError that is Temporary, the token is kept, and
// Registry.Test finishes the rest.
func (f *Flow) Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error {
	if f.over {
		return ErrNoConsent
	}
	return f.ended(ctx, f.consent.Finish(ctx, pending, callback))
}

// GrantType returns the grant type of the account: see connectorauth.OAuth2.GrantType. Empty
// means OAuth1, or the consent of a Kind.
func (f *Flow) GrantType() string {
	if c, ok := f.consent.(onDevice); ok {
		return c.GrantType()
	}
	return ""
}

// BeginDevice returns what the account owner must see, and a pending value for PollDevice:
// see connectorauth.OAuth2.BeginDevice.
func (f *Flow) BeginDevice(ctx context.Context) (prompt connectorauth.DevicePrompt, pending connectorauth.Secret, err error) {
	c, ok := f.consent.(onDevice)
	if !ok {
		return prompt, "", errNoDevice
	}
	if f.over {
		return prompt, "", ErrNoConsent
	}
	return c.BeginDevice(ctx)
}

// PollDevice asks once whether the account owner has decided, and then does what Finish does:
// see connectorauth.OAuth2.PollDevice.
func (f *Flow) PollDevice(ctx context.Context, pending connectorauth.Secret) (connectorauth.DevicePoll, error) {
	c, ok := f.consent.(onDevice)
	if !ok {
		return connectorauth.DevicePoll{}, errNoDevice
	}
	if f.over { // a further token would be in use untested
		done, err := c.DeviceDone(ctx, pending)
		if err == nil && !done {
			err = ErrNoConsent
		}
		return connectorauth.DevicePoll{Done: done}, err
	}
	poll, err := c.PollDevice(ctx, pending)
	if err == nil && !poll.Done {
		return poll, nil
	}
	if err := f.ended(ctx, err); err != nil {
		return connectorauth.DevicePoll{}, err
	}
	return poll, nil
}

// FinishDevice waits until the account owner has decided, and then does what Finish does: see
// connectorauth.OAuth2.FinishDevice. FinishDevice serves a program whose account owner waits
// before the program, such as one on a terminal; pages call PollDevice.
func (f *Flow) FinishDevice(ctx context.Context, pending connectorauth.Secret) error {
	return poll.Paced(ctx, func() (bool, time.Duration, error) {
		p, err := f.PollDevice(ctx, pending)
		pending = p.Pending
		return p.Done, p.Wait, err
	})
}

// ended puts the token of a consent to use, or tells why there is none.
func (f *Flow) ended(ctx context.Context, err error) error {
	if err == nil {
		g := *f.g
		if err = g.openConsent(ctx); err == nil {
			_, err = f.r.finish(ctx, &g)
		}
		return err
	}
	a, getErr := f.r.Get(ctx, f.g.id)
	if errors.Is(getErr, ErrNotFound) || getErr == nil && a.Pending != f.g.number && a.Current != f.g.number {
		err = errors.Join(ErrSuperseded, err)
	}
	a.ID = f.g.id
	f.r.auditConsent(a, err)
	return err
}

// finish puts a generation to use after the consent.
func (r *Registry) finish(ctx context.Context, g *generation) (a Account, err error) {
	before, err := r.Get(ctx, g.id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Account{}, err
	}
	before.ID = g.id
	defer func() { r.auditConsent(before, err) }()
	if a, err = r.complete(ctx, g); err == nil {
		return a, nil
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	now, found, getErr := r.config.Index.Get(detached, g.id)
	if found && getErr == nil && now.Current == g.number && now.Status != StatusDisconnected {
		return now, nil // the response of the Index was lost, or another process was faster
	}
	var failed *definition.CheckError // an error of the Index may have a method Temporary, too
	refused := errors.As(err, &failed) && !failed.Temporary()
	if !refused && !errors.Is(err, ErrOtherIdentity) && !errors.As(err, new(*DuplicateError)) && !errors.Is(err, ErrSuperseded) && !errors.Is(err, ErrNotFound) {
		return a, err
	}
	if getErr != nil || found && now.Current == g.number { // perhaps the token is in use
		return a, err
	}
	// Nothing is revoked: a provider may revoke the account owner's other tokens too.
	return a, errors.Join(err, g.forget(detached))
}

// auditConsent tells of the end of a consent. before is the account before the end.
func (r *Registry) auditConsent(before Account, err error) {
	action := ActionReconnect
	if before.Pending = 0; before.Current == 0 {
		action = ActionConnect
	}
	r.audit(action, before, err)
}

// ConsentLifetime returns how long the account owner may take: see
// connectorauth.OAuth2.ConsentLifetime.
func (f *Flow) ConsentLifetime() time.Duration { return f.consent.ConsentLifetime() }

// CallbackName returns the name of the definition, so all accounts of a definition have
// one callback URL: see consent.Flow. Where accounts of a definition are at several
// authorization servers, as with MCP servers, the accounts at each server have one.
func (f *Flow) CallbackName() string {
	if c, ok := f.consent.(interface{ CallbackName() string }); ok {
		return c.CallbackName()
	}
	return f.g.connected.Definition()
}

// Issuer returns the issuer of the authorization server, or empty: see
// connectorauth.OAuth2.Issuer.
func (f *Flow) Issuer() string {
	if c, ok := f.consent.(interface{ Issuer() string }); ok {
		return c.Issuer()
	}
	return ""
}
