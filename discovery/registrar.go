package discovery

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// RegistrarConfig describes a [Registrar].
type RegistrarConfig struct {
	// Finder makes the requests. Required.
	Finder *Finder
	// Store keeps the registrations, under keys that begin with "connectorauth-client-".
	// Processes with the same Store have one registration at each server. Required.
	Store connectorauth.SharedTokenStore
	// Keys seal what is in Store: see tokenstore.NewSealed. Required.
	Keys []tokenstore.Key
	// Request is what the client sends. RedirectURIs must be empty: a client is registered
	// for each redirect URL.
	Request RegistrationRequest
}

// A Registrar registers a program's client at each authorization server, once over all
// processes. A Registrar is safe for concurrent use.
type Registrar struct {
	finder  *Finder
	store   connectorauth.SharedTokenStore // which seals
	request RegistrationRequest
	flights flights[*Registration]
}

// NewRegistrar returns a Registrar. NewRegistrar makes no request.
func NewRegistrar(config RegistrarConfig) (*Registrar, error) {
	var problems check.List
	r := &Registrar{finder: config.Finder, request: config.Request}
	if config.Finder == nil {
		problems.Add("Finder: is nil")
	}
	if config.Store == nil {
		problems.Add("Store: is nil")
	} else if sealed, err := tokenstore.NewSealed(config.Store, config.Keys...); err != nil {
		problems.Field("Keys", err)
	} else {
		r.store = sealed.(connectorauth.SharedTokenStore)
	}
	if len(config.Request.RedirectURIs) > 0 {
		problems.Add("Request: RedirectURIs must be empty; the Registrar knows the redirect URL")
	}
	trial := config.Request
	trial.RedirectURIs = []string{"https://app.example/callback"}
	problems.Custom(trial.check())
	if err := problems.Err("RegistrarConfig"); err != nil {
		return nil, err
	}
	return r, nil
}

// recheck is when a server is asked about its client again.
const recheck = 24 * time.Hour

// Client returns the registration of the program at a server, for the start of a consent
// that comes back to redirectURL. If there is none, or the server has forgotten the client,
// or the secret has expired, Client registers a client, in one process of all. The others
// wait for the lock of the Store.
//
// A server that allows it (RFC 7592) is asked once a day whether the server still knows the
// client. If ctx ends, Client returns at once, and a registration that was begun is saved
// all the same.
func (r *Registrar) Client(ctx context.Context, s *Server, redirectURL string) (*Registration, error) {
	rec, _, err := r.load(ctx, s.Issuer, redirectURL)
	if err != nil {
		return nil, err
	}
	if rec.serves() && !rec.doubtful() {
		return rec.current, nil
	}
	return r.flights.do(ctx, keyOf(s.Issuer, redirectURL), func(ctx context.Context) (*Registration, error) {
		return r.renew(ctx, s, redirectURL, nil)
	})
}

// Replace registers a client anew, whatever is known of the present one: for a button that a
// person presses when the page of the server says that the client is unknown. The former
// registration still serves the accounts that were connected by it.
func (r *Registrar) Replace(ctx context.Context, s *Server, redirectURL string) (*Registration, error) {
	rec, _, err := r.load(ctx, s.Issuer, redirectURL)
	if err != nil {
		return nil, err
	}
	return r.flights.do(ctx, "replace "+keyOf(s.Issuer, redirectURL), func(ctx context.Context) (*Registration, error) {
		return r.renew(ctx, s, redirectURL, rec.current)
	})
}

// Kept returns a registration of the program that was made before, by its client ID, and
// registers nothing. An empty clientID means the present registration. Kept returns nil if
// there is none: so many others were made since that the registration is forgotten.
func (r *Registrar) Kept(ctx context.Context, issuer, redirectURL, clientID string) (*Registration, error) {
	rec, _, err := r.load(ctx, issuer, redirectURL)
	if err != nil {
		return nil, err
	}
	return rec.find(clientID), nil
}

// Refused notes that the token endpoint of a server has refused a client with
// invalid_client, so that the next [Registrar.Client] registers anew. Only the first call
// over all processes writes to the Store. A client that was replaced meanwhile is left
// alone.
func (r *Registrar) Refused(ctx context.Context, issuer, redirectURL, clientID string) error {
	return r.edit(ctx, issuer, redirectURL, func(rec *record) bool {
		if rec.current == nil || rec.current.ClientID != clientID || !rec.Refused.IsZero() {
			return false
		}
		rec.Refused = time.Now().Round(0)
		return true
	})
}

// renew registers a client under the lock of the store, unless the present registration
// serves and is not unwanted.
func (r *Registrar) renew(ctx context.Context, s *Server, redirectURL string, unwanted *Registration) (*Registration, error) {
	key := keyOf(s.Issuer, redirectURL)
	lease, err := r.store.Lock(ctx, key)
	if err != nil {
		return nil, inStore("lock", key, err)
	}
	defer lease.Unlock()
	rec, stored, err := r.load(ctx, s.Issuer, redirectURL)
	if err != nil {
		return nil, err
	}
	doubtful := rec.serves() && rec.doubtful()
	if doubtful {
		r.ask(ctx, rec)
	}
	if !rec.serves() || unwanted != nil && unwanted.ClientID == rec.current.ClientID {
		if err := lease.Check(ctx); err != nil {
			return nil, inStore("lock", key, err)
		}
		request := r.request
		request.RedirectURIs = []string{redirectURL}
		next, err := r.finder.Register(ctx, s, request)
		if err != nil {
			return nil, err
		}
		rec.replace(next)
	} else if !doubtful {
		return rec.current, nil // somebody else has registered
	}
	swapped, err := r.store.CompareAndSwap(context.WithoutCancel(ctx), key, stored, rec.encode())
	if err == nil && !swapped {
		err = errChanged
	}
	if err != nil {
		return nil, inStore("save", key, err)
	}
	return rec.current, nil
}

// ask asks the server whether the client is known. Only a clear no counts.
func (r *Registrar) ask(ctx context.Context, rec *record) {
	now, err := r.finder.Read(ctx, rec.current)
	rec.Checked = time.Now().Round(0)
	failed := new(Error)
	switch {
	case err == nil:
		rec.current = now
	case errors.As(err, &failed) && (failed.StatusCode == http.StatusUnauthorized || failed.StatusCode == http.StatusNotFound):
		rec.Refused = rec.Checked
	}
}

// keyOf returns the key of a record. An issuer is a word of a stranger.
func keyOf(issuer, redirectURL string) string {
	return "connectorauth-client-" + pending.Identity(issuer, redirectURL)
}
