package renew

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrShutdown is the error of a renewal that would begin after Shutdown.
var ErrShutdown = errors.New("connectorauth: no token request is made any more: Shutdown was called")

// work is something that Shutdown waits for.
type work struct {
	account string
	hurry   func() // called when Shutdown begins
}

// Begin notes that something is under way that must not be cut off: see Shutdown.
// The caller calls end once. After Shutdown, Begin returns ErrShutdown.
func (g *Group) Begin(account string) (end func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrShutdown
	}
	return g.note(&work{account, func() {}}), nil
}

// begin notes a work that may go on in a hurry after Shutdown, and that tells the
// difference itself.
func (g *Group) begin(account string, hurry func()) (end func()) {
	g.mu.Lock()
	closed, end := g.closed, g.note(&work{account, hurry})
	g.mu.Unlock()
	if closed {
		hurry()
	}
	return end
}

// note adds w. g.mu is held.
func (g *Group) note(w *work) (end func()) {
	if g.works == nil {
		g.works = make(map[*work]struct{})
	}
	g.works[w] = struct{}{}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.works, w)
	}
}

// Shutdown prevents new token requests, and waits until those under way have ended
// and their outcome is saved. If ctx ends before, the error names the accounts that
// are not saved.
func (g *Group) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	var hurry []func()
	for w := range g.works {
		hurry = append(hurry, w.hurry)
	}
	g.mu.Unlock()
	for _, f := range hurry {
		f()
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := g.unfinished()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return unfinishedError(context.Cause(ctx), left)
		}
	}
}

// unfinished returns the accounts with work under way.
func (g *Group) unfinished() (accounts []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for w := range g.works {
		accounts = append(accounts, fmt.Sprintf("%q", w.account))
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

func unfinishedError(cause error, accounts []string) error {
	const most = 10
	rest := ""
	if n := len(accounts) - most; n > 0 {
		rest, accounts = fmt.Sprintf(" and %d more", n), accounts[:most]
	}
	return fmt.Errorf("connectorauth: Shutdown: %w before the tokens of these accounts were saved: %s%s", cause, strings.Join(accounts, ", "), rest)
}
