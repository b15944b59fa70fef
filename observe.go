package connectorauth

import (
	"cmp"
	"log/slog"
	"slices"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// LogEvents returns a function for the Observe field of configs that logs each event, with
// the attributes of Event.LogValue and the context of Event.Context. A nil logger means
// slog.Default() at the time of the event. The level says what an operator has to do:
//   - Error: act. EventReauthRequired: the account owner must be asked to authorize.
//     EventSaveFailed: the store does not take a token, which would be lost with the process.
//     EventRenewFailed, if the provider refuses the program's own registration, as with a
//     wrong client secret.
//   - Warn: look, if the event comes again and again. Any other EventRenewFailed, and a
//     token of which something could not be kept or read.
//   - Info: nothing. EventRenewed and EventAdopted, and what a Shutdown prevents.
//   - Debug: nothing, and the event follows another, or another follows. EventRenewing and
//     EventSaved.
func LogEvents(logger *slog.Logger) func(Event) {
	return func(e Event) {
		cmp.Or(logger, slog.Default()).LogAttrs(e.Context(), e.level(), e.message(), e.LogValue().Group()...)
	}
}

// refusedClient are the causes that only the operator of the program can end.
var refusedClient = []string{"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

// level returns the level for LogEvents.
func (e Event) level() slog.Level {
	switch e.Kind {
	case EventReauthRequired, EventSaveFailed:
		return slog.LevelError
	case EventRenewFailed:
		switch {
		case slices.Contains(refusedClient, e.Cause):
			return slog.LevelError
		case e.Cause == renew.CauseShutdown:
			return slog.LevelInfo
		}
		return slog.LevelWarn
	}
	switch {
	case e.Err != nil:
		return slog.LevelWarn
	case e.Kind == EventRenewing, e.Kind == EventSaved:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// message returns the message for LogEvents.
func (e Event) message() string {
	switch e.Kind {
	case EventRenewing:
		return "connectorauth: a token is being renewed"
	case EventRenewed:
		return "connectorauth: a token was renewed"
	case EventRenewFailed:
		return "connectorauth: a token was not renewed"
	case EventReauthRequired:
		return "connectorauth: the account owner must authorize"
	case EventSaved:
		return "connectorauth: a token was saved"
	case EventSaveFailed:
		return "connectorauth: a token was not saved"
	case EventAdopted:
		return "connectorauth: a token was found in the store"
	}
	return "connectorauth: " + string(e.Kind)
}
