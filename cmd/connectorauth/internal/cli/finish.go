package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
)

// finish connects the account, leads through its consent, and shows the account. An account
// that does not work, or whose owner does not consent, leaves nothing.
func (w *connecting) finish(ctx context.Context, q accounts.Request, p local.Program, former accounts.Account) error {
	a, err := w.begin(ctx, q, p, former)
	if err != nil {
		w.restore(ctx, former.ID)
		return w.explain(err)
	}
	if a.Status == accounts.StatusConnecting || a.Pending != 0 {
		if err := w.consent(ctx, a.ID); err != nil {
			if former.ID == "" {
				w.forget(ctx, a.ID)
			}
			w.restore(ctx, former.ID)
			return w.explain(err)
		}
		if a, err = w.mine.Get(ctx, a.ID); err != nil {
			return err
		}
	}
	return w.app.Print(viewed(a), func(out io.Writer) {
		fmt.Fprintf(out, "Connected %s: %s.\n", show.Line(named(a)), status(out, a.Status))
	})
}

// begin keeps the Program of the account and connects the account. Without a name, the account
// gets the first number that is free.
func (w *connecting) begin(ctx context.Context, q accounts.Request, p local.Program, former accounts.Account) (a accounts.Account, err error) {
	defer w.app.Progress("Asking %s whether the account works", w.d.Name)()
	if former.ID != "" {
		if err := w.mine.SetProgram(ctx, former.ID, p); err != nil {
			return a, err
		}
		return w.mine.Reconnect(ctx, former.ID, q)
	}
	for number := 1; ; number++ {
		if w.name == "" {
			q.ID = fmt.Sprintf("%s-%d", w.d.Name, number)
		}
		if _, err := w.mine.Get(ctx, q.ID); err == nil {
			if w.name == "" {
				continue
			}
			return a, exit.With(exit.Usage, fmt.Errorf("--name: there is an account %q already", w.name))
		} else if !errors.Is(err, accounts.ErrNotFound) {
			return a, err
		}
		if err := w.mine.SetProgram(ctx, q.ID, p); err != nil {
			return a, err
		}
		a, err = w.mine.Connect(ctx, q)
		if errors.Is(err, accounts.ErrExists) && w.name == "" {
			continue // another process was faster
		}
		if err != nil {
			w.mine.SetProgram(context.WithoutCancel(ctx), q.ID, local.Program{})
		}
		return a, err
	}
}

// restore keeps the former Program of an account whose new credential was not taken. An empty id
// is that of a new account, which has none.
func (w *connecting) restore(ctx context.Context, id string) {
	if id != "" {
		w.mine.SetProgram(context.WithoutCancel(ctx), id, w.before)
	}
}

// forget removes an account without a consent.
func (w *connecting) forget(ctx context.Context, id string) {
	ctx = context.WithoutCancel(ctx)
	if _, err := w.mine.Disconnect(ctx, id); err != nil {
		w.app.Note("The account %s is left: run connectorauth disconnect %[1]s. %v", id, err)
		return
	}
	w.mine.SetProgram(ctx, id, local.Program{})
}

// explain adds to an error what a person at a command line can do.
func (w *connecting) explain(err error) error {
	var wrong *definition.InputError
	var twice *accounts.DuplicateError
	var ended *consent.Error
	var token *connectorauth.TokenError
	errors.As(err, &token)
	if errors.As(err, &ended) && ended.Unwrap() != nil {
		err = exit.With(exit.Of(err), ended.Unwrap()) // the reason is for the page
	}
	switch {
	case ended != nil && ended.Reason == consent.ReasonDenied, token != nil && token.Code == "access_denied":
		text := "the account owner did not allow access"
		if token != nil {
			text += " (" + token.Code + ")"
		}
		return exit.With(exit.Failed, errors.New(text))
	case token != nil && token.Code == "invalid_client":
		return exit.With(exit.Of(err), fmt.Errorf("%w; check the client ID and the client secret", err))
	case errors.As(err, &wrong):
		return exit.With(exit.Usage, err)
	case errors.As(err, &twice):
		return exit.With(exit.Usage, fmt.Errorf("this is the account %s, which is connected already: run connectorauth connect --again %[1]s", twice.ID))
	}
	return err
}
