package accounts

import (
	"context"
	"sync"
	"time"
)

// The limits of a gate.
const (
	gateTurns    = 16          // accounts of one definition at one time
	longestPause = time.Minute // as of connectorauth.Shared: a provider may mean one account
)

// A gate keeps the sweeps of a process from the provider of a definition: a provider that is
// slow, or asks for a pause, holds up its own accounts alone.
type gate struct {
	turns chan struct{}

	mu     sync.Mutex
	paused time.Time // no account is attended to before this time
	told   time.Time // when tells has returned true last
}

// gates are the gates of a Registry, by the name of the definition. The zero value is ready
// to use.
type gates struct {
	mu sync.Mutex
	of map[string]*gate
}

func (g *gates) get(definition string) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of = map[string]*gate{}
	}
	if g.of[definition] == nil {
		g.of[definition] = &gate{turns: make(chan struct{}, gateTurns)}
	}
	return g.of[definition]
}

// enter waits for a turn, until ctx ends or closing is closed. With a turn, the caller calls
// leave. Without, pause is how long the provider has asked to wait; 0 means no
// turn.
func (g *gate) enter(ctx context.Context, closing <-chan struct{}) (entered bool, pause time.Duration) {
	if pause = g.pause(0); pause > 0 {
		return false, pause
	}
	if ctx.Err() != nil {
		return false, 0
	}
	select {
	case g.turns <- struct{}{}:
	case <-ctx.Done():
		return false, 0
	case <-closing:
		return false, 0
	}
	if pause = g.pause(0); pause > 0 { // since others before were told so
		g.leave()
		return false, pause
	}
	return true, 0
}

func (g *gate) leave() { <-g.turns }

// pause lets nobody enter for d, and returns how long nobody may enter.
func (g *gate) pause(d time.Duration) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(min(d, longestPause)); until.After(g.paused) && d > 0 {
		g.paused = until
	}
	return time.Until(g.paused)
}

// tells reports whether to log a mistake, which all accounts of a definition share: once in a
// while.
func (g *gate) tells() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.told) < unfit {
		return false
	}
	g.told = time.Now()
	return true
}
