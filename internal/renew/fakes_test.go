package renew_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
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
