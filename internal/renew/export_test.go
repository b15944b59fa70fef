package renew

import "context"

// Engines returns how many Engines a Group remembers.
func Engines(g *Group) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.engines)
}

// Look looks into the store, as a new connector does.
func Look[T any](ctx context.Context, r *Reader[T]) { r.look(ctx) }

// Endpoints returns how many endpoints a Group remembers.
func Endpoints(g *Group) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.endpoints)
}

// ErrStuck is for tests.
var ErrStuck = errStuck
