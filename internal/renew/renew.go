// Package renew keeps one renewable credential fresh: one renewal per
// generation over goroutines and processes, saved before use, shared by all
// who wait for it.
package renew

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Store is where generations live between processes. The methods are those of
// the library's TokenStore.
type Store interface {
	Load(ctx context.Context, key string) (value []byte, ok bool, err error)
	Save(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
}

// SharedStore is a Store that several processes share; the methods are those of
// the library's SharedTokenStore.
type SharedStore interface {
	Store
	Lock(ctx context.Context, key string) (unlock func(), err error)
	CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error)
}

// A Scheme is what differs from one kind of credential to the next. Its methods
// are called from several goroutines.
type Scheme[T any] interface {
	// Renew makes the one token request. old is nil if there is no credential
	// yet. The context is bounded and outlives the caller that wanted the renewal.
	// With an error it may return a value all the same: what old has become by a
	// request that failed, as when it brought a refresh token alone. That takes the
	// place of old.
	Renew(ctx context.Context, old *T) (*T, error)
	// Verdict classifies an error of Renew.
	Verdict(err error) Verdict
	// Expiry returns when the value was issued and when it expires; a zero expiry
	// means that only a rejection tells.
	Expiry(value *T) (issued, expiry time.Time)
	// Encode and Decode turn a value into what the store holds and back.
	Encode(value *T) ([]byte, error)
	Decode(stored []byte) (*T, error)
	// Lead is how long before its expiry a value is renewed in the background, at
	// most a fifth of its lifetime.
	Lead() time.Duration
	// Observe is told what happened. Observe must not block for long.
	Observe(Event[T])
}

// A Verdict says what an error of Renew means.
type Verdict struct {
	Kind  Kind
	After time.Duration // the least time until the next try, as a provider's Retry-After says
}

// Kind tells errors of Renew apart.
type Kind int

const (
	// Temporary: try again later.
	Temporary Kind = iota
	// InDoubt: the request was sent and the answer lost, so that a single-use
	// credential may be spent. It is sent again only once the present generation
	// has nothing left to lose, because it expired or was rejected.
	InDoubt
	// Refused: the request itself is wrong (a client secret, say). Trying again
	// soon is useless, but the credential is not to blame.
	Refused
	// Dead: the credential is no longer good for renewal.
	Dead
)

// An Event is something that happened to the credential.
type Event[T any] struct {
	Happened string
	Value    *T            // the generation concerned; nil if there is none
	Err      error         // for the failures
	Took     time.Duration // for Renewed, Failed and Died: the time of the token request
}

// What can happen.
const (
	Renewed    = "renewed"         // a token request succeeded
	Failed     = "renewal_failed"  // a token request failed for now
	Died       = "reauth_required" // a token request failed for good
	Saved      = "saved"           // the store has the new generation
	SaveFailed = "save_failed"     // the store did not take it; it is kept in memory
	Adopted    = "adopted"         // the store held another generation, made by somebody else
)

const (
	flightTimeout = 90 * time.Second // one renewal
	lockTimeout   = 45 * time.Second // of that, until the lock is held; a token request needs the rest
	minBackoff    = time.Second
	maxBackoff    = time.Minute
	refusedWait   = time.Minute // after an error of kind Refused
	maxRetryAfter = time.Hour
	contestedWait = time.Minute // a generation rejected as soon as it was made is not renewed for this long
)

// ErrContested is returned by Replace for a generation that was rejected on its
// first use: the next one would fare no better, and renewing for each request
// would only load the provider.
var ErrContested = errors.New("the credential was rejected right after it was renewed")

// A Generation is one value of the credential. It is immutable.
type Generation[T any] struct {
	Value *T

	expiry  time.Time // zero: unknown
	renewAt time.Time // when early renewal begins, zero without an expiry
	sum     sum       // of what the store holds for it
	unsaved *unsaved  // what saving it later takes; nil if the store took it at once

	contested atomic.Int64 // until when, in Unix nanoseconds
}

// sum identifies a stored value; that of an absent one is zero.
type sum = [sha256.Size]byte

func digest(raw []byte) (s sum) {
	if raw != nil {
		s = sha256.Sum256(raw)
	}
	return s
}

// fresh reports whether the generation may still be used.
func (g *Generation[T]) fresh() bool {
	return g.expiry.IsZero() || time.Until(g.expiry) > 0
}

func (g *Generation[T]) isContested() bool {
	until := g.contested.Load()
	return until != 0 && time.Now().UnixNano() < until
}

// An Engine keeps one credential. It is safe for concurrent use and has no
// goroutine of its own between renewals.
type Engine[T any] struct {
	store Store // nil: memory only
	key   string

	current atomic.Pointer[Generation[T]]

	// writing holds an element while somebody changes what the store holds; nil
	// without one. Unlike a mutex it may be held for long, and within a synctest
	// bubble.
	writing chan struct{}

	mu      sync.Mutex // guards what follows; never held while calling out
	flight  *flight[T]
	failure *failure
	saver   *saver
}

// New returns an Engine for the value that store holds under key. A nil store
// keeps the value in memory alone.
func New[T any](store Store, key string) *Engine[T] {
	e := &Engine[T]{store: store, key: key}
	if store != nil {
		e.writing = make(chan struct{}, 1)
	}
	return e
}

// Get returns the present generation, renewed if it has expired. It takes no
// lock while the generation is good.
func (e *Engine[T]) Get(ctx context.Context, s Scheme[T]) (*Generation[T], error) {
	g := e.current.Load()
	if g != nil && (g.renewAt.IsZero() || time.Until(g.renewAt) > 0) {
		return g, nil
	}
	if g != nil && g.fresh() {
		e.renewEarly(ctx, s, g)
		return g, nil
	}
	return e.await(ctx, s, g)
}

// Replace returns a generation other than rejected, which the API did not
// accept: the present one if that is another by now, else a renewed one.
func (e *Engine[T]) Replace(ctx context.Context, s Scheme[T], rejected *Generation[T]) (*Generation[T], error) {
	if e.current.Load() != rejected {
		return e.Get(ctx, s)
	}
	if rejected.isContested() {
		return nil, ErrContested
	}
	return e.await(ctx, s, rejected)
}

// ReplaceLater starts what Replace does, without waiting for the outcome.
func (e *Engine[T]) ReplaceLater(ctx context.Context, s Scheme[T], rejected *Generation[T]) {
	if !rejected.isContested() {
		e.join(ctx, s, rejected)
	}
}

// Contest notes that g was rejected although it had just been made.
func (e *Engine[T]) Contest(g *Generation[T]) {
	g.contested.Store(time.Now().Add(contestedWait).UnixNano())
}

// Set makes value the present generation, as after the account owner's consent,
// and saves it. On an error of the store the value is in use all the same, and
// saving it is tried again in the background; not so if ctx ended while another
// generation was being saved.
func (e *Engine[T]) Set(ctx context.Context, s Scheme[T], value *T) error {
	if e.store == nil {
		e.install(newGeneration(s, value, nil))
		return nil
	}
	raw, err := s.Encode(value)
	if err != nil {
		return err
	}
	g := newGeneration(s, value, raw)
	err = e.saveSet(ctx, s, g, raw)
	observeSaved(s, g, err)
	return err
}

// install makes g the present generation. A flight under way renews what is no
// longer wanted.
func (e *Engine[T]) install(g *Generation[T]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failure = nil
	e.current.Store(g)
	if e.flight != nil {
		e.flight.end(g, nil)
		e.flight = nil
	}
}

// renewEarly starts to replace g, which is good for some time yet, unless a
// recent failure advises against it.
func (e *Engine[T]) renewEarly(ctx context.Context, s Scheme[T], g *Generation[T]) {
	if g.isContested() || !e.mu.TryLock() {
		return // whoever holds the lock is at it
	}
	defer e.mu.Unlock()
	if e.flight == nil && e.current.Load() == g && (e.failure == nil || e.failure.allowsEarly()) {
		e.start(ctx, s, g)
	}
}

// await waits for a generation other than stale, or for ctx.
func (e *Engine[T]) await(ctx context.Context, s Scheme[T], stale *Generation[T]) (*Generation[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f := e.join(ctx, s, stale)
	select {
	case <-f.done:
		return f.gen, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// join returns the flight that replaces stale, started if there is none.
func (e *Engine[T]) join(ctx context.Context, s Scheme[T], stale *Generation[T]) *flight[T] {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g := e.current.Load(); g != stale { // somebody was faster
		return landed(g, nil)
	}
	if e.flight != nil {
		return e.flight
	}
	if f := e.failure; f != nil && f.active() && e.store == nil {
		return landed[T](nil, f.err) // with a store, the flight looks there first
	}
	return e.start(ctx, s, stale)
}

// start begins the flight that replaces stale; e.mu is held.
func (e *Engine[T]) start(ctx context.Context, s Scheme[T], stale *Generation[T]) *flight[T] {
	e.flight = &flight[T]{done: make(chan struct{})}
	go e.fly(context.WithoutCancel(ctx), s, e.flight, stale)
	return e.flight
}

// newGeneration wraps value, which the store holds as raw, with the times of its
// life. Early renewal begins up to a fifth of its lead late, at random, so that
// replicas do not all come at once.
func newGeneration[T any](s Scheme[T], value *T, raw []byte) *Generation[T] {
	g := &Generation[T]{Value: value, sum: digest(raw)}
	issued, expiry := s.Expiry(value)
	if expiry.IsZero() {
		return g
	}
	now := time.Now()
	lifetime := max(expiry.Sub(issued), 0)
	// Stored times are another clock's. One that is ahead must not prolong a life.
	left := min(expiry.Sub(now.Round(0)), lifetime)
	g.expiry = now.Add(left)
	g.renewAt = g.expiry.Add(-jitter(min(s.Lead(), lifetime/5), 0.8, 1))
	return g
}

// jitter returns a random part of d, from lo to hi times.
func jitter(d time.Duration, lo, hi float64) time.Duration {
	var b [8]byte
	rand.Read(b[:])
	random := float64(binary.NativeEndian.Uint64(b[:])) / math.MaxUint64
	return time.Duration(float64(d) * (lo + (hi-lo)*random))
}

// observe tells the scheme. A panic of the importer's observer must not cost
// the token that it was told about.
func observe[T any](s Scheme[T], event Event[T]) {
	shielded(func() { s.Observe(event) })
}

// shielded calls f, which is the importer's code, and survives its panic.
func shielded(f func()) {
	defer func() { _ = recover() }()
	f()
}
