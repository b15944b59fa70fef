// Package exit gives each kind of failure of the program connectorauth an exit code. Scripts
// tell failures apart by the code, and people by the text.
package exit

import (
	"context"
	"errors"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/egress"
)

// A Code is what the program tells its caller at the end.
type Code int

// The codes. A script may rely on the numbers.
const (
	OK          Code = 0   // done
	Failed      Code = 1   // any other failure, such as a service that does not respond
	Usage       Code = 2   // the command line is wrong, or an answer to a question is missing
	Client      Code = 4   // call: the status of the response is 400 to 499
	Server      Code = 5   // call: the status of the response is 500 to 599
	Refused     Code = 6   // connectorauth has refused the request and sent nothing
	Reauth      Code = 7   // the account owner must connect the account again
	Findings    Code = 8   // check: the definition has mistakes, or there is advice; import: the document has mistakes, or says too little
	Interrupted Code = 130 // Ctrl+C, SIGTERM or SIGHUP, with the number that shells give to SIGINT
)

// Table describes the codes for the help of the program, in the order of the codes.
const Table = `  0    done
  1    any other failure, such as a service that does not respond
  2    the command line is wrong, or the answer to a question is missing
  4    call: the response has a status of 400 to 499
  5    call: the response has a status of 500 to 599
  6    refused by connectorauth: nothing was sent, such as to a host of another service
  7    the account must be connected again: connectorauth connect --again ACCOUNT
  8    check: the definition has mistakes, or there is advice; import: the document has mistakes, or says too little
  130  interrupted by Ctrl+C, SIGTERM or SIGHUP`

// An Error is a failure whose Code is known where the failure happened.
type Error struct {
	Code Code
	Err  error // what the person reads; nil means that everything was said before
}

// Error returns the text of Err.
func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// With returns err with a Code. A nil err stays nil.
func With(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &Error{code, err}
}

// Silently returns an error that has nothing more to say than the Code.
func Silently(code Code) error { return &Error{Code: code} }

// Of returns the Code of err, and OK for nil.
func Of(err error) Code {
	var known *Error
	var private *egress.Error
	switch {
	case err == nil:
		return OK
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &known):
		return known.Code
	case errors.Is(err, connectorauth.ErrReauthRequired), errors.Is(err, connectorauth.ErrNotConnected):
		return Reauth
	case errors.Is(err, connectorauth.ErrHostNotAllowed), errors.Is(err, connectorauth.ErrBodyNotInjectable), errors.As(err, &private):
		return Refused
	}
	return Failed
}
