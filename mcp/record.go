package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

const (
	recordVersion = 1
	maxChallenge  = 8 << 10          // bytes of challenges in a record
	maxScopes     = 8 << 10          // bytes of scopes that a consent asks for
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
	Present *found `json:"present,omitempty"` // of the account's token; without a consent, of the latest connector
	Begun   *found `json:"begun,omitempty"`   // of the latest consent that is not finished
	// Challenge are the values of the WWW-Authenticate header with which the server has
	// refused a request, for the next consent.
	Challenge []string `json:"challenge,omitempty"`
}

// key returns the key of the record, beside those of the tokens: see fill.
func (a *Account) key() string { return a.config.OAuth2.Account + "#mcp" }

// load reads the record of an account at the server, and the stored value; nil if there is
// none.
func (a *Account) load(ctx context.Context) (r record, stored []byte, err error) {
	r, stored, err = a.read(ctx)
	for _, f := range []*found{r.Present, r.Begun} {
		if err == nil && f != nil && !a.covered(f) {
			resource, _, _ := strings.Cut(f.Resource, "?")
			err = a.inStore("load", &storeerror.Foreign{Record: "another MCP server, " + resource, Config: a.origin()})
		}
	}
	return r, stored, err
}

// covered reports whether tokens for the resource of f are for the URL: a token goes to no
// server that it is not for.
func (a *Account) covered(f *found) bool {
	resource, err := url.Parse(f.Resource)
	u, _ := url.Parse(a.config.URL) // New has read the URL
	return err == nil && origin.Covers(resource, u)
}

// read reads the record, whatever server it belongs to.
func (a *Account) read(ctx context.Context) (r record, stored []byte, err error) {
	stored, ok, err := a.config.OAuth2.Store.Load(ctx, a.key())
	switch {
	case err != nil || !ok:
		return record{Version: recordVersion}, nil, a.inStore("load", err)
	case json.Unmarshal(stored, &r) != nil || r.Version < 1:
		return r, nil, a.inStore("load", &storeerror.Damaged{Err: errors.New("the value is nothing that this library saved")})
	case r.Version > recordVersion:
		return r, nil, a.inStore("load", &storeerror.Newer{Version: r.Version, Known: recordVersion})
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
