package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
)

// openAccount reads the account, its values and its definition.
func (x *examination) openAccount(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, accountMax)
	defer cancel()
	begin := time.Now()
	err := x.open(ctx)
	s := Step{Name: "account", Outcome: OK, Duration: time.Since(begin)}
	a := x.account
	x.report.Definition, x.report.Method = a.Definition, a.Method
	if x.d != nil {
		x.report.document = documentOf(x.d, x.mask)
	}
	if err == nil {
		s.Detail = fmt.Sprintf("%s by %s, connected %s, %s since %s", a.Definition, a.Method, day(a.Created), a.Status, day(a.Since))
		if a.Status == accounts.StatusFailing || a.Status == accounts.StatusReauthRequired {
			s.Outcome, s.Detail = Warning, s.Detail+": "+a.Error
		}
		x.step(s)
		return true
	}
	s.Outcome, s.Detail = Fault, err.Error()
	s.Cause, s.advice = x.ofAccount(err)
	x.step(s)
	return false
}

func (x *examination) open(ctx context.Context) (err error) {
	if x.account, err = x.registry.Get(ctx, x.config.ID); err != nil {
		return err
	}
	x.set = x.config.Accounts.Definitions()
	x.given, err = x.registry.Given(ctx, x.config.ID)
	if err != nil {
		return err
	}
	for _, secret := range x.given.Secrets {
		x.mask.add(string(secret))
	}
	stored := x.given
	if stored.Definition == "" {
		stored = definition.Account{Definition: x.account.Definition, Method: x.account.Method}
	}
	if x.d, err = x.set.Find(stored); err != nil {
		return unknownDefinition{err}
	}
	for i := range x.d.Methods {
		if m := &x.d.Methods[i]; m.Name == x.account.Method {
			x.m = m
		}
	}
	x.connected, err = x.registry.Connected(ctx, x.config.ID)
	x.mask.add(string(x.added().Client.Secret))
	for name, value := range x.added().Values {
		if x.isSecret(name) {
			x.mask.add(string(value))
		}
	}
	return err
}

// An unknownDefinition is an error of the definitions of this program.
type unknownDefinition struct{ error }

// isSecret reports whether an input is a secret.
func (x *examination) isSecret(name string) bool {
	lists := [][]definition.Input{x.d.Inputs}
	if x.m != nil {
		lists = append(lists, x.m.Inputs)
	}
	for _, inputs := range lists {
		for _, i := range inputs {
			if i.Name == name {
				return i.Secret
			}
		}
	}
	return true // of which nothing is known
}

// ofAccount returns why an account cannot be opened, and what to do.
func (x *examination) ofAccount(err error) (Cause, string) {
	if cause, advice := ofStored(err); cause != "" {
		return cause, advice
	}
	var input *definition.InputError
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return CauseUnknown, "Connect the account first, because there is no account with the ID " + x.config.ID
	case errors.Is(err, accounts.ErrDisconnected):
		return CauseDisconnected, "Disconnect the account once more to finish, and connect a new one, because this account is being disconnected"
	case errors.Is(err, accounts.ErrConnecting):
		return CauseNotConnected, "Finish the consent of the account, or connect the account again, because the account owner has not authorized so far"
	case errors.As(err, &input):
		return CauseInput, "Connect the account again with all values, because the definition wants a value that the account lacks or that is not allowed"
	case errors.Is(err, connectorauth.ErrReauthRequired):
		return CauseReauthRequired, "Connect the account again, because the store has lost what the account owner gave"
	case errors.Is(err, context.DeadlineExceeded):
		return CauseStore, "Look at the store and the index, which do not answer"
	case errors.As(err, new(unknownDefinition)), x.d != nil && x.m == nil:
		return CauseDefinition, "Add the definition of the service, or a newer one, because this program cannot read the account with the definitions that it has"
	}
	return CauseStore, "Mend what the step account names, because the account cannot be opened"
}

// day returns a time for people.
func day(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
