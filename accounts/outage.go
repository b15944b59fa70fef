package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// outage is an error of the program's own means: the Store, the Index, Config.Connection.
type outage struct{ error }

// Unwrap returns the error.
func (o outage) Unwrap() error { return o.error }

// ofStore returns an error of the Store as an outage. A value that can never be read is none.
func ofStore(err error) error {
	if err == nil || renew.IsDamaged(err) {
		return err
	}
	return outage{err}
}

// ofIndex returns an error of the Index as an outage.
func ofIndex(err error) error {
	if err == nil {
		return nil
	}
	return outage{fmt.Errorf("accounts: the index: %w", err)}
}

// mistake is an error of what this process has: no registration, no such definition, or not
// the revision. Another process, such as one of a newer version, may have more.
type mistake struct{ error }

// Unwrap returns the error.
func (m mistake) Unwrap() error { return m.error }

// ofProgram returns an error of Connect as a mistake, unless the account owner must give
// another value or consent, or an issuer has no metadata.
func ofProgram(err error) error {
	var input *definition.InputError
	if errors.As(err, &input) || errors.Is(err, connectorauth.ErrReauthRequired) || errors.As(err, new(*discovery.Error)) {
		return err
	}
	return mistake{err}
}

func isMistake(err error) bool {
	var own mistake
	return errors.As(err, &own)
}

// blameless reports whether an error says nothing about the account: an outage, a mistake of
// this process, the end of the program, no turn in time, or a provider that asks for a pause.
func blameless(err error) bool {
	var own outage
	var token *connectorauth.TokenError
	var check *definition.CheckError
	switch {
	case errors.As(err, &own), isMistake(err), errors.Is(err, connectorauth.ErrShutdown):
		return true
	case errors.Is(err, connectorauth.ErrReauthRequired):
		return false
	case errors.As(err, &token):
		return token.Temporary() && token.RetryAfter > 0
	case errors.As(err, &check):
		return false
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
