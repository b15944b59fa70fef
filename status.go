package connectorauth

import (
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// A Status is what is known of an account. A Status contains no secret.
type Status struct {
	// State says whether requests work.
	State State
	// Expiry is when the access token, or the credential, expires. Zero if unknown.
	Expiry time.Time
	// ReauthBy is when the refresh token, or the session of OAuth1, expires, so
	// the account owner must have authorized again by then. Each renewal may move
	// ReauthBy. Where no response tells, OAuth2Config.RefreshLifetime and RefreshIdle do.
	// Zero if unknown.
	ReauthBy time.Time
	// Granted are the scopes that the provider granted. nil if unknown.
	Granted []string
	// Missing are the scopes of the config that were not granted. nil if there are
	// none, or Granted is unknown.
	Missing []string
	// LastError is why the last renewal failed, or why no token request is made now.
	// nil if there is no reason.
	LastError error
	// Since is when the account came into the state StateReauthRequired, or when a
	// token request began whose response was lost. Zero if unknown.
	Since time.Time
	// NotBefore is when the next token request is made at the earliest, by itself.
	// Zero means that nothing delays the token request.
	NotBefore time.Time
}

// statusJSON is the JSON form of a Status.
type statusJSON struct {
	State     State     `json:"state"`
	Expiry    time.Time `json:"expiry,omitzero"`
	ReauthBy  time.Time `json:"reauthBy,omitzero"`
	Granted   []string  `json:"granted,omitempty"`
	Missing   []string  `json:"missing,omitempty"`
	LastError string    `json:"lastError,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	NotBefore time.Time `json:"notBefore,omitzero"`
}

// MarshalJSON returns the fields in lower camel case, without those that are empty.
// LastError is the text of the error. So package json cannot read a Status with a
// LastError back: a program that reads the JSON has a type of its own.
func (s Status) MarshalJSON() ([]byte, error) {
	return json.Marshal(statusJSON{s.State, s.Expiry, s.ReauthBy, s.Granted, s.Missing, textOf(s.LastError), s.Since, s.NotBefore})
}

// LogValue returns the status for log/slog: a group with the names of MarshalJSON,
// without the fields that are empty.
func (s Status) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("state", string(s.State))}
	times := func(name string, t time.Time) {
		if !t.IsZero() {
			attrs = append(attrs, slog.Time(name, t))
		}
	}
	times("expiry", s.Expiry)
	times("reauthBy", s.ReauthBy)
	if s.Granted != nil {
		attrs = append(attrs, slog.Any("granted", s.Granted))
	}
	if s.Missing != nil {
		attrs = append(attrs, slog.Any("missing", s.Missing))
	}
	if s.LastError != nil {
		attrs = append(attrs, slog.String("lastError", s.LastError.Error()))
	}
	times("since", s.Since)
	times("notBefore", s.NotBefore)
	return slog.GroupValue(attrs...)
}

// State tells whether the requests of an account work, in the words of logs and
// JSON.
type State string

// The states of an account.
const (
	StateOK             State = "ok"              // there is a token, or the first request obtains one
	StateFailing        State = "failing"         // the last renewal failed for now, or its token could not be saved so far; requests work while the token is valid
	StateReauthRequired State = "reauth_required" // the account owner must authorize again
	StateNotConnected   State = "not_connected"   // the account owner has not authorized so far, or the token was removed
)

// statusOf returns the part of a Status that is the same for all kinds of
// credentials.
func statusOf[T any](k renew.Known[T]) Status {
	status := Status{State: StateOK, LastError: k.Err, Since: k.Since, NotBefore: k.NotBefore}
	switch {
	case k.Dead && k.Value == nil && errors.Is(k.Err, ErrNotConnected):
		status.State = StateNotConnected // a request has asked before the first consent
	case k.Dead || !k.InDoubt && errors.Is(k.Err, ErrReauthRequired) && !errors.Is(k.Err, ErrNotConnected):
		status.State = StateReauthRequired // perhaps until the next attempt
	case k.Err != nil || k.InDoubt:
		status.State = StateFailing
	case k.Value == nil:
		status.State = StateNotConnected
	}
	return status
}
