package connectorauth

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// An Event is something that happened to an account's token, for a program to
// count, log or alert on. An Event contains no secret. EventRenewed,
// EventSaved and EventAdopted end an account's failure to renew. EventSaved ends a
// failure to save.
type Event struct {
	Kind EventKind
	// Account is the Account of the connector's config.
	Account string
	// Err is the reason of a failure. With EventRenewed and EventSaved, Err says what
	// of the token response could not be kept or read, such as an expiry. Otherwise nil.
	Err error
	// Expiry is when the token expires. Zero if unknown.
	Expiry time.Time
	// Duration is the time that the token request took; 0 for kinds without a token
	// request.
	Duration time.Duration
}

// LogValue returns the event for log/slog: a group of kind, account, error, expiry and
// duration, without those that are empty. The values of a kind are those of EventKind.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind))}
	if e.Account != "" {
		attrs = append(attrs, slog.String("account", e.Account))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	if !e.Expiry.IsZero() {
		attrs = append(attrs, slog.Time("expiry", e.Expiry))
	}
	if e.Duration != 0 {
		attrs = append(attrs, slog.Duration("duration", e.Duration))
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON returns the members that LogValue logs. The error is its text, and the
// duration is spelled as by time.Duration. So package json cannot read an Event back.
func (e Event) MarshalJSON() ([]byte, error) {
	var duration string
	if e.Duration != 0 {
		duration = e.Duration.String()
	}
	return json.Marshal(struct {
		Kind     EventKind `json:"kind"`
		Account  string    `json:"account,omitempty"`
		Error    string    `json:"error,omitempty"`
		Expiry   time.Time `json:"expiry,omitzero"`
		Duration string    `json:"duration,omitempty"`
	}{e.Kind, e.Account, textOf(e.Err), e.Expiry, duration})
}

// textOf returns the text of err, or "" for nil.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// EventKind is the kind of an Event, as logs and JSON write the kind.
type EventKind string

// The kinds of events.
const (
	EventRenewing       EventKind = renew.Renewing       // a token request begins
	EventRenewed        EventKind = renew.Renewed        // a token request of the connector brought a new token; a consent tells EventSaved alone or, without a Store, EventRenewed if there is an Err
	EventRenewFailed    EventKind = renew.Failed         // a token request failed for now, or the store prevented the request; a later attempt follows
	EventReauthRequired EventKind = renew.ReauthRequired // the account owner must authorize: a token request failed for good, or there is no token yet and Err matches ErrNotConnected
	EventSaved          EventKind = renew.Saved          // the store has the new token
	EventSaveFailed     EventKind = renew.SaveFailed     // the store did not take the new token; the token stays in memory, and saving is tried again
	EventAdopted        EventKind = renew.Adopted        // the store had a token that another connector or process put there
)

// newEvent returns what a program is told about e. expiry is that of the token
// concerned.
func newEvent[T any](e renew.Event[T], account string, expiry time.Time) Event {
	return Event{Kind: EventKind(e.Happened), Account: account, Err: e.Err, Expiry: expiry.Round(0), Duration: e.Took}
}
