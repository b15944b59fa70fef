package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
)

// A flow is the consent of an account, whose errors tell the person what is wrong.
type flow struct {
	*accounts.Flow
	name     string                         // of the definition
	title    string                         // of the service
	callback func(definition string) string // may be nil
}

// flow returns the consent of an account of the person, for consent.Handler.
func (h *Handler) flow(r *http.Request, id string) (consent.Flow, error) {
	owner, err := h.ownerOf(r)
	if err != nil {
		return nil, err
	}
	a, err := h.account(r.Context(), owner, id)
	if err != nil {
		return nil, notAllowed(err)
	}
	f, err := h.config.Registry.As(h.actor(r, owner)).Flow(r.Context(), id)
	if err != nil {
		return nil, notAllowed(err)
	}
	title := a.Definition
	if d, err := h.definition(a.Definition); err == nil {
		title = titleOf(d)
	}
	return flow{f, a.Definition, title, h.config.Callback}, nil
}

// notAllowed returns consent.ErrNotAllowed for an account that is not there. An account of the
// person that waits for no consent may be connected already.
func notAllowed(err error) error {
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return consent.ErrNotAllowed
	case isOver(err):
		return consentError{err, consent.ReasonUnknown}
	}
	return err
}

// isOver reports whether the consent was made pointless in another window.
func isOver(err error) bool {
	return errors.Is(err, accounts.ErrNoConsent) || errors.Is(err, accounts.ErrDisconnected) || errors.Is(err, accounts.ErrSuperseded) || errors.Is(err, accounts.ErrNotFound)
}

// CallbackName implements an optional method of consent.Flow.
func (f flow) CallbackName() string {
	if f.callback != nil {
		return f.callback(f.name)
	}
	return f.Flow.CallbackName()
}

// ServiceName implements an optional method of consent.Flow.
func (f flow) ServiceName() string { return f.title }

// Finish implements consent.Flow.
func (f flow) Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error {
	return explained(f.Flow.Finish(ctx, pending, callback))
}

// BeginDevice implements consent.PollFlow.
func (f flow) BeginDevice(ctx context.Context) (connectorauth.DevicePrompt, connectorauth.Secret, error) {
	prompt, pending, err := f.Flow.BeginDevice(ctx)
	if isOver(err) {
		err = notAllowed(err)
	}
	return prompt, pending, err
}

// PollDevice implements consent.PollFlow.
func (f flow) PollDevice(ctx context.Context, pending connectorauth.Secret) (connectorauth.DevicePoll, error) {
	poll, err := f.Flow.PollDevice(ctx, pending)
	return poll, explained(err)
}

// explained returns an error of the end of a consent with the reason for the page. A test alone
// says something of the service or of the account: errors of stores and of package net have a
// method Temporary too.
func explained(err error) error {
	var check *definition.CheckError
	switch {
	case isOver(err):
		return consentError{err, consent.ReasonUnknown}
	case errors.As(err, new(*connectorauth.TokenError)) || !errors.As(err, &check): // consent knows what they mean
		return err
	case check.Temporary():
		return consentError{err, consent.ReasonProvider}
	}
	return consentError{err, consent.ReasonUnusable}
}

// A consentError is an error with the reason for the page of package consent.
type consentError struct {
	error
	reason consent.Reason
}

func (e consentError) Unwrap() error { return e.error }

// ConsentReason implements an optional method of the errors of consent.Flow.
func (e consentError) ConsentReason() string { return string(e.reason) }

// consented tells the program that a consent has ended well, or why it has not where no person
// can help.
func (h *Handler) consented(r *http.Request, result consent.Result) error {
	var failed *consent.Error
	switch {
	case errors.As(result.Err, &failed):
		switch failed.Reason {
		case consent.ReasonInternal, consent.ReasonStore, consent.ReasonRefused:
			if result.Connector != "" { // anybody may have sent what is of no account
				h.config.Failed(r, failed)
			}
		}
		return nil
	case h.config.Done == nil:
		return nil
	}
	a, err := h.config.Registry.Get(r.Context(), result.Connector)
	if err != nil { // the page says that the program does not know
		h.config.Failed(r, err)
		return err
	}
	h.config.Done(r, a)
	return nil
}

// startURL returns the URL of the start of an account's consent. The person comes back to
// the page of the account, or to the way back.
func (x *exchange) startURL(id string) string {
	back := x.way.returnTo
	if x.origin == x.home {
		if to := x.link("account", "id", id, "did", "connected"); len(to) <= 1024 {
			back = to
		}
	}
	query := url.Values{"connector": {id}}
	for name, value := range map[string]string{"return_to": back, "popup": x.way.popup, "language": x.way.language} {
		if value != "" && (name != "return_to" || x.way.popup == "") {
			query.Set(name, value)
		}
	}
	return x.base + "/start?" + query.Encode()
}
