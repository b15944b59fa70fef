package pending

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// A Flow is what differs between OAuth1 and OAuth2 on the way from the callback
// to the token. The steps come in the order of the fields.
type Flow struct {
	// Connector is the connector's Identity.
	Connector string
	// State is the name of the callback parameter that must equal Value.State.
	State string
	// Stateless accepts a callback without State for a value, as when the account
	// owner types a verifier. May be nil.
	Stateless func(Value) bool
	// Check looks at the rest of the callback. May be nil.
	Check func(url.Values) error
	// Refusal returns the error of a callback in which the provider refuses, the
	// BadCallback of a callback that is not clear about a refusal, or nil.
	Refusal func(url.Values) error
	// Code is the name of the callback parameter that obtains the token.
	Code string
	// Codeless accepts a callback without Code.
	Codeless bool
	// Keep reads further parameters of a granted callback. May be nil.
	Keep func(url.Values) error
	// Begin notes that something must not be cut off, until end is called.
	Begin func() (end func(), err error)
	// Obtain exchanges the code for a token and saves the token. Obtain returns an
	// error of Open if nothing was sent.
	Obtain func(ctx context.Context, v Value, code string) error
	// Store keeps the claims of all processes, if it is a renew.SharedStore: a store
	// without CompareAndSwap cannot keep claims safely. Otherwise claims are in memory.
	Store renew.Store
}

// A Keeper sees to it that a consent is finished once. A Keeper remembers which
// consents are over, for as long as they could be finished again. The zero value
// is ready to use.
type Keeper struct {
	mu   sync.Mutex
	name string               // random; names this Keeper in claims
	over map[string]time.Time // claim.end of consents that are over, by claim.id
}

// Finish leads a consent from its callback to the token: the callback must
// belong to the consent, the provider must have granted, and nobody must have
// finished the consent before. A refusal ends the consent. The claim and Obtain run
// to their end even if ctx ends; if ctx has ended before, the consent stays open.
// See Over for what an error means for the consent.
func (k *Keeper) Finish(ctx context.Context, f Flow, text string, callback url.Values) error {
	v, err := decode(text, f.Connector)
	if err != nil {
		return err
	}
	read := One
	if f.Stateless != nil && f.Stateless(v) {
		read = AtMostOne
	}
	state, err := read(callback, f.State)
	if err != nil {
		return err
	}
	if state != "" && !equal(state, v.State) {
		return NewMixUp("the callback's " + f.State + " is not that of this consent")
	}
	if f.Check != nil {
		if err := f.Check(callback); err != nil {
			return err
		}
	}
	store, _ := f.Store.(renew.SharedStore)
	if err := f.Refusal(callback); err != nil {
		if c := v.claim(); Over(err) && !Over(k.take(context.WithoutCancel(ctx), store, c)) {
			k.remember(c) // although the store has failed
		}
		return err
	}
	read = One
	if f.Codeless {
		read = AtMostOne
	}
	code, err := read(callback, f.Code)
	if err != nil {
		return err
	}
	if f.Keep != nil {
		if err := f.Keep(callback); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return Open(err)
	}
	end, err := f.Begin()
	if err != nil {
		return Open(err)
	}
	return Detached(ctx, func(ctx context.Context) error {
		defer end()
		c := v.claim()
		if err := k.take(ctx, store, c); err != nil {
			return err
		}
		err := f.Obtain(ctx, v, code)
		if !Over(err) {
			k.giveBack(ctx, store, c)
		}
		return err
	})
}

// Detached runs f to its end even if ctx ends before, and waits no longer than
// ctx: the token that f obtained for a single-use credential must be kept.
func Detached(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil { // in the importer's store, transport or observer
				err = fmt.Errorf("connectorauth: panic of type %T while finishing the consent", p)
			}
			done <- err
		}()
		err = f(context.WithoutCancel(ctx))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
