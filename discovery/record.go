package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/internal/records"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

const (
	recordVersion = 1
	maxFormer     = 16 // registrations in a record, besides the present one
)

// A record is what a store keeps of the clients of an issuer and a redirect URL.
type record struct {
	Version  int               `json:"v"`
	Issuer   string            `json:"issuer"`
	Redirect string            `json:"redirect"`
	Client   json.RawMessage   `json:"client,omitempty"` // the present registration
	Former   []json.RawMessage `json:"former,omitempty"` // those before, the latest first
	Refused  time.Time         `json:"refused,omitzero"` // when the server said that the client is unknown
	Checked  time.Time         `json:"checked,omitzero"` // when the server last knew the client

	current *Registration // Client
	former  []*Registration
}

// serves reports whether a consent can begin with the present registration.
func (rec *record) serves() bool {
	return rec.current != nil && rec.Refused.IsZero() && !rec.current.expired()
}

// doubtful reports whether the server should be asked about the client.
func (rec *record) doubtful() bool {
	return rec.current.URL != "" && rec.current.AccessToken != "" && time.Since(rec.Checked).Abs() > recheck
}

// id returns the client ID of the present registration, or "".
func (rec *record) id() string {
	if rec.current == nil {
		return ""
	}
	return rec.current.ClientID
}

// find returns the registration with a client ID, or the present one, or nil.
func (rec *record) find(clientID string) *Registration {
	if clientID == "" {
		return rec.current
	}
	for _, r := range append([]*Registration{rec.current}, rec.former...) {
		if r != nil && r.ClientID == clientID {
			return r
		}
	}
	return nil
}

// replace makes next the present registration.
func (rec *record) replace(next *Registration) {
	if rec.current != nil {
		rec.former = append([]*Registration{rec.current}, rec.former[:min(len(rec.former), maxFormer-1)]...)
	}
	rec.current, rec.Refused, rec.Checked = next, time.Time{}, time.Now().Round(0)
}

// encode returns the stored form.
func (rec *record) encode() []byte {
	rec.Client, rec.Former = rec.current.stored(), nil
	for _, r := range rec.former {
		rec.Former = append(rec.Former, r.stored())
	}
	text, _ := json.Marshal(rec) // cannot fail
	return text
}

// load reads a record, and the stored value; both are empty if there is none.
func (r *Registrar) load(ctx context.Context, issuer, redirectURL string) (*record, []byte, error) {
	key := keyOf(issuer, redirectURL)
	rec := &record{Version: recordVersion, Issuer: issuer, Redirect: redirectURL}
	stored, ok, err := r.store.Load(ctx, key)
	if err != nil || !ok {
		return rec, nil, inStore("load", key, err)
	}
	_ = r.enlist(ctx, key) // of an earlier version; the record serves nevertheless, and the next load tries again
	if err := json.Unmarshal(stored, rec); err != nil || rec.Version < 1 || rec.Issuer != issuer || rec.Redirect != redirectURL {
		return nil, nil, inStore("load", key, &storeerror.Damaged{Err: errors.New("the value is no registration that this library saved")})
	}
	if rec.Version > recordVersion {
		return nil, nil, inStore("load", key, &storeerror.Newer{Version: rec.Version, Known: recordVersion})
	}
	if rec.current, err = restore(rec.Client, issuer); err != nil {
		return nil, nil, inStore("load", key, err)
	}
	for _, text := range rec.Former {
		former, err := restore(text, issuer)
		if err != nil {
			return nil, nil, inStore("load", key, err)
		}
		rec.former = append(rec.former, former)
	}
	return rec, stored, nil
}

// edit changes a record that is there. change reports whether there is anything to save.
func (r *Registrar) edit(ctx context.Context, issuer, redirectURL string, change func(*record) bool) error {
	for {
		rec, stored, err := r.load(ctx, issuer, redirectURL)
		if err != nil || rec.current == nil || !change(rec) {
			return err
		}
		key := keyOf(issuer, redirectURL)
		swapped, err := r.store.CompareAndSwap(ctx, key, stored, rec.encode())
		if err != nil || swapped {
			return inStore("save", key, err)
		}
	}
}

// enlist puts the key of a record into a list, so Reseal finds the record.
func (r *Registrar) enlist(ctx context.Context, key string) error {
	if _, listed := r.listed.Load(key); listed {
		return nil
	}
	for list := records.ClientList(key); ; {
		stored, _, err := r.lists.Load(ctx, list)
		if err != nil {
			return err
		}
		next, changed := records.Enlist(stored, key)
		if changed {
			swapped, err := r.lists.CompareAndSwap(ctx, list, stored, next)
			if err != nil {
				return err
			}
			if !swapped {
				continue // another process has changed the list
			}
		}
		r.listed.Store(key, true)
		return nil
	}
}

// Reseal seals the registrations again with the first of Keys: see tokenstore.Reseal. A Registrar
// with the Store and the Keys of an accounts.Registry needs no such call: Reseal of the Registry
// includes the registrations.
func (r *Registrar) Reseal(ctx context.Context) (tokenstore.Resealed, error) {
	return tokenstore.Reseal(ctx, r.store, nil)
}

// inStore adds the operation and the key to an error of a store.
func inStore(operation, key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("connectorauth: discovery: %s %q in the token store: %w", operation, key, err)
}
