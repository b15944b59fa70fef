package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
)

// consent leads through the consent of an account: with a code for another device where the
// method has the device grant, and else in the browser.
func (w *connecting) consent(ctx context.Context, id string) error {
	flow, err := w.mine.Flow(ctx, id)
	if err != nil {
		return err
	}
	if flow.GrantType() == (connectorauth.DeviceCode{}).GrantType() {
		return w.device(ctx, flow)
	}
	options := consent.LoopbackOptions{RedirectURL: w.redirectURL, Out: safe{w.app.Err}, Service: w.d.Title, Pages: consent.Pages{Name: "connectorauth"}}
	if w.noBrowser {
		options.Open = func(string) error { return errNoBrowser }
	}
	if in := w.terminal(); in != nil {
		options.In = in
	}
	return consent.Loopback(ctx, tested{flow}, options)
}

// tested is the Flow of an account, whose failed test has a page of its own.
type tested struct{ *accounts.Flow }

// Finish implements consent.Flow.
func (t tested) Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error {
	err := t.Flow.Finish(ctx, pending, callback)
	var failed *definition.CheckError
	var token *connectorauth.TokenError
	switch {
	case errors.As(err, &token) || !errors.As(err, &failed): // consent knows what they mean
		return err
	case failed.Temporary():
		return testError{err, consent.ReasonProvider}
	}
	return testError{err, consent.ReasonUnusable}
}

// A testError is the error of a test with the reason for the page.
type testError struct {
	error
	reason consent.Reason
}

// Unwrap returns the error of the test.
func (e testError) Unwrap() error { return e.error }

// ConsentReason implements an optional method of the errors of consent.Flow.
func (e testError) ConsentReason() string { return string(e.reason) }

// errNoBrowser keeps Loopback from a browser; Loopback has printed the URL.
var errNoBrowser = fmt.Errorf("no browser, as --no-browser says")

// device prints where to type which code, and waits for the decision.
func (w *connecting) device(ctx context.Context, flow *accounts.Flow) error {
	prompt, pending, err := flow.BeginDevice(ctx)
	if err != nil {
		return err
	}
	w.app.Note("Open %s on any device, and type the code %s.", prompt.VerificationURI, prompt.UserCode)
	if prompt.VerificationURIComplete != "" {
		w.app.Note("Or open %s, and compare the code.", prompt.VerificationURIComplete)
	}
	w.app.Note("Waiting until %s ...", prompt.Expires.Local().Format("15:04"))
	return flow.FinishDevice(ctx, pending)
}

// safe writes the texts of package consent, in which a provider's words may be.
type safe struct{ w io.Writer }

// Write writes lines without control characters.
func (s safe) Write(p []byte) (int, error) {
	_, err := io.WriteString(s.w, show.Lines(string(p)))
	return len(p), err
}
