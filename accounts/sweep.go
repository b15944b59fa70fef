package accounts

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// The times of a sweep.
const (
	sweepLease   = 45 * time.Second // how long a dead process keeps its claims; longer than a token request takes
	sweepWorkers = 16               // for each Sweep
	retryAfter   = time.Hour        // an account that could not be kept alive, or ended
)

// Swept counts the accounts of a Sweep.
type Swept struct {
	Claimed int // the accounts that were due; fewer than limit means that no more are
	Renewed int // whose token was renewed
	Failed  int // which could not be renewed, or ended
	Removed int // which nobody has consented to, or whose Disconnect had not ended
}

// Sweep looks at up to limit accounts that are due, in any number of processes at one time:
// each account is claimed by one of them. Tokens and sessions of accounts that nobody uses are
// renewed, at Method.KeepAlive of the definition and halfway to ReauthBy. An account whose
// owner has not consented within a day is disconnected. A Disconnect that has not ended is
// resumed, hourly. Call Sweep every minute or so, and again at once while Claimed is limit.
//
// The error is that of the Index or of ctx; what has failed with one account is in the
// account. The claims of a process that dies end after 45 seconds.
func (r *Registry) Sweep(ctx context.Context, limit int) (Swept, error) {
	claimed, err := r.config.Index.Claim(ctx, limit, sweepLease)
	if err != nil {
		return Swept{}, fmt.Errorf("accounts: the index: %w", err)
	}
	var mu sync.Mutex
	var workers sync.WaitGroup
	swept, turns := Swept{Claimed: len(claimed)}, make(chan Account)
	for range min(sweepWorkers, len(claimed)) {
		workers.Go(func() {
			for a := range turns {
				renewed, removed, err := r.attend(ctx, a)
				mu.Lock()
				switch {
				case err != nil:
					swept.Failed++
				case renewed:
					swept.Renewed++
				case removed:
					swept.Removed++
				}
				mu.Unlock()
			}
		})
	}
	for _, a := range claimed {
		if ctx.Err() == nil {
			turns <- a
		}
	}
	close(turns)
	workers.Wait()
	return swept, ctx.Err()
}

// attend does what is due for an account.
func (r *Registry) attend(ctx context.Context, a Account) (renewed, removed bool, err error) {
	switch {
	case a.Status == StatusDisconnected:
		_, err = r.Disconnect(ctx, a.ID)
		return false, err == nil, err
	case a.Current == 0:
		if _, err = r.Test(ctx, a.ID); err == nil {
			return false, false, nil // the consent had brought a token
		}
		if err := ctx.Err(); err != nil {
			return false, false, err
		}
		_, err = r.Disconnect(ctx, a.ID)
		return false, err == nil, err
	}
	renewed, err = r.keepAlive(ctx, a)
	return renewed, false, err
}

// keepAlive renews the token of an account, unless requests have done so since.
func (r *Registry) keepAlive(ctx context.Context, a Account) (renewed bool, err error) {
	g, err := r.reopen(ctx, a, a.Current)
	var known connectorauth.Status
	if err == nil {
		known, renewed, err = g.renew(ctx, a)
	}
	if ended := ctx.Err(); ended != nil || errors.Is(err, connectorauth.ErrShutdown) {
		return false, errors.Join(ended, err) // the claim ends by itself
	}
	_, written := r.update(ctx, a.ID, func(now *Account) error {
		if now.Current != a.Current || now.Status == StatusDisconnected {
			return errUnchanged
		}
		if err != nil {
			now.fail(err)
			now.Due = time.Time{} // Reconnect sets Due
			if now.Status == StatusFailing {
				now.Due = later(retryAfter)
			}
			return nil
		}
		if now.Reason == definition.ReasonRefused || now.Reason == definition.ReasonUnavailable {
			now.become(StatusOK, "", "")
		}
		now.ReauthBy, now.Expiry = inMicroseconds(known.ReauthBy), inMicroseconds(known.Expiry)
		now.Due = r.due(g, known)
		return nil
	})
	if err == nil && !errors.Is(written, errUnchanged) {
		err = written
	}
	return renewed, err
}

// renew renews the token of an account, unless the token is newer than the account says: a
// request has renewed the token, or a process that died before it wrote to the Index.
func (g *generation) renew(ctx context.Context, a Account) (known connectorauth.Status, renewed bool, err error) {
	c, ok := g.connected.Credential().(interface {
		credential
		Renew(ctx context.Context) error
	})
	if !ok {
		return known, false, nil
	}
	known, err = c.Status(ctx)
	if err != nil || isNewer(known.ReauthBy, a.ReauthBy) || isNewer(known.Expiry, a.Expiry) {
		return known, false, err
	}
	if err = c.Renew(ctx); err != nil {
		return known, false, err
	}
	known, err = c.Status(ctx)
	return known, err == nil, err
}

// due returns when a token is to be renewed, even if nobody uses the account. Zero means
// never.
func (r *Registry) due(g *generation, known connectorauth.Status) time.Time {
	var wait time.Duration
	if m := method(g.connected, r.config.Definitions()); m != nil {
		wait = m.KeepAlive
	}
	if !known.ReauthBy.IsZero() {
		if half := max(time.Until(known.ReauthBy)/2, time.Minute); wait == 0 || half < wait {
			wait = half
		}
	}
	if wait == 0 {
		return time.Time{}
	}
	return later(wait)
}

// isNewer reports whether a time of a token is later than the one that an account has. A zero
// time says nothing.
func isNewer(token, account time.Time) bool {
	return !account.IsZero() && token.Sub(account) > time.Second
}

// later returns the time after at most d, up to a tenth earlier, so that accounts that were
// connected together are not due together.
func later(d time.Duration) time.Time {
	return now().Add(d - rand.N(d/10+1)).Truncate(time.Microsecond)
}
