package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth"
)

const (
	recordVersion = 1
	maxChallenge  = 8 << 10          // bytes of challenges in a record
	saving        = 15 * time.Second // bounds what must be saved although the caller has left
)

// A found is where a consent of the account leads. A found has no secret.
type found struct {
	Issuer   string   `json:"issuer"`
	Resource string   `json:"resource"`
	Scopes   []string `json:"scopes,omitempty"`
}

// A record is what is known of the account, beside the token.
type record struct {
	Version int    `json:"v"`
	Present *found `json:"present,omitempty"` // of the account's token
	Begun   *found `json:"begun,omitempty"`   // of the latest consent that is not finished
	// Challenge are the values of the WWW-Authenticate header with which the server has
	// refused a request, for the next consent.
	Challenge []string `json:"challenge,omitempty"`
}

// key returns the key of the record, beside those of the tokens: see fill.
func (a *Account) key() string { return a.config.OAuth2.Account + "#mcp" }

// load reads the record, and the stored value; nil if there is none.
func (a *Account) load(ctx context.Context) (r record, stored []byte, err error) {
	stored, ok, err := a.config.OAuth2.Store.Load(ctx, a.key())
	switch {
	case err != nil || !ok:
		return record{Version: recordVersion}, nil, a.inStore("load", err)
	case json.Unmarshal(stored, &r) != nil || r.Version < 1:
		return r, nil, a.inStore("load", errors.New("the value is nothing that this library saved"))
	case r.Version > recordVersion:
		return r, nil, a.inStore("load", fmt.Errorf("the value has version %d, and this program knows versions up to %d; update the program", r.Version, recordVersion))
	}
	return r, stored, nil
}

// edit changes the record.
func (a *Account) edit(ctx context.Context, change func(*record)) error {
	for {
		r, stored, err := a.load(ctx)
		if err != nil {
			return err
		}
		change(&r)
		text, _ := json.Marshal(r) // strings: cannot fail
		shared, ok := a.config.OAuth2.Store.(connectorauth.SharedTokenStore)
		if !ok {
			return a.inStore("save", a.config.OAuth2.Store.Save(ctx, a.key(), text))
		}
		swapped, err := shared.CompareAndSwap(ctx, a.key(), stored, text)
		if err != nil || swapped {
			return a.inStore("save", err)
		}
	}
}

// inStore says where the store failed.
func (a *Account) inStore(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("connectorauth: mcp: %s %q in the token store: %w", operation, a.key(), err)
}
