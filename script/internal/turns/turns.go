// Package turns shares the processors of a program among tenants. Each tenant has the
// same share, however many messages the tenant has.
package turns

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// slice is how long a turn lasts while others wait.
const slice = time.Millisecond

// A Queue lets as many turns run at a time as there are processors. The zero value
// is ready to use.
type Queue struct {
	mu      sync.Mutex
	tenants map[string]*tenant // who has turns
	waiting []*tenant          // tenants with turns that have not begun; without those that have begun enough
	paused  []*Turn            // turns that have begun and do not run
	running int
	begun   int // running and paused turns
	active  int // tenants of these turns
	clock   time.Duration
}

// tenant is a tenant with turns. The tenant that has used the least time is next.
type tenant struct {
	name  string
	used  time.Duration // compared with Queue.clock: a tenant saves up nothing while idle
	begun int
	new   []*Turn
}

// A Turn is the right to run.
type Turn struct {
	queue  *Queue
	tenant *tenant
	since  time.Time     // when the turn began to run
	ran    time.Duration // how long the turn has run before
	urgent bool
	over   bool
	start  chan struct{} // receives when the turn may run; nil for a turn that never waited
}

// Enter waits for a turn of a tenant. Leave must follow. Enter returns ctx's error if
// ctx is done before the turn comes. An urgent turn is before the others of its tenant.
func (q *Queue) Enter(ctx context.Context, name string, urgent bool) (*Turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	t := q.tenants[name]
	if t == nil {
		if q.tenants == nil {
			q.tenants = make(map[string]*tenant)
		}
		t = &tenant{name: name, used: q.clock}
		q.tenants[name] = t
	}
	turn := &Turn{queue: q, tenant: t, urgent: urgent}
	if q.running < runtime.GOMAXPROCS(0) && len(q.waiting) == 0 && len(q.paused) == 0 && t.begun < perTenant() && q.mayBegin(t) {
		q.begin(t)
		q.run(turn)
		q.mu.Unlock()
		turn.since = time.Now()
		return turn, nil
	}
	turn.start = make(chan struct{}, 1)
	at := len(t.new)
	if urgent {
		if i := slices.IndexFunc(t.new, func(other *Turn) bool { return !other.urgent }); i >= 0 {
			at = i
		}
	}
	t.new = slices.Insert(t.new, at, turn)
	if len(t.new) == 1 && t.begun < perTenant() {
		q.waiting = append(q.waiting, t)
	}
	q.next()
	q.mu.Unlock()
	return turn, turn.wait(ctx)
}

// perTenant is how many turns of a tenant may have begun, and most is how many turns
// of all tenants: each has a machine with its memory. Beyond most, as many tenants may
// begin their first turn, so a tenant does not wait for a whole turn of another.
func perTenant() int { return runtime.GOMAXPROCS(0) }
func most() int      { return max(16, 4*runtime.GOMAXPROCS(0)) }

// mayBegin reports whether a tenant that waits may begin another turn.
func (q *Queue) mayBegin(t *tenant) bool {
	return q.begun < most() || t.begun == 0 && q.active < most()
}

// wait waits until the turn may run, or until ctx is done: then the turn is over.
func (t *Turn) wait(ctx context.Context) error {
	select {
	case <-t.start:
		t.since = time.Now()
		return nil
	case <-ctx.Done():
	}
	q := t.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-t.start: // the turn came meanwhile
		t.since = time.Now()
		q.leave(t)
		return ctx.Err()
	default:
	}
	if i := slices.Index(q.paused, t); i >= 0 {
		q.paused = slices.Delete(q.paused, i, i+1)
		q.end(t)
		return ctx.Err()
	}
	t.tenant.new = slices.DeleteFunc(t.tenant.new, func(other *Turn) bool { return other == t })
	if len(t.tenant.new) == 0 {
		q.waiting = slices.DeleteFunc(q.waiting, func(other *tenant) bool { return other == t.tenant })
		q.forget(t.tenant)
	}
	return ctx.Err()
}

// Ran returns how long the turn has run.
func (t *Turn) Ran() time.Duration { return t.ran + time.Since(t.since) }

// Yield lets others run if the turn has lasted long enough. After an error, which is
// ctx's, the turn is over.
func (t *Turn) Yield(ctx context.Context) error {
	if time.Since(t.since) < slice {
		return nil
	}
	runtime.Gosched() // Go's scheduler cannot interrupt the code of a machine
	q := t.queue
	q.mu.Lock()
	if len(q.waiting) == 0 && len(q.paused) == 0 {
		q.account(t)
		q.mu.Unlock()
		return nil
	}
	q.account(t)
	q.running--
	if t.start == nil {
		t.start = make(chan struct{}, 1)
	}
	q.paused = append(q.paused, t)
	q.next()
	q.mu.Unlock()
	return t.wait(ctx)
}

// Leave ends the turn. Leave of a turn that is over does nothing.
func (t *Turn) Leave() {
	t.queue.mu.Lock()
	defer t.queue.mu.Unlock()
	if !t.over {
		t.queue.leave(t)
	}
}

func (q *Queue) leave(t *Turn) {
	q.account(t)
	q.running--
	q.end(t)
}

// end forgets a turn that does not run.
func (q *Queue) end(t *Turn) {
	t.over = true
	q.begun--
	if t.tenant.begun--; t.tenant.begun == 0 {
		q.active--
	}
	if len(t.tenant.new) > 0 && t.tenant.begun == perTenant()-1 {
		q.waiting = append(q.waiting, t.tenant)
	}
	q.forget(t.tenant)
	q.next()
}

func (q *Queue) forget(t *tenant) {
	if t.begun == 0 && len(t.new) == 0 {
		delete(q.tenants, t.name)
	}
}

// account notes what a running turn has used.
func (q *Queue) account(t *Turn) {
	now := time.Now()
	used := now.Sub(t.since)
	t.since, t.ran = now, t.ran+used
	t.tenant.used += used
}

// next starts turns as long as processors are free.
func (q *Queue) next() {
	for q.running < runtime.GOMAXPROCS(0) {
		var turn *Turn
		for _, t := range q.paused {
			if turn == nil || t.tenant.used < turn.tenant.used {
				turn = t
			}
		}
		var first *tenant
		for _, t := range q.waiting {
			if q.mayBegin(t) && (first == nil || t.used < first.used) {
				first = t
			}
		}
		switch {
		case first != nil && (turn == nil || first.used <= turn.tenant.used):
			turn, first.new = first.new[0], first.new[1:]
			q.begin(first)
			if len(first.new) == 0 || first.begun == perTenant() {
				q.waiting = slices.DeleteFunc(q.waiting, func(t *tenant) bool { return t == first })
			}
		case turn != nil:
			q.paused = slices.DeleteFunc(q.paused, func(t *Turn) bool { return t == turn })
		default:
			return
		}
		q.run(turn)
		turn.start <- struct{}{}
	}
}

// begin counts another turn of a tenant.
func (q *Queue) begin(t *tenant) {
	if t.begun++; t.begun == 1 {
		q.active++
	}
	q.begun++
}

// run counts a turn that runs from now on.
func (q *Queue) run(t *Turn) {
	q.running++
	q.clock = max(q.clock, t.tenant.used)
}
