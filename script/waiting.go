package script

import (
	"runtime"
	"sync"
	"time"
)

// maxWaiting is how many bytes the runs of a tenant may keep until their responses: a
// variable for tests.
var maxWaiting int64 = 256 << 20

// runSize is what a run takes beside the snapshot of its machine.
const runSize = 2 << 10

// waiting counts what the runs of each tenant keep until their responses.
var waiting struct {
	sync.Mutex
	bytes     map[string]int64 // by tenant
	collected time.Time        // when the next garbage collection may be
}

// kept is what one run keeps.
type kept struct {
	tenant string
	bytes  int64
}

// keep counts n bytes that the run keeps. keep reports whether the tenant may have
// them.
func (r *run) keep(n int64) bool {
	limit := max(maxWaiting, r.memory)
	if !take(r.tenant, n, limit) && !(collect() && takeSoon(r.tenant, n, limit)) {
		return false
	}
	r.kept = &kept{r.tenant, n}
	runtime.AddCleanup(r, (*kept).release, r.kept) // a request that gets no response has no hook
	return true
}

func take(tenant string, n, limit int64) bool {
	waiting.Lock()
	defer waiting.Unlock()
	if waiting.bytes[tenant]+n > limit {
		return false
	}
	if waiting.bytes == nil {
		waiting.bytes = make(map[string]int64)
	}
	waiting.bytes[tenant] += n
	return true
}

// release gives back what a run has kept. The second release does nothing.
func (k *kept) release() {
	waiting.Lock()
	defer waiting.Unlock()
	waiting.bytes[k.tenant] -= k.bytes
	k.bytes = 0
	if waiting.bytes[k.tenant] == 0 {
		delete(waiting.bytes, k.tenant)
	}
}

// collect collects the runs whose requests have failed. collect takes at most a
// hundredth of the time, and reports whether there was a collection.
func collect() bool {
	waiting.Lock()
	defer waiting.Unlock()
	began := time.Now()
	if began.Before(waiting.collected) {
		return false
	}
	runtime.GC()
	waiting.collected = time.Now().Add(100 * time.Since(began))
	return true
}

// takeSoon is take after a collection: the runtime needs a moment to call release.
func takeSoon(tenant string, n, limit int64) bool {
	for range 50 {
		if take(tenant, n, limit) {
			return true
		}
		time.Sleep(100 * time.Microsecond)
	}
	return false
}
