package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// errUnchanged: there is nothing to write.
var errUnchanged = errors.New("unchanged")

// happened hears what a connector tells. A change of the status goes into the Index, in a
// goroutine of its own because a renewal waits for happened.
func (r *Registry) happened(id string, number int, e connectorauth.Event) {
	if u, ok := r.cache.get(id); ok && u.number == number && changes(u.status, e) {
		r.note(u, e)
	}
	if r.config.Observe != nil {
		e.Account = id
		r.config.Observe(e)
	}
}

// note writes into the Index what has happened. What cannot be written, Test notices.
func (r *Registry) note(u used, e connectorauth.Event) {
	end, err := r.begin()
	if err != nil {
		return
	}
	go func() {
		defer end()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, _ = r.update(ctx, u.id, func(a *Account) error {
			if a.Current != u.number || !changes(a.Status, e) {
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
			if a.Due.IsZero() { // Sweep had given the account up
				a.Due = r.dueAgain(ctx, u)
			}
			return nil
		})
	}()
}

// dueAgain returns when a working account is due again.
func (r *Registry) dueAgain(ctx context.Context, u used) time.Time {
	var known connectorauth.Status
	if c, ok := u.connected.Credential().(credential); ok {
		var err error
		if known, err = c.Status(ctx); err != nil {
			return after(soon)
		}
	}
	return r.due(u.connected, known)
}

// changes reports whether an event may change a status.
func changes(s Status, e connectorauth.Event) bool {
	switch e.Kind {
	case connectorauth.EventReauthRequired:
		return s == StatusOK || s == StatusFailing
	case connectorauth.EventRenewFailed:
		return s == StatusOK && !blameless(e.Err)
	case connectorauth.EventRenewed, connectorauth.EventAdopted:
		return s == StatusFailing || s == StatusReauthRequired
	}
	return false
}
