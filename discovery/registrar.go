package discovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/records"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// RegistrarConfig describes a [Registrar].
type RegistrarConfig struct {
	// Finder makes the requests. Required.
	Finder *Finder
	// Store keeps the registrations, under keys that begin with "connectorauth-client-", and
	// lists of these keys, under at most 256 keys that begin with "connectorauth-clients-".
	// Processes with the same Store have one registration at each server. Required.
	Store connectorauth.SharedTokenStore
	// Keys seal the registrations: see tokenstore.NewSealed, and Reseal for the replacement of
	// a key. With the Store of an accounts.Registry, the Keys must be those of the Registry, and
	// change in the same steps. Required.
	Keys []tokenstore.Key
	// Request is what the client sends. RedirectURIs must be empty: a client is registered
	// for each redirect URL, with its port, so a program on loopback should have one port.
	// InitialAccessToken must be empty: see InitialAccessTokens. A change of Request
	// concerns later registrations, and [Registrar.Update].
	Request RegistrationRequest
	// InitialAccessTokens allow registrations at servers that ask for a token, by the issuer
	// identifier. No other server sees the token. Empty means none.
	InitialAccessTokens map[string]connectorauth.Secret
}

// A Registrar registers a program's client at each authorization server, once over all
// processes. A Registrar is safe for concurrent use.
type Registrar struct {
	finder  *Finder
	store   connectorauth.SharedTokenStore // which seals
	lists   connectorauth.SharedTokenStore // the same store, without the seal
	listed  sync.Map                       // the keys of records that are in their list
	request RegistrationRequest
	tokens  map[string]connectorauth.Secret // by issuer
	flights flights[*Registration]
}

// NewRegistrar returns a Registrar. NewRegistrar makes no request.
func NewRegistrar(config RegistrarConfig) (*Registrar, error) {
	var problems check.List
	r := &Registrar{finder: config.Finder, lists: config.Store, request: config.Request, tokens: maps.Clone(config.InitialAccessTokens)}
	if config.Finder == nil {
		problems.Add("Finder: is nil; New makes a Finder")
	}
	if check.IsNil(config.Store) {
		problems.Add("Store: is nil; give a store of package tokenstore")
	} else if sealed, err := tokenstore.NewSealed(config.Store, config.Keys...); err != nil {
		problems.Field("Keys", err)
	} else {
		r.store = sealed.(connectorauth.SharedTokenStore)
	}
	if len(config.Request.RedirectURIs) > 0 {
		problems.Add("Request: RedirectURIs must be empty; the Registrar knows the redirect URL")
	}
	if config.Request.InitialAccessToken != "" {
		problems.Add("Request: InitialAccessToken must be empty; give InitialAccessTokens, each for one issuer")
	}
	for _, issuer := range slices.Sorted(maps.Keys(config.InitialAccessTokens)) {
		_, err := parseIssuer(issuer)
		problems.Field(fmt.Sprintf("InitialAccessTokens[%q]", issuer), errors.Join(err, check.Printable(string(config.InitialAccessTokens[issuer]))))
	}
	trial := config.Request
	trial.RedirectURIs = []string{"https://app.example/callback"}
	problems.Custom(trial.check())
	if err := problems.Err("RegistrarConfig"); err != nil {
		return nil, err
	}
	return r, nil
}

const (
	recheck = 24 * time.Hour   // a server is asked about its client again
	saving  = 15 * time.Second // bounds what must be saved although the caller has left
)

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

// Update changes the present registration to what the Request says now (RFC 7592 section
// 2.2). The client authentication stays as it is.
func (r *Registrar) Update(ctx context.Context, s *Server, redirectURL string) (*Registration, error) {
	return r.flights.do(ctx, "update "+keyOf(s.Issuer, redirectURL), func(ctx context.Context) (*Registration, error) {
		return r.locked(ctx, s.Issuer, redirectURL, func(rec *record, _ connectorauth.Lease) (changed bool, err error) {
			if rec.current == nil {
				return false, errors.New("connectorauth: discovery: there is no registration to change")
			}
			m := r.request.ClientMetadata
			m.RedirectURIs, m.TokenEndpointAuthMethod = []string{redirectURL}, rec.current.TokenEndpointAuthMethod
			if m, err = m.withDefaults(s); err == nil {
				var next *Registration
				if next, err = r.finder.Update(ctx, rec.current, m); err == nil {
					rec.current = next
				}
			}
			return err == nil, err
		})
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
// invalid_client, so the next [Registrar.Client] registers anew. Only the first call
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
	return r.locked(ctx, s.Issuer, redirectURL, func(rec *record, lease connectorauth.Lease) (changed bool, err error) {
		if rec.serves() && rec.doubtful() {
			r.ask(ctx, rec)
			changed = true
		}
		if rec.serves() && (unwanted == nil || unwanted.ClientID != rec.current.ClientID) {
			return changed, nil
		}
		if err := lease.Check(ctx); err != nil {
			return false, inStore("lock", keyOf(s.Issuer, redirectURL), err)
		}
		request := r.request
		request.RedirectURIs, request.InitialAccessToken = []string{redirectURL}, r.tokenFor(s.Issuer)
		next, err := r.finder.Register(ctx, s, request)
		if err == nil {
			rec.replace(next)
		}
		return err == nil, err
	})
}

// tokenFor returns the initial access token for an issuer.
func (r *Registrar) tokenFor(issuer string) connectorauth.Secret {
	for known, token := range r.tokens {
		if sameIssuer(known, issuer) {
			return token
		}
	}
	return ""
}

// locked changes a record while no other process does, and returns the present registration.
func (r *Registrar) locked(ctx context.Context, issuer, redirectURL string, change func(*record, connectorauth.Lease) (changed bool, err error)) (*Registration, error) {
	key := keyOf(issuer, redirectURL)
	lease, err := r.store.Lock(ctx, key)
	if err != nil {
		return nil, inStore("lock", key, err)
	}
	defer lease.Unlock()
	rec, stored, err := r.load(ctx, issuer, redirectURL)
	if err == nil {
		err = inStore("list", key, r.enlist(ctx, key)) // before there is the record
	}
	if err != nil {
		return nil, err
	}
	before := rec.id()
	if changed, err := change(rec, lease); err != nil {
		return nil, err
	} else if !changed {
		return rec.current, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saving) // the time of the flight may be up
	defer cancel()
	for {
		swapped, err := r.store.CompareAndSwap(ctx, key, stored, rec.encode())
		if err != nil {
			return nil, inStore("save", key, err)
		}
		if swapped {
			return rec.current, nil
		}
		var now *record
		switch now, stored, err = r.load(ctx, issuer, redirectURL); {
		case err != nil:
			return nil, err
		case now.id() != before:
			return now.current, nil // the lock was lost, and the next holder has registered
		case now.id() == rec.id():
			rec.Refused = now.Refused
		}
	}
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
	return records.Client(pending.Identity(issuer, redirectURL))
}
