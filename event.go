package connectorauth

import (
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// An Event is something that happened to an account's token and that a platform
// may want to count, log or alert on. It never holds a secret.
type Event struct {
	Kind EventKind
	// Account is that of the connector's config.
	Account string
	// Err is why, for the kinds that are failures; else nil.
	Err error
	// Expiry is when the token concerned expires; zero if that is not known.
	Expiry time.Time
	// Duration is that of the token request, for the kinds that tell of one.
	Duration time.Duration
}

// EventKind tells events apart.
type EventKind int

// The kinds of events.
const (
	EventRenewed        EventKind = EventKind(renew.Renewed)    // a token request brought a new token
	EventRenewFailed    EventKind = EventKind(renew.Failed)     // a token request failed for now, or the store kept it from being made; it will be tried again
	EventReauthRequired EventKind = EventKind(renew.Died)       // a token request failed for good: the account owner must authorize again
	EventSaved          EventKind = EventKind(renew.Saved)      // the store has the new token
	EventSaveFailed     EventKind = EventKind(renew.SaveFailed) // the store did not take the new token, which is kept in memory and tried again
	EventAdopted        EventKind = EventKind(renew.Adopted)    // the store had a token that another connector or process put there
)

// String returns the kind in words, such as "renewed".
func (k EventKind) String() string {
	switch k {
	case EventRenewed:
		return "renewed"
	case EventRenewFailed:
		return "renewal failed"
	case EventReauthRequired:
		return "reauthorization required"
	case EventSaved:
		return "saved"
	case EventSaveFailed:
		return "save failed"
	case EventAdopted:
		return "adopted"
	}
	return fmt.Sprintf("EventKind(%d)", int(k))
}
