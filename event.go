package connectorauth

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// An Event is something that happened to an account's token, for a program to
// count, log or alert on: see [LogEvents]. An Event contains no secret.
// EventRenewed, EventSaved and EventAdopted end an account's failure to renew.
// EventSaved ends a failure to save.
type Event struct {
	Kind EventKind
	// Service is the name of the service, as of its definition. Empty for a connector
	// that was made without a definition; a program may fill in Service before passing
	// the Event on.
	Service string
	// Endpoint is the host of the token requests, with the port if the URL has one.
	// Empty if there is none, or none is known. Where a host names a tenant, Endpoint names
	// the tenant too.
	Endpoint string
	// Account is the Account of the connector's config.
	Account string
	// Err is the reason of a failure. With EventRenewed and EventSaved, Err says what
	// of the token response could not be kept or read, such as an expiry. Otherwise nil.
	Err error
	// Cause is Err in one word, for metrics and alerts. Empty without an Err. The words
	// are few, and none comes from a provider or an account:
	//   - the error codes of RFC 6749 section 5.2 and of its extensions; "invalid_grant" also
	//     stands for the codes that a dialect says to mean the same
	//   - a status from "300" to "599", of a response without such a code
	//   - "response": the response could not be read, or not wholly
	//   - "timeout" and "network": there was no response in time, or no connection
	//   - "store": the store failed, so nothing was sent or saved
	//   - "queue": too many token requests to the Endpoint were under way
	//   - "shutdown": see Shared.Shutdown
	//   - "not_connected", "no_refresh_token", "in_doubt" (a response was lost, and the refresh
	//     token with the response) and "reauth_required" (any other reason): the account owner
	//     must authorize
	//   - "other"
	Cause string
	// Expiry is when the token expires. Zero if unknown.
	Expiry time.Time
	// Duration is the time that the token request took; 0 for kinds without a token
	// request.
	Duration time.Duration
	// Waited is the time from the beginning of the renewal to the token request, or to the
	// event if there is no token request: the store, its lock, and the queue of the
	// Endpoint. 0 for an event without a renewal, as after a consent.
	Waited time.Duration
	// Background: no request waited for the token when the renewal began.
	Background bool

	ctx func() context.Context // a function, so that no printer finds the values
}

// Context returns the context of the request that began the renewal, or of the call, such
// as Finish: with all values, such as the span of a trace, and without a deadline or a
// cancellation. Context returns context.Background() if the event has no such request.
func (e Event) Context() context.Context {
	if e.ctx == nil {
		return context.Background()
	}
	return e.ctx()
}

// LogValue returns the event for log/slog: a group of kind, service, endpoint, account,
// cause, error, expiry, duration, waited and background, without those that are empty. The
// values of a kind are those of EventKind.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", string(e.Kind))}
	for _, text := range []slog.Attr{
		slog.String("service", e.Service), slog.String("endpoint", e.Endpoint), slog.String("account", e.Account),
		slog.String("cause", e.Cause), slog.String("error", textOf(e.Err)),
	} {
		if text.Value.String() != "" {
			attrs = append(attrs, text)
		}
	}
	if !e.Expiry.IsZero() {
		attrs = append(attrs, slog.Time("expiry", e.Expiry))
	}
	if e.Duration != 0 {
		attrs = append(attrs, slog.Duration("duration", e.Duration))
	}
	if e.Waited != 0 {
		attrs = append(attrs, slog.Duration("waited", e.Waited))
	}
	if e.Background {
		attrs = append(attrs, slog.Bool("background", true))
	}
	return slog.GroupValue(attrs...)
}

// MarshalJSON returns the members that LogValue logs. The error is its text, and
// durations are spelled as by time.Duration. So package json cannot read an Event back.
func (e Event) MarshalJSON() ([]byte, error) {
	spelled := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return d.String()
	}
	return json.Marshal(struct {
		Kind       EventKind `json:"kind"`
		Service    string    `json:"service,omitempty"`
		Endpoint   string    `json:"endpoint,omitempty"`
		Account    string    `json:"account,omitempty"`
		Cause      string    `json:"cause,omitempty"`
		Error      string    `json:"error,omitempty"`
		Expiry     time.Time `json:"expiry,omitzero"`
		Duration   string    `json:"duration,omitempty"`
		Waited     string    `json:"waited,omitempty"`
		Background bool      `json:"background,omitempty"`
	}{e.Kind, e.Service, e.Endpoint, e.Account, e.Cause, textOf(e.Err), e.Expiry, spelled(e.Duration), spelled(e.Waited), e.Background})
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

// newEvent returns what a program is told about e. at is where token requests go, and
// expiry is that of the token concerned.
func newEvent[T any](e renew.Event[T], account string, at renew.Endpoint, expiry time.Time) Event {
	event := Event{
		Kind: EventKind(e.Happened), Endpoint: hostOf(at.URL), Account: account, Err: e.Err, Cause: cmp.Or(e.Cause, causeOf(e.Err)),
		Expiry: expiry.Round(0), Duration: e.Took, Waited: e.Waited, Background: e.Background,
	}
	if e.Err != nil && (e.Happened == renew.Renewed || e.Happened == renew.Saved) {
		event.Cause = causeResponse
	}
	if e.Context != nil {
		event.ctx = func() context.Context { return e.Context }
	}
	return event
}

// hostOf returns the host of an endpoint in lower case, or "".
func hostOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
