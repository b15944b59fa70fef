package renew

import (
	"bytes"
	"context"
	"math"
	"time"
)

// failure is the outcome of the last flights, remembered so later requests
// need not ask the provider again.
type failure struct {
	attempts int       // failed flights in a row
	refusals int       // refused token requests in a row
	wait     time.Time // when the next early renewal may begin
	last     error     // of the last flight, also if the store prevented the token request

	// The other fields are about the last token request. A failing store after the
	// request changes none of them.
	err      error
	dead     bool
	login    bool // a refused login, which is tried again: a person must act, as with dead
	inDoubt  bool
	doubt    *doubt    // what the record cannot say: see Engine
	until    time.Time // when the request may be made again
	recorded time.Time // what the record says in place of until, by the clock of any machine
	sum      sum       // of the stored value that the request was to replace
}

// active reports whether it is too early to ask the provider again.
func (f *failure) active() bool { return f.dead || time.Until(f.until) > 0 }

// allowsEarly reports whether a fresh generation may be renewed.
func (f *failure) allowsEarly() bool {
	return !f.dead && !f.inDoubt && time.Until(f.wait) <= 0
}

// doubtAfter returns the mark that a failed request leaves. before is the mark of
// the request before.
func (r *renewal[T]) doubtAfter(verdict Verdict, single bool, before *doubt, rec *record) *doubt {
	switch {
	case verdict.Kind == Dead && single:
		return nil
	case verdict.Kind == InDoubt && single && rec.Doubt != before:
		return rec.Doubt
	case verdict.Kind == InDoubt && single:
		return &doubt{Since: time.Now(), Again: before != nil}
	case before != nil && !verdict.Unsent:
		return &doubt{Since: before.Since, Again: true}
	}
	return before
}

// changed reports whether somebody has changed the record and its value.
func (r *renewal[T]) changed(ctx context.Context, rec *record) bool {
	if r.store == nil {
		return false
	}
	again, stored, err := r.load(ctx)
	return err == nil && stored != nil && !bytes.Equal(again.raw, rec.raw) && !bytes.Equal(again.Value, rec.Value)
}

// note stores what a failed token request says about the account. after is the
// record without anything known of failures but a mark.
func (r *renewal[T]) note(ctx context.Context, verdict Verdict, rec *record, after record) {
	_, shared := r.store.(SharedStore)
	if r.store == nil || len(rec.Value) == 0 && !r.scheme.Alone() {
		return // there is nothing to know of an account without a token
	}
	if !shared {
		after.Doubt = nil
	}
	after.Attempts = max(r.failure.refusals, rec.Attempts)
	if verdict.Kind == Dead {
		after.Dead = &death{Code: verdict.Code, Since: time.Now().Round(0), Void: verdict.Void}
	}
	if left := time.Until(r.failure.until); left >= refusedWait/2 && !r.failure.dead {
		after.NotBefore, after.Code = time.Now().Add(left).Round(0), verdict.Code
		after.Pause = int64(math.Ceil(left.Seconds()))
		r.failure.recorded = after.NotBefore
	}
	if shared && rec.Doubt != after.Doubt || !after.NotBefore.IsZero() || after.Dead != nil {
		r.rewrite(ctx, rec, after)
	}
}

// fail records why there is no new generation.
func (r *renewal[T]) fail(err error, verdict Verdict, rec *record) *Generation[T] {
	r.asked = r.asked && !verdict.Idle
	f := r.lastCopy()
	wait := jitter(min(minBackoff<<min(f.attempts, 10), maxBackoff), 0.8, 1.2)
	login := verdict.Kind == Dead && verdict.Retry
	if r.asked && (login || verdict.Kind == Refused) {
		n := min(max(f.refusals, rec.Attempts), 10)
		f.refusals = n + 1
		if wait = jitter(min(refusedWait<<n, maxRefused), 0.8, 1.2); login {
			wait = jitter(min(retryLogin<<n, maxRetryWait), 0.8, 1)
		}
	}
	f.attempts++
	f.last = err
	f.wait = time.Now().Add(max(wait, min(verdict.After, maxRetryAfter)))
	if r.asked {
		f.err, f.dead, f.login, f.inDoubt, f.doubt = err, verdict.Kind == Dead && !login, login, verdict.Kind == InDoubt, nil
		f.until, f.sum, f.recorded = f.wait, r.tried, time.Time{}
		r.forget = r.forget || verdict.Kind == Dead && verdict.Void
	}
	r.failure, r.err = f, err
	return nil
}

func (r *renewal[T]) lastFailure() *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Engine.failure
}

// lastCopy returns a copy of the last failure.
func (r *renewal[T]) lastCopy() *failure {
	f := new(failure)
	if last := r.lastFailure(); last != nil {
		*f = *last
	}
	return f
}
