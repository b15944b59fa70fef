package accounts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// The times of a sweep. An account that has a turn is done before the claim ends.
const (
	turnTime     = 10 * time.Second      // how long a claim takes, and a claimed account waits for a turn
	attendTime   = 33 * time.Second      // a token request takes 30 seconds at most
	sweepLease   = turnTime + attendTime // how long a dead process keeps its claims
	postponeTime = 2 * time.Second       // how long the end of a claim may take
	soon         = 2 * time.Minute       // an account that could not be attended to, and is not to blame
	unfit        = 10 * time.Minute      // an account for which this process lacks something
	retryAfter   = time.Hour             // an account that could not be kept alive, or ended
	maxSweep     = 1000                  // accounts of one Sweep
)

// Swept counts the accounts of a Sweep.
type Swept struct {
	Claimed int // the accounts that were due; fewer than limit means that no more are
	Renewed int // whose token was renewed
	Failed  int // which could not be renewed, or ended
	Removed int // which nobody has consented to, or whose Disconnect had not ended
	Later   int // which are as before and due again in some minutes: the Store was out, the provider slow or has asked for a pause, or Config lacks something, which is logged
}

// Sweep looks at up to limit accounts that are due, in any number of processes at a time:
// each account is claimed by a single Sweep. Tokens and sessions of accounts that nobody uses are
// renewed, at Method.KeepAlive of the definition and halfway to ReauthBy. An account whose
// owner has not consented within a day is disconnected. A Disconnect that has not ended is
// resumed, hourly. Call Sweep every minute or so, and again at once while Claimed is limit; or
// call Run, which does so. limit is from 1 to 1,000.
//
// A process attends to 16 accounts of one definition at a time, however many Sweeps there
// are, so a provider that is slow holds up its own accounts alone. A Sweep takes 45 seconds
// at most. The error is that of the Index or of ctx, or connectorauth.ErrShutdown; what has
// failed with one account is in the account. The claims of a process that dies end after 43
// seconds.
func (r *Registry) Sweep(ctx context.Context, limit int) (Swept, error) {
	end, err := r.begin()
	if err != nil {
		return Swept{}, err
	}
	defer end()
	if limit < 1 || limit > maxSweep {
		return Swept{}, fmt.Errorf("accounts: Sweep: limit is %d, not 1 to 1,000", limit)
	}
	var t tally
	claimed, err := r.dispatch(ctx, limit, &t)
	t.workers.Wait()
	t.swept.Claimed = claimed
	return t.swept, errors.Join(err, ctx.Err())
}

// A tally counts what becomes of accounts.
type tally struct {
	workers sync.WaitGroup
	mu      sync.Mutex
	swept   Swept
}

// An outcome is what has become of an account in a Sweep.
type outcome int

const (
	unchanged outcome = iota
	renewed
	failed
	removed
	later
)

func (t *tally) count(o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch o {
	case renewed:
		t.swept.Renewed++
	case failed:
		t.swept.Failed++
	case removed:
		t.swept.Removed++
	case later:
		t.swept.Later++
	}
}

// dispatch claims accounts, and returns when each has begun its turn or will have none. The
// workers of t go on.
func (r *Registry) dispatch(ctx context.Context, limit int, t *tally) (claimed int, err error) {
	waiting, cancel := context.WithTimeout(ctx, turnTime) // from before the claim, which may be slow
	defer cancel()
	list, err := r.config.Index.Claim(waiting, limit, sweepLease)
	if len(list) == 0 {
		return 0, ofIndex(err)
	}
	var begun sync.WaitGroup
	begun.Add(len(list))
	for _, a := range list {
		t.workers.Go(func() { t.count(r.inTurn(ctx, waiting, a, begun.Done)) })
	}
	begun.Wait()
	return len(list), ofIndex(err)
}

// inTurn attends to an account once there is a turn. If waiting ends before, the account is
// due again soon.
func (r *Registry) inTurn(ctx, waiting context.Context, a Account, begun func()) outcome {
	g := r.gates.get(a.Definition)
	entered, pause := g.enter(waiting, r.closing)
	begun()
	if !entered {
		return r.postpone(ctx, a, pause)
	}
	defer g.leave()
	own, cancel := context.WithTimeout(ctx, attendTime)
	defer cancel()
	o, err := r.attend(own, a)
	if err == nil || own.Err() == nil && !blameless(err) {
		return o
	}
	var token *connectorauth.TokenError
	if errors.As(err, &token) {
		g.pause(token.RetryAfter)
		pause = token.RetryAfter
	}
	if isMistake(err) {
		pause = unfit
		if g.tells() {
			r.logger().ErrorContext(ctx, "accounts: this process cannot attend to accounts, and leaves them to others",
				slog.String("definition", a.Definition), slog.Any("error", err))
		}
	}
	return r.postpone(ctx, a, pause)
}

// postpone ends the claim of an account that stays as the account is. If that fails, the claim
// ends by itself.
func (r *Registry) postpone(ctx context.Context, a Account, pause time.Duration) outcome {
	ctx, cancel := context.WithTimeout(ctx, postponeTime)
	defer cancel()
	_, _ = r.update(ctx, a.ID, func(now *Account) error {
		if now.Version != a.Version {
			return errUnchanged
		}
		if !r.isClosing() { // or else another process may have the account at once
			now.Due = a.dueAfter(max(soon, min(pause, retryAfter)))
		}
		return nil
	})
	return later
}

// attend does what is due for an account.
func (r *Registry) attend(ctx context.Context, a Account) (outcome, error) {
	switch {
	case a.Status == StatusDisconnected:
		return r.finally(ctx, a)
	case a.Current != 0:
		return r.keepAlive(ctx, a)
	}
	_, err := r.test(ctx, a)
	late := time.Since(a.Created) > revokeTime
	abandoned := errors.Is(err, ErrConnecting) || errors.Is(err, errNoValues) || renew.IsDamaged(err) || late
	switch {
	case err == nil:
		return unchanged, nil // the consent had brought a token
	case blameless(err) && !(late && isMistake(err)):
		return failed, err
	case abandoned:
		return r.finally(ctx, a)
	}
	_, written := r.update(ctx, a.ID, func(now *Account) error {
		if now.Version != a.Version {
			return errUnchanged
		}
		now.Due = a.dueAfter(retryAfter)
		return nil
	})
	return failed, errors.Join(written, err)
}

// finally disconnects an account, unless somebody has changed the account meanwhile. An error
// leaves the account to a later Sweep.
func (r *Registry) finally(ctx context.Context, a Account) (outcome, error) {
	_, err := r.disconnectIf(ctx, a.ID, func(now Account) bool {
		return now.Status == StatusDisconnected || now.Version == a.Version
	})
	switch {
	case errors.Is(err, errUnchanged):
		return unchanged, nil
	case err != nil:
		return failed, nil
	}
	return removed, nil
}

// keepAlive renews the token of an account, unless requests have done so since.
func (r *Registry) keepAlive(ctx context.Context, a Account) (outcome, error) {
	g, err := r.reopen(ctx, a, a.Current)
	var known connectorauth.Status
	var isNew bool
	if err == nil {
		known, isNew, err = g.renew(ctx, a)
	}
	if err != nil && (blameless(err) || ctx.Err() != nil) {
		return failed, err
	}
	_, written := r.update(ctx, a.ID, func(now *Account) error {
		if now.Current != a.Current || now.Status == StatusDisconnected {
			return errUnchanged
		}
		if err != nil {
			now.fail(err)
			now.Due = time.Time{} // Reconnect sets Due
			if now.Status == StatusFailing {
				now.Due = a.dueAfter(retryAfter)
			}
			return nil
		}
		if now.Reason == definition.ReasonRefused || now.Reason == definition.ReasonUnavailable {
			now.become(StatusOK, "", "")
		}
		now.know(known, isNew)
		now.Due = a.dueAfter(r.wait(g.connected, known))
		return nil
	})
	switch {
	case err != nil:
		return failed, nil
	case written != nil && !errors.Is(written, errUnchanged):
		return failed, written
	case isNew:
		return renewed, nil
	}
	return unchanged, nil
}

// renew renews the token of an account, unless the token is newer than the account says: a
// request has renewed the token, or a process that died before it wrote to the Index.
func (g *generation) renew(ctx context.Context, a Account) (known connectorauth.Status, isNew bool, err error) {
	if !g.opened { // the Store has lost what the consent has found
		return known, false, connectorauth.ErrNotConnected
	}
	held, _ := g.credential()
	c, ok := held.(interface {
		credential
		Renew(ctx context.Context) error
	})
	if !ok {
		return known, false, nil
	}
	known, err = c.Status(ctx)
	recent := isNewer(known.Expiry, a.Expiry) && known.Expiry.After(time.Now())
	if err != nil || recent || isNewer(known.ReauthBy, a.ReauthBy) {
		return known, false, err
	}
	if err = c.Renew(ctx); err != nil {
		return known, false, err
	}
	known, err = c.Status(ctx)
	return known, err == nil, err
}

// wait returns how long nobody may use an account before the token is to be renewed. Zero means
// for ever.
func (r *Registry) wait(c *definition.Connected, known connectorauth.Status) time.Duration {
	var wait time.Duration
	if m := method(c, r.config.Definitions()); m != nil {
		wait = m.KeepAlive
	}
	if !known.ReauthBy.IsZero() {
		if half := max(time.Until(known.ReauthBy)/2, time.Minute); wait == 0 || half < wait {
			wait = half
		}
	}
	return wait
}

// due returns when a token is to be renewed, even if nobody uses the account. Zero means
// never.
func (r *Registry) due(c *definition.Connected, known connectorauth.Status) time.Time {
	return Account{}.dueAfter(r.wait(c, known))
}

// dueAfter returns when an account that was claimed is due again. The time is after the former
// one, whatever the clock of this process says: or else the account would be due again at
// once. Zero means never.
func (a Account) dueAfter(wait time.Duration) time.Time {
	if wait == 0 {
		return time.Time{}
	}
	again := after(wait)
	if behind := a.Due.Sub(now()); behind > 0 {
		again = again.Add(behind)
	}
	return again
}

// isNewer reports whether a time of a token is later than the one that an account has. A zero
// time says nothing.
func isNewer(token, account time.Time) bool {
	return !account.IsZero() && token.Sub(account) > time.Second
}

// after returns the time after at most d, up to a tenth earlier, so accounts that were
// connected together are not due together.
func after(d time.Duration) time.Time {
	return now().Add(d - rand.N(d/10+1)).Truncate(time.Microsecond)
}
