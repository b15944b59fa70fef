package renew

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
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
	Attempts  int       `json:"attempts,omitempty"`  // failed token requests in a row

	raw []byte // the record as stored; nil if absent
}

// doubt marks a record while a single-use credential may have been sent.
type doubt struct {
	Since time.Time `json:"since"`
	Again bool      `json:"again,omitempty"` // the credential was in doubt before, and is sent once more
}

// death says why a person must act.
type death struct {
	Code  string    `json:"code,omitempty"` // the provider's error code, or "in_doubt"
	Since time.Time `json:"since"`
}

// inDoubt is the code of a death without a response of the provider.
const inDoubt = "in_doubt"

const (
	holderTime   = 35 * time.Second // after this time, the token request of a vanished holder has ended
	maxPause     = 25 * time.Hour   // a recorded pause beyond this is the fault of a clock
	retryLogin   = time.Hour        // the first pause after a refused login
	maxRetryWait = 24 * time.Hour   // the longest pause after a refused login
)

// encode returns the stored form of r.
func (r record) encode() []byte {
	r.Version = recordVersion
	raw, _ := json.Marshal(r) // Value is valid JSON, so encoding cannot fail
	return raw
}

// next returns the record that follows r: the same account and value, with
// nothing known of failures.
func (r *record) next() record {
	return record{Identity: r.Identity, Login: r.Login, Value: r.Value, Rotates: r.Rotates}
}

var errDamaged = errors.New("the value is not a record that this library saved")

// parse reads a stored value.
func parse(raw []byte) (*record, error) {
	r := &record{raw: raw}
	if raw == nil {
		return r, nil
	}
	if json.Unmarshal(raw, r) != nil {
		return r, errDamaged
	}
	switch {
	case r.Version > recordVersion:
		return r, fmt.Errorf("the record has version %d, and this program knows versions up to %d; update the program", r.Version, recordVersion)
	case r.Version < 1:
		return r, errDamaged
	case r.Version == 1:
		*r = record{Value: raw, raw: raw}
	}
	return r, nil
}

// load reads the record of the account, and the generation in it. The generation
// is nil if there is none, or none that this login may use.
func (r *renewal[T]) load(ctx context.Context) (*record, *Generation[T], error) {
	raw, err := r.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	rec, err := parse(raw)
	if err != nil {
		return r.damaged(rec, err)
	}
	mine := r.scheme.Identity()
	if rec.Identity != "" && rec.Identity != mine && !r.scheme.Succeeds(rec.Identity) {
		return nil, nil, fmt.Errorf("%q in the token store belongs to %s, not to %s; use another Account", r.key, rec.Identity, mine)
	}
	rec.Identity = mine
	login, same := r.scheme.Login(rec.Login)
	if rec.Login = login; !same { // another password: what is known belongs to the old one
		rec.Value, rec.Doubt, rec.Dead, rec.NotBefore, rec.Attempts = nil, nil, nil, time.Time{}, 0
	}
	if len(rec.Value) == 0 {
		return rec, nil, nil
	}
	value, err := r.scheme.Decode(rec.Value)
	if err != nil {
		return r.damaged(rec, err)
	}
	return rec, newGeneration(r.scheme, value, rec.Value), nil
}

// damaged is the outcome of load for a record that cannot be read. A scheme that
// obtains tokens by itself replaces the record. Another scheme keeps the record:
// a person may be able to repair the store.
func (r *renewal[T]) damaged(rec *record, err error) (*record, *Generation[T], error) {
	err = fmt.Errorf("the value of %q in the token store is damaged: %w", r.key, err)
	if !r.scheme.Alone() || rec.Version > recordVersion {
		return nil, nil, err
	}
	observe(r.scheme, Event[T]{Happened: Failed, Err: fmt.Errorf("%w; it is replaced", err)})
	login, _ := r.scheme.Login("")
	return &record{Identity: r.scheme.Identity(), Login: login, raw: rec.raw}, nil, nil
}

// barred returns the error of a record that allows no token request now, or nil.
func (r *renewal[T]) barred(rec *record) error {
	wait := min(time.Until(rec.NotBefore), maxPause)
	switch {
	case rec.Dead != nil && (rec.NotBefore.IsZero() || wait > 0):
		return r.scheme.Restore(rec.Dead.Code, true, 0)
	case rec.Dead == nil && wait > 0:
		return r.scheme.Restore("", false, wait)
	}
	return nil
}

// settleDoubt decides what follows from the mark of a holder that is gone: the
// caller holds the lock. The error says that no token request may be made.
func (r *renewal[T]) settleDoubt(ctx context.Context, rec *record, stored *Generation[T], rejected bool) error {
	switch age := max(time.Since(rec.Doubt.Since), 0); {
	case stored != nil && stored.fresh() && !rejected:
		return errStillGood
	case !rec.Rotates:
		return nil
	case age < holderTime:
		return r.scheme.Restore("", false, holderTime-age)
	case r.scheme.Retakes() && !rec.Doubt.Again:
		return nil
	}
	dead := rec.next()
	dead.Dead = &death{Code: inDoubt, Since: time.Now()}
	err := r.scheme.Restore(inDoubt, true, 0)
	r.update(ctx, rec, dead)
	observe(r.scheme, Event[T]{Happened: ReauthRequired, Err: err})
	return err
}

// errStillGood says that a credential in doubt is not sent while the generation
// can be used.
var errStillGood = errors.New("the renewal before is in doubt, and the credential is still good")

// mark notes in the store that a single-use credential is about to be sent. mark
// returns false if somebody else has changed the record.
func (r *renewal[T]) mark(ctx context.Context, rec *record) (bool, error) {
	marked := *rec
	marked.Doubt = &doubt{Since: time.Now(), Again: rec.Doubt != nil}
	return r.replace(ctx, rec, marked)
}

// replace stores next in place of rec, and makes rec equal to next. replace
// returns false if somebody else has changed the record.
func (r *renewal[T]) replace(ctx context.Context, rec *record, next record) (swapped bool, err error) {
	next.raw = next.encode()
	swapped, err = r.swap(ctx, &unsaved{old: rec.raw, raw: next.raw})
	if swapped {
		*rec = next
	}
	return swapped, err
}

// update is replace for what is worth knowing but not worth failing for.
func (r *renewal[T]) update(ctx context.Context, rec *record, next record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	r.replace(ctx, rec, next)
}
