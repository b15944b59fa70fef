package renew_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/require"
)

// value is a credential: the Nth that the provider issued.
type value struct {
	N              int
	Issued, Expiry time.Time
	Damage         string `json:",omitempty"` // makes Encode fail
}

// engine is the Engine of a provider's value.
type engine struct {
	*renew.Engine[value]
	p renew.Scheme[value]
}

func newEngine(p renew.Scheme[value], store renew.Store) *engine {
	return &engine{renew.New[value](new(renew.Group), store, key), p}
}

func (e *engine) Get(ctx context.Context) (*generation, error) { return e.Engine.Get(ctx, e.p) }

func (e *engine) Replace(ctx context.Context, rejected *generation) (*generation, error) {
	return e.Engine.Replace(ctx, e.p, rejected)
}

func (e *engine) ReplaceLater(ctx context.Context, rejected *generation) {
	_ = e.Engine.ReplaceLater(ctx, e.p, rejected)
}

func (e *engine) Set(ctx context.Context, v *value) error { return e.Engine.Set(ctx, e.p, v) }

type (
	generation = renew.Generation[value]
	event      = renew.Event[value]
)

const key = "alice/service"

var (
	errTemporary = errors.New("try later")
	errInDoubt   = errors.New("answer lost")
	errRefused   = errors.New("wrong client secret")
	errDead      = errors.New("invalid grant")
)

// retryAfter is a temporary error with a time.
type retryAfter time.Duration

func (retryAfter) Error() string { return "try later still" }

// provider issues values that serve for one renewal each, as providers with
// reuse detection do. It is the Scheme too.
type provider struct {
	life, delay time.Duration
	free        bool                  // grants a value to whoever has none
	reusable    bool                  // a value serves for several renewals
	grace       bool                  // takes a value again
	login       string                // what the owner typed
	identity    string                // whose values; empty means the provider's
	former      string                // the identity before
	endpoint    string                // where requests go; empty means no limit
	most        int                   // requests at one time
	before      func(n int) error     // answers the nth request in the provider's stead
	after       func(n int) error     // loses the answer to the nth request
	hook        func(context.Context) // sees the context of requests
	observe     func(event)

	mu       sync.Mutex
	last     int // the value that is good for renewal
	reused   int
	requests []time.Time
	tried    []int // what the requests were for; 0 for none
	events   []event
}

func (p *provider) Renew(ctx context.Context, old *value) (*value, error) {
	issued := time.Now()
	p.mu.Lock()
	p.requests = append(p.requests, issued)
	n, tried := len(p.requests), 0
	if old != nil {
		tried = old.N
	}
	p.tried = append(p.tried, tried)
	p.mu.Unlock()
	if p.hook != nil {
		p.hook(ctx)
	}
	if p.delay > 0 {
		select {
		case <-time.After(p.delay):
		case <-ctx.Done():
			return nil, errInDoubt
		}
	}
	if p.before != nil {
		if err := p.before(n); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if old == nil && !p.free {
		return nil, errDead
	}
	if old != nil && tried != p.last {
		p.reused++
		return nil, errDead
	}
	p.last++
	next := &value{N: p.last, Issued: issued}
	if p.life > 0 {
		next.Expiry = issued.Add(p.life)
	}
	if p.after != nil {
		if err := p.after(n); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func (p *provider) Verdict(err error) renew.Verdict {
	var after retryAfter
	switch {
	case errors.As(err, &after):
		return renew.Verdict{After: time.Duration(after)}
	case errors.Is(err, errInDoubt):
		return renew.Verdict{Kind: renew.InDoubt}
	case errors.Is(err, errRefused):
		return renew.Verdict{Kind: renew.Refused}
	case errors.Is(err, errDead):
		return renew.Verdict{Kind: renew.Dead}
	}
	return renew.Verdict{}
}

func (p *provider) Expiry(v *value) (issued, expiry time.Time) { return v.Issued, v.Expiry }

func (p *provider) Lead() time.Duration { return lead }

func (p *provider) Identity() string              { return cmp.Or(p.identity, "the provider") }
func (p *provider) Succeeds(identity string) bool { return identity == p.former && p.former != "" }
func (p *provider) Login(stored string) (string, bool) {
	return p.login, stored == "" || stored == p.login
}
func (p *provider) Endpoint() renew.Endpoint      { return renew.Endpoint{URL: p.endpoint, Most: p.most} }
func (p *provider) Alone() bool                   { return p.free }
func (p *provider) SingleUse(*value) bool         { return !p.reusable }
func (p *provider) Rotated(old, next *value) bool { return old.N != next.N }
func (p *provider) Retakes() bool                 { return p.grace }
func (p *provider) Secrets(*value) []string       { return nil }

func (p *provider) Restore(_ *value, code string, dead bool, after time.Duration) error {
	if dead {
		return fmt.Errorf("%w (%s)", errDead, code)
	}
	return fmt.Errorf("%w: %w", errTemporary, retryAfter(after))
}

func (p *provider) Encode(v *value) ([]byte, error) {
	if v.Damage != "" {
		return nil, errors.New(v.Damage)
	}
	return json.Marshal(v)
}

func (p *provider) Decode(stored []byte) (*value, error) {
	v := new(value)
	return v, json.Unmarshal(stored, v)
}

func (p *provider) Observe(e event) {
	p.mu.Lock()
	p.events = append(p.events, e)
	p.mu.Unlock()
	if p.observe != nil {
		p.observe(e)
	}
}

// count returns how many token requests there were.
func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

// happened returns what was observed since the last call, without the beginnings.
func (p *provider) happened() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.Happened != renew.Renewing {
			list = append(list, e.Happened)
		}
	}
	p.events = nil
	return list
}

// grant issues a value as the account owner's consent does.
func (p *provider) grant() *value {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	v := &value{N: p.last, Issued: time.Now()}
	if p.life > 0 {
		v.Expiry = v.Issued.Add(p.life)
	}
	return v
}

// sharedStore keeps one value, and fails on demand.
type sharedStore struct {
	before func(op string) error // the operation does not happen
	after  func(op string) error // it happened, and its answer is lost

	mu     sync.Mutex
	value  []byte // nil: absent
	ops    []string
	locked chan struct{}
}

func newStore(v *value) *sharedStore {
	s := &sharedStore{locked: make(chan struct{}, 1)}
	if v != nil {
		s.put(v)
	}
	return s
}

func (s *sharedStore) put(v *value) {
	raw, err := json.Marshal(map[string]any{"v": 2, "identity": "the provider", "value": v})
	if err != nil {
		panic(err)
	}
	s.set(raw)
}

func (s *sharedStore) set(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = raw
}

// n returns the stored value's N, 0 if it is absent.
func (s *sharedStore) n(t *testing.T) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value == nil {
		return 0
	}
	var record struct{ Value value }
	require.NoError(t, json.Unmarshal(s.value, &record))
	return record.Value.N
}

func (s *sharedStore) do(ctx context.Context, op string, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.before != nil {
		if err := s.before(op); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.ops = append(s.ops, op)
	f()
	s.mu.Unlock()
	if s.after != nil {
		return s.after(op)
	}
	return nil
}

func (s *sharedStore) Load(ctx context.Context, k string) (raw []byte, ok bool, err error) {
	if k != key {
		panic("wrong key")
	}
	err = s.do(ctx, "load", func() { raw, ok = bytes.Clone(s.value), s.value != nil })
	return raw, ok, err
}

func (s *sharedStore) Save(ctx context.Context, _ string, raw []byte) error {
	return s.do(ctx, "save", func() { s.value = bytes.Clone(raw) })
}

func (s *sharedStore) Delete(ctx context.Context, _ string) error {
	return s.do(ctx, "delete", func() { s.value = nil })
}

func (s *sharedStore) Lock(ctx context.Context, _ string) (renew.Lease, error) {
	select {
	case s.locked <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.do(ctx, "lock", func() {}); err != nil {
		<-s.locked
		return nil, err
	}
	return fakeLease(sync.OnceFunc(func() {
		<-s.locked
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ops = append(s.ops, "unlock")
	})), nil
}

// fakeLease is a lock that is never lost. The function releases the lock.
type fakeLease func()

func (fakeLease) Check(ctx context.Context) error { return ctx.Err() }
func (fakeLease) Lost() <-chan struct{}           { return nil }
func (unlock fakeLease) Unlock()                  { unlock() }

func (s *sharedStore) CompareAndSwap(ctx context.Context, _ string, old, new []byte) (swapped bool, err error) {
	op := "swap"
	if bytes.Contains(new, []byte(`"doubt":`)) {
		op = "mark"
	}
	err = s.do(ctx, op, func() {
		if swapped = (old == nil) == (s.value == nil) && bytes.Equal(old, s.value); swapped {
			s.value = bytes.Clone(new)
		}
	})
	return swapped, err
}

// isLocked reports whether somebody holds the lock once all goroutines of the
// bubble wait: a value may be known before its renewal gives the lock back.
func (s *sharedStore) isLocked() bool {
	synctest.Wait()
	return len(s.locked) > 0
}

// done returns the operations since the last call.
func (s *sharedStore) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := s.ops
	s.ops = nil
	return ops
}

// plainStore hides what is shared about a sharedStore.
type plainStore struct{ s *sharedStore }

func (p plainStore) Load(ctx context.Context, k string) ([]byte, bool, error) {
	return p.s.Load(ctx, k)
}
func (p plainStore) Save(ctx context.Context, k string, raw []byte) error {
	return p.s.Save(ctx, k, raw)
}
func (p plainStore) Delete(ctx context.Context, k string) error { return p.s.Delete(ctx, k) }

// writes reports whether op is a store's write of a value. A mark is none.
func writes(op string) bool { return op == "save" || op == "swap" }

// failing returns a hook that fails the given operations while it is on.
func failing(on *atomicBool, ops ...string) func(string) error {
	return func(op string) error {
		if on.get() && (len(ops) == 0 || slices.Contains(ops, op)) {
			return errors.New("store down")
		}
		return nil
	}
}

type atomicBool struct {
	mu sync.Mutex
	on bool
}

func (b *atomicBool) set(on bool) { b.mu.Lock(); b.on = on; b.mu.Unlock() }
func (b *atomicBool) get() bool   { b.mu.Lock(); defer b.mu.Unlock(); return b.on }

// kinds runs a test with a shared and with a plain store, in a synctest bubble.
func kinds(t *testing.T, test func(t *testing.T, open func(v *value) (renew.Store, *sharedStore))) {
	t.Run("shared", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t, func(v *value) (renew.Store, *sharedStore) { s := newStore(v); return s, s })
		})
	})
	t.Run("plain", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t, func(v *value) (renew.Store, *sharedStore) { s := newStore(v); return plainStore{s}, s })
		})
	})
}

const lead = 5 * time.Minute

// start returns an engine whose present generation is p's first value.
func start(t *testing.T, p *provider, store renew.Store) *engine {
	t.Helper()
	e := newEngine(p, store)
	require.NoError(t, e.Set(t.Context(), p.grant()))
	p.happened()
	return e
}

// got returns the N that Get gives.
func got(t *testing.T, e *engine) int {
	t.Helper()
	g, err := e.Get(t.Context())
	require.NoError(t, err)
	return g.Value.N
}

// present returns the present generation for Replace.
func present(t *testing.T, e *engine) *generation {
	t.Helper()
	g, err := e.Get(t.Context())
	require.NoError(t, err)
	return g
}
