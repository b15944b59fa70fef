package renew

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// recordVersion is the version of the records that an Engine saves. Records of
// version 1 are a Scheme's value alone.
const recordVersion = 2

// A record is what the store knows of an account, for all processes.
type record struct {
	Version  int             `json:"v"`
	Identity string          `json:"identity,omitempty"` // whose record: see Scheme.Identity
	Login    string          `json:"login,omitempty"`    // see Scheme.Login
	Value    json.RawMessage `json:"value,omitempty"`    // of the Scheme; empty if no token was ever obtained
	Rotates  bool            `json:"rotates,omitempty"`  // a renewal has replaced the single-use credential

	Doubt     *doubt    `json:"doubt,omitempty"`
	Dead      *death    `json:"dead,omitempty"`
	NotBefore time.Time `json:"not_before,omitzero"` // no token request before this time
	Pause     int64     `json:"pause,omitempty"`     // how long NotBefore was away, in seconds: another clock may be wrong
	Code      string    `json:"code,omitempty"`      // the provider's error code, with NotBefore
	Attempts  int       `json:"attempts,omitempty"`  // refused token requests in a row

	Nonce string  `json:"nonce,omitempty"` // tells the record from an equal one before, for which a late write may be under way
	Other *record `json:"other,omitempty"` // what is known of another login, without a value; and so on

	raw        []byte  // the record as stored; nil if absent
	replaced   *record // the stored record, which is of another login
	unreadable bool    // the store has a value that is no record: only a token replaces the value
}

// doubt marks a record while a single-use credential may have been sent.
type doubt struct {
	Since time.Time `json:"since"`
	Again bool      `json:"again,omitempty"` // the credential was in doubt before, and was sent once more
}

// death says why a person must act.
type death struct {
	Code  string    `json:"code,omitempty"` // the provider's error code, or InDoubtCode
	Since time.Time `json:"since"`
	Void  bool      `json:"void,omitempty"` // see Verdict
}

// InDoubtCode is the code of a death without a response of the provider.
const InDoubtCode = "in_doubt"

const (
	holderTime   = 35 * time.Second // after this time, the token request of a vanished holder has ended
	retryLogin   = time.Hour        // the first pause after a refused login
	maxRetryWait = 24 * time.Hour   // the longest pause after a refused login
)

// encode returns the stored form of r. A record without a value does not replace
// the value of another login. What replaces a value keeps that its login was refused.
func (r record) encode() []byte {
	r.Version = recordVersion
	switch before := r.replaced; {
	case before == nil:
	case len(r.Value) == 0:
		outer := *before
		outer.Other = &r
		return outer.encode()
	case before.Dead != nil:
		r.Other = &record{
			Version: recordVersion, Identity: before.Identity, Login: before.Login, Dead: before.Dead,
			NotBefore: before.NotBefore, Pause: before.Pause, Attempts: before.Attempts, Other: r.Other,
		}
	}
	raw, _ := json.Marshal(r) // Value is valid JSON, so encoding cannot fail
	return raw
}

// next returns the record that follows r: the same account and value, with
// nothing known of failures.
func (r *record) next() record {
	return record{
		Identity: r.Identity, Login: r.Login, Value: r.Value, Rotates: r.Rotates, Other: r.Other, Nonce: r.Nonce,
		raw: r.raw, replaced: r.replaced, unreadable: r.unreadable,
	}
}

// void reports whether requests must not use the value.
func (r *record) void() bool { return r.Dead != nil && r.Dead.Void }

var errDamaged = errors.New("the value is not a record that this library saved")

// parse reads a stored value.
func parse(raw []byte) (*record, error) {
	r := &record{raw: raw}
	if raw == nil {
		return r, nil
	}
	var version struct {
		Version int `json:"v"`
	}
	if json.Unmarshal(raw, &version) != nil || version.Version < 1 {
		return r, errDamaged
	}
	switch r.Version = version.Version; {
	case r.Version > recordVersion:
		return r, &storeerror.Newer{Version: r.Version, Known: recordVersion}
	case r.Version == 1:
		r.Value = raw
	case json.Unmarshal(raw, r) != nil:
		return &record{raw: raw}, errDamaged
	}
	return r, nil
}

// load reads the record of the account, and the generation in it. The generation
// is nil if there is none, or none that this login may use.
func (r *renewal[T]) load(ctx context.Context) (*record, *Generation[T], error) {
	raw, err := r.read(ctx)
	if IsDamaged(err) {
		return r.damaged(err)
	}
	if err != nil {
		return nil, nil, err
	}
	return r.decode(raw)
}

// decode reads a stored record: see load.
func (r *renewal[T]) decode(raw []byte) (*record, *Generation[T], error) {
	rec, err := parse(raw)
	mine := r.scheme.Identity()
	switch {
	case rec.Version > recordVersion:
		return nil, nil, fmt.Errorf("%q in the token store: %w", r.key, err)
	case err != nil:
		return r.damaged(err)
	case rec.Identity != "" && rec.Identity != mine && !r.scheme.Succeeds(rec.Identity):
		return nil, nil, fmt.Errorf("%q in the token store: %w", r.key, &storeerror.Foreign{
			Record: rec.Identity, Config: mine, Advice: "use another Account, or lead the account owner through a new consent, which replaces the record; or, if the token URL has moved, name the former one (FormerTokenURL)",
		})
	}
	rec.Identity = mine
	login, same := r.scheme.Login(rec.Login)
	if !same {
		return rec.forLogin(login), nil, nil
	}
	rec.Login = login
	if len(rec.Value) == 0 || rec.void() {
		return rec, nil, nil
	}
	value, err := r.scheme.Decode(rec.Value)
	if newer := (*storeerror.Newer)(nil); errors.As(err, &newer) {
		return nil, nil, fmt.Errorf("%q in the token store: %w", r.key, err)
	}
	if err != nil {
		return r.damaged(err)
	}
	return rec, newGeneration(r.scheme, value, rec.Value), nil
}

// damaged is the outcome of load for a record that cannot be read. A scheme that
// obtains tokens by itself replaces the record. Another scheme keeps the record:
// a person may be able to repair the store.
func (r *renewal[T]) damaged(err error) (*record, *Generation[T], error) {
	if !r.scheme.Alone() {
		return nil, nil, &storeerror.Damaged{Err: fmt.Errorf("the value of %q in the token store is damaged: %w", r.key, err)}
	}
	login, _ := r.scheme.Login("")
	return &record{Identity: r.scheme.Identity(), Login: login, unreadable: true}, nil, nil
}

// IsDamaged reports whether a store says that a value can never be read, as when the
// value was sealed with a key that is gone: see connectorauth.TokenStore.
func IsDamaged(err error) bool {
	var store interface{ Damaged() bool }
	return errors.As(err, &store) && store.Damaged()
}

// elapsed reports whether a pause that began or ends at the recorded time is over
// by the clock of this process, whatever the time of day.
func (r *renewal[T]) elapsed(recorded time.Time) bool {
	last := r.lastFailure()
	return last != nil && last.recorded.Equal(recorded) && !last.active()
}

// barred reports whether rec allows no token request now, and notes why.
func (r *renewal[T]) barred(rec *record) bool {
	last := r.lastFailure()
	known := last != nil && last.err != nil && last.active() && last.sum == digest(rec.Value)
	if known && last.dead && r.store != nil && len(rec.Value) > 0 && rec.Dead == nil {
		known = false // somebody has repaired the record
	}
	if r.force && !(known && last.dead) && (rec.Dead == nil || !rec.NotBefore.IsZero()) {
		return false
	}
	if known {
		r.failure, r.err = last, last.err
		return true
	}
	code, wait := rec.Code, min(time.Until(rec.NotBefore), time.Duration(rec.Pause)*time.Second)
	if rec.Dead != nil {
		code = rec.Dead.Code
	}
	switch {
	case rec.Dead != nil && rec.NotBefore.IsZero():
		r.pause(r.restore(code, true, 0), rec, time.Time{}, 0)
		r.failure.dead, r.forget = true, r.forget || rec.void()
	case wait <= 0 || r.elapsed(rec.NotBefore):
		return false
	default:
		r.pause(r.restore(code, rec.Dead != nil, wait), rec, rec.NotBefore, wait)
	}
	return true
}

// restore returns the error of a token request that failed before: see
// Scheme.Restore.
func (r *renewal[T]) restore(code string, dead bool, after time.Duration) error {
	value := r.seen
	if value == nil && r.stale != nil {
		value = r.stale.Value
	}
	return r.scheme.Restore(value, code, dead, after)
}

// pause remembers that no token request may be made for wait, which recorded stands
// for in the record.
func (r *renewal[T]) pause(err error, rec *record, recorded time.Time, wait time.Duration) {
	f := r.lastCopy()
	f.err, f.dead, f.login, f.inDoubt, f.sum = err, false, rec.Dead != nil, false, digest(rec.Value)
	f.until, f.recorded = time.Now().Add(wait), recorded
	f.wait = f.until
	r.failure, r.err = f, err
}

// settle decides what follows from a mark: the holder that left the mark is gone.
// settle returns the generation to renew, or done with the outcome of the flight.
// again says that somebody else has changed the record: the holder may be alive.
func (r *renewal[T]) settle(ctx context.Context, rec *record, old *Generation[T]) (g *Generation[T], done, again bool) {
	switch age := max(time.Since(rec.Doubt.Since), 0); {
	case old != nil && old.fresh() && !r.reject:
		if last := r.lastFailure(); last != nil && last.recorded.Equal(rec.Doubt.Since) {
			r.failure = r.lastCopy() // which counts the time of the holder
		} else {
			r.pause(errStillGood, rec, time.Time{}, 0)
		}
		r.failure.inDoubt, r.err = true, nil
		if r.force {
			r.err = errStillGood
			return nil, true, false
		}
		if r.stale != nil && r.stale.sum == old.sum {
			return r.stale, true, false
		}
		return old, true, false
	case !rec.Rotates:
		return old, false, false
	case age < holderTime && !r.elapsed(rec.Doubt.Since):
		r.pause(r.restore(InDoubtCode, false, holderTime-age), rec, rec.Doubt.Since, holderTime-age)
		return nil, true, false
	case r.scheme.Retakes() && !rec.Doubt.Again:
		return old, false, false
	case r.scheme.Alone():
		return nil, false, false // without the credential in doubt
	}
	dead := rec.next()
	dead.Dead = &death{Code: InDoubtCode, Since: time.Now().Round(0)}
	err := r.restore(InDoubtCode, true, 0)
	if !r.rewrite(ctx, rec, dead) {
		return nil, true, true
	}
	event := Event[T]{Happened: ReauthRequired, Err: err}
	if old != nil {
		event.Value = old.Value
	}
	r.tell(event)
	r.pause(err, rec, time.Time{}, 0)
	r.failure.dead = true
	return nil, true, false
}

// errStillGood says that a credential in doubt is not sent while the generation
// can be used.
var errStillGood = errors.New("connectorauth: the response to the last renewal was lost, and the refresh token may be used up, so the token is not renewed while it is good")

// mark notes in the store that a single-use credential is about to be sent. mark
// returns false if somebody else has changed the record. After an error, a saver
// removes the mark, should the mark be there.
func (r *renewal[T]) mark(ctx context.Context, rec *record) (bool, error) {
	marked := *rec
	marked.Doubt = &doubt{Since: time.Now().Round(0), Again: rec.Doubt != nil}
	marked.raw = marked.encode()
	swapped, err := r.swap(ctx, &unsaved{old: rec.raw, raw: marked.raw})
	switch {
	case err != nil: // the mark may be there, or arrive later
		unmarked := *rec
		unmarked.Nonce = rand.Text()
		r.write(ctx, nil, unsaved{old: rec.raw, or: marked.raw, raw: unmarked.encode()})
	case swapped:
		*rec = marked
	}
	return swapped, err
}

// rewrite stores next in place of rec. If that fails, a saver goes on. rewrite
// returns false if somebody else has changed the record.
func (r *renewal[T]) rewrite(ctx context.Context, rec *record, next record) bool {
	if r.store == nil || rec.unreadable {
		return true
	}
	next.raw = next.encode()
	_, swapped, err := r.write(context.WithoutCancel(ctx), nil, unsaved{old: rec.raw, raw: next.raw})
	if swapped {
		*rec = next
	}
	return swapped || err != nil
}
