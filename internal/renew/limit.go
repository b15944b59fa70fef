package renew

import (
	"context"
	"slices"
	"time"
)

// maxEndpointPause is the longest pause of an endpoint. A provider may mean one
// account by a long Retry-After, and the other accounts must not wait for hours.
const maxEndpointPause = time.Minute

// An endpoint bounds the token requests that are made to one place at a time.
type endpoint struct {
	busy   int             // requests under way
	queue  []chan struct{} // of those who wait; closed to let its owner go on
	paused time.Time       // no request before this time
}

// enter waits until a token request to the endpoint of that name may be made, at
// most so many at a time. first says that the caller goes before all others who
// wait. The caller calls leave once after the request.
func (g *Group) enter(ctx context.Context, name string, most int, first bool) (leave func(), err error) {
	if name == "" {
		return func() {}, nil
	}
	g.mu.Lock()
	p := g.endpoint(name)
	if p.busy < most && len(p.queue) == 0 {
		p.busy++
		g.mu.Unlock()
		return func() { g.leave(name) }, nil
	}
	turn := make(chan struct{})
	if first {
		p.queue = slices.Insert(p.queue, 0, turn)
	} else {
		p.queue = append(p.queue, turn)
	}
	g.mu.Unlock()
	select {
	case <-turn:
		return func() { g.leave(name) }, nil
	case <-ctx.Done():
		g.giveUp(name, turn)
		return nil, context.Cause(ctx)
	}
}

// endpoint returns the endpoint of that name. g.mu is held.
func (g *Group) endpoint(name string) *endpoint {
	p := g.endpoints[name]
	if p == nil {
		if g.endpoints == nil {
			g.endpoints = make(map[string]*endpoint)
		}
		p = new(endpoint)
		g.endpoints[name] = p
	}
	return p
}

// leave lets the next in the queue go on.
func (g *Group) leave(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.endpoints[name]
	if len(p.queue) > 0 {
		close(p.queue[0])
		p.queue = p.queue[1:]
		return
	}
	p.busy--
	if p.busy == 0 && time.Until(p.paused) <= 0 {
		delete(g.endpoints, name)
	}
}

// giveUp takes turn out of the queue.
func (g *Group) giveUp(name string, turn chan struct{}) {
	g.mu.Lock()
	p := g.endpoints[name]
	for i, other := range p.queue {
		if other == turn {
			p.queue = append(p.queue[:i:i], p.queue[i+1:]...)
			g.mu.Unlock()
			return
		}
	}
	g.mu.Unlock()
	g.leave(name) // the turn came at the same time
}

// pause stops new token requests to an endpoint, because the provider asked for a
// pause.
func (g *Group) pause(name string, d time.Duration) {
	if name == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for other, p := range g.endpoints { // an endpoint that nobody uses any more
		if p.busy == 0 && len(p.queue) == 0 && time.Until(p.paused) <= 0 {
			delete(g.endpoints, other)
		}
	}
	p := g.endpoint(name)
	if until := time.Now().Add(min(d, maxEndpointPause)); until.After(p.paused) {
		p.paused = until
	}
}

// paused returns how long no token request may be made to an endpoint.
func (g *Group) paused(name string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.endpoints[name]; p != nil {
		return min(time.Until(p.paused), maxEndpointPause)
	}
	return 0
}
