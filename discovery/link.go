package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// A link is what an account's consent has found. A link has no secret.
type link struct {
	Server   *Server   `json:"server"`
	Redirect string    `json:"redirect"`
	ClientID string    `json:"client_id,omitempty"` // of a registration; empty: the config has the client
	Began    time.Time `json:"began"`
}

// links are the record of an account in its Store.
type links struct {
	Version int   `json:"v"`
	Present *link `json:"present,omitempty"` // of the account's token
	Begun   *link `json:"begun,omitempty"`   // of the latest consent that is not finished
}

// key returns the key of the account's links, beside that of the token.
func (a *Account) key() string { return a.config.OAuth2.Account + "#found" }

// load reads the account's links, and the stored value; nil if there is none.
func (a *Account) load(ctx context.Context) (ls links, stored []byte, err error) {
	stored, ok, err := a.config.OAuth2.Store.Load(ctx, a.key())
	if err != nil || !ok {
		return links{Version: recordVersion}, nil, inStore("load", a.key(), err)
	}
	if json.Unmarshal(stored, &ls) != nil || ls.Version < 1 {
		return ls, nil, inStore("load", a.key(), &storeerror.Damaged{Err: errors.New("the value is nothing that this library saved")})
	}
	if ls.Version > recordVersion {
		return ls, nil, inStore("load", a.key(), &storeerror.Newer{Version: ls.Version, Known: recordVersion})
	}
	for _, l := range []*link{ls.Present, ls.Begun} {
		if l == nil {
			continue
		}
		if l.Server == nil || l.Server.check(a.config.Issuer) != nil {
			return ls, nil, inStore("load", a.key(), &storeerror.Foreign{Record: "another issuer", Config: a.config.Issuer})
		}
		l.Server.client = a.config.Finder.client
	}
	return ls, stored, nil
}

// edit changes the account's links.
func (a *Account) edit(ctx context.Context, change func(*links)) error {
	store := a.config.OAuth2.Store
	for {
		ls, stored, err := a.load(ctx)
		if err != nil {
			return err
		}
		change(&ls)
		text, _ := json.Marshal(ls) // strings and times: cannot fail
		shared, ok := store.(connectorauth.SharedTokenStore)
		if !ok {
			return inStore("save", a.key(), store.Save(ctx, a.key(), text))
		}
		swapped, err := shared.CompareAndSwap(ctx, a.key(), stored, text)
		if err != nil || swapped {
			return inStore("save", a.key(), err)
		}
	}
}

// Forget removes what the consents of the account have found. Forget or Revoke the token
// first, by the connector.
func (a *Account) Forget(ctx context.Context) error {
	return inStore("delete", a.key(), a.config.OAuth2.Store.Delete(ctx, a.key()))
}
