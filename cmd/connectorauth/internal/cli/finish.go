package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/choose"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
)

// finish connects the account, leads through its consent, and shows the account. An account
// that does not work, or whose owner does not consent, leaves nothing.
func (w *connecting) finish(ctx context.Context, q accounts.Request, p local.Program, former accounts.Account) error {
	a, err := w.alone(ctx, q, p, former)
	if err != nil {
		return err
	}
	return w.app.Print(viewed(a), func(out io.Writer) {
		fmt.Fprintf(out, "Connected %s: %s.\n", show.Line(choose.Named(a)), status(out, a.Status))
	})
}

// alone is finish without the end: no other process connects or disconnects the account meanwhile.
// A terminal may take the words at the end hours later.
func (w *connecting) alone(ctx context.Context, q accounts.Request, p local.Program, former accounts.Account) (a accounts.Account, err error) {
	done, err := w.reserve(ctx, &q, former)
	if err != nil {
		return a, err
	}
	defer done()
	defer w.settle(ctx, cmp.Or(former.ID, q.ID))
	if a, err = w.begin(ctx, q, p, former); err != nil {
		return a, w.explain(err)
	}
	if a.Status != accounts.StatusConnecting && a.Pending == 0 {
		return a, nil
	}
	if err := w.consent(ctx, a.ID); err != nil {
		if former.ID == "" {
			w.forget(ctx, a.ID)
		}
		return a, w.explain(err)
	}
	return w.mine.Get(ctx, a.ID)
}

// reserve keeps other processes from the account. Without a name, a new account gets the first
// number that is free.
func (w *connecting) reserve(ctx context.Context, q *accounts.Request, former accounts.Account) (done func(), err error) {
	if former.ID != "" {
		return w.lock(ctx, former.ID, false)
	}
	for number := 1; ; number++ {
		if w.name == "" {
			q.ID = fmt.Sprintf("%s-%d", w.d.Name, number)
		}
		free, err := w.free(ctx, q.ID)
		if err != nil {
			return nil, err
		}
		if free { // unless another process is connecting the account
			if done, err = w.lock(ctx, q.ID, true); done != nil || err != nil {
				return done, err
			}
		}
		if w.name != "" {
			return nil, exit.With(exit.Usage, fmt.Errorf("--name: there is an account %q already", w.name))
		}
	}
}

// lock keeps other processes from the account id. While lock waited, the account may have come
// or gone: done is nil if a new account has come.
func (w *connecting) lock(ctx context.Context, id string, fresh bool) (done func(), err error) {
	if done, err = w.mine.Change(ctx, id); err != nil {
		return nil, err
	}
	free, err := w.free(ctx, id)
	if err == nil && free == fresh {
		return done, nil
	}
	done()
	if err == nil && !fresh {
		err = fmt.Errorf("the account %s has just been disconnected", id)
	}
	return nil, err
}

// free reports whether there is no account with the ID.
func (w *connecting) free(ctx context.Context, id string) (bool, error) {
	_, err := w.mine.Get(ctx, id)
	if errors.Is(err, accounts.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// begin keeps the Program of the account and connects the account.
func (w *connecting) begin(ctx context.Context, q accounts.Request, p local.Program, former accounts.Account) (a accounts.Account, err error) {
	defer w.app.Progress("Asking %s whether the account works", w.d.Name)()
	if former.ID != "" {
		return w.beginAgain(ctx, q, p, former.ID)
	}
	if err := w.mine.SetProgram(ctx, q.ID, p); err != nil {
		return a, err
	}
	if a, err = w.mine.Connect(ctx, q); err != nil {
		w.mine.SetProgram(context.WithoutCancel(ctx), q.ID, local.Program{})
	}
	return a, err
}

// beginAgain connects an account again. The Program is that of the new generation alone until
// the new generation is in use: a consent takes minutes, and meanwhile the account goes on.
func (w *connecting) beginAgain(ctx context.Context, q accounts.Request, p local.Program, id string) (accounts.Account, error) {
	before, err := w.mine.Get(ctx, id)
	if err != nil {
		return before, err
	}
	number := before.Last + 1
	if err := w.mine.SetNext(ctx, id, number, p); err != nil {
		return before, err
	}
	a, err := w.mine.Reconnect(ctx, id, q)
	if err == nil && cmp.Or(a.Pending, a.Current) != number {
		err = accounts.ErrSuperseded // by a page of serve, which takes no lock
	}
	return a, err
}

// settle keeps the Program of the generation in use, and forgets that of a new credential that
// was not taken. Nothing is kept of an account that has ended: a page of serve, which waits for no
// consent, leaves the Program to the command that has the lock.
func (w *connecting) settle(ctx context.Context, id string) {
	ctx = context.WithoutCancel(ctx)
	p, err := w.mine.Program(ctx, id)
	if free, getErr := w.free(ctx, id); getErr == nil && free {
		p, err = local.Program{}, nil
	}
	if err == nil {
		w.mine.SetProgram(ctx, id, p)
	}
}

// forget removes an account without a consent. The Program is a matter of settle.
func (w *connecting) forget(ctx context.Context, id string) {
	ctx = context.WithoutCancel(ctx)
	if _, err := w.mine.Disconnect(ctx, id); err != nil {
		w.app.Note("The account %s is left: run connectorauth disconnect %[1]s. %v", id, err)
	}
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
