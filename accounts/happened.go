package accounts

import (
	"context"
	"errors"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// errUnchanged: there is nothing to write.
var errUnchanged = errors.New("unchanged")

// happened hears what a connector tells. A change of the status goes into the Index, in a
// goroutine of its own because a renewal waits for happened.
func (r *Registry) happened(a Account, number int, e connectorauth.Event) {
	if u, ok := r.cache.get(a.ID); ok && u.is(a.Created, number) && changes(u.status, e) {
		r.note(a, number, e)
	}
	if r.config.Observe != nil {
		e.Account = a.ID
		r.config.Observe(e)
	}
}

// note writes into the Index what has happened. What cannot be written, Test notices.
func (r *Registry) note(of Account, number int, e connectorauth.Event) {
	end, err := r.begin()
	if err != nil {
		return
	}
	go func() {
		defer end()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, _ = r.update(ctx, of.ID, func(a *Account) error {
			if !a.Created.Equal(of.Created) || a.Current != number || !changes(a.Status, e) {
				return errUnchanged
			}
			if e.Kind == connectorauth.EventReauthRequired || e.Kind == connectorauth.EventRenewFailed {
				a.fail(e.Err)
				return nil
			}
			if a.Reason != definition.ReasonRefused && a.Reason != definition.ReasonUnavailable {
				return errUnchanged // a token is no right
			}
			a.become(StatusOK, "", "")
			return nil
		})
	}()
}

// changes reports whether an event may change a status.
func changes(s Status, e connectorauth.Event) bool {
	switch e.Kind {
	case connectorauth.EventReauthRequired:
		return s == StatusOK || s == StatusFailing
	case connectorauth.EventRenewFailed:
		return s == StatusOK && !blameless(e.Err)
	case connectorauth.EventRenewed, connectorauth.EventAdopted:
		return s == StatusFailing || s == StatusReauth
	}
	return false
}
