package pending

import (
	"context"
	"net/url"
	"sync"
	"time"
)

// A Flow is what differs between OAuth1 and OAuth2 on the way from the callback
// to the token.
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
	// Refusal returns the error of a callback in which the provider refuses, or
	// nil.
	Refusal func(url.Values) error
	// Code is the name of the callback parameter that obtains the token.
	Code string
	// Keep reads further parameters of a granted callback. May be nil.
	Keep func(url.Values) error
	// Obtain exchanges the code for a token and saves the token.
	Obtain func(ctx context.Context, v Value, code string) error
}

// A Keeper remembers which consents are over, for as long as they could be
// finished again. The zero value is ready to use.
type Keeper struct {
	mu   sync.Mutex
	over map[string]time.Time
}

// Finish leads a consent from its callback to the token: the callback must
// belong to the consent, the provider must have granted, and nobody must have
// finished the consent before. A refusal ends the consent. Obtain runs to its end
// even if ctx ends; if ctx ends before Obtain begins, the consent stays open.
func (k *Keeper) Finish(ctx context.Context, f Flow, text string, callback url.Values) error {
	v, err := decode(text, f.Connector)
	if err != nil {
		return err
	}
	if callback.Has(f.State) || f.Stateless == nil || !f.Stateless(v) {
		state, err := One(callback, f.State)
		if err != nil {
			return err
		}
		if !equal(state, v.State) {
			return NewMixUp("the callback's " + f.State + " is not that of this consent")
		}
	}
	if f.Check != nil {
		if err := f.Check(callback); err != nil {
			return err
		}
	}
	if err := f.Refusal(callback); err != nil {
		k.claim(f.Connector + v.State)
		return err
	}
	code, err := One(callback, f.Code)
	if err != nil {
		return err
	}
	if f.Keep != nil {
		if err := f.Keep(callback); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !k.claim(f.Connector + v.State) {
		return &BadCallback{Used, "this consent has been finished already"}
	}
	return detached(ctx, func(ctx context.Context) error { return f.Obtain(ctx, v, code) })
}

// claim reports whether a consent ends for the first time, and remembers the
// end.
func (k *Keeper) claim(state string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for old, at := range k.over {
		if time.Since(at) > 2*Lifetime {
			delete(k.over, old)
		}
	}
	if _, again := k.over[state]; again {
		return false
	}
	if k.over == nil {
		k.over = make(map[string]time.Time)
	}
	k.over[state] = time.Now()
	return true
}
