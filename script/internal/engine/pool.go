package engine

import (
	"runtime"
	"sync"
)

// idle are machines that are ready to run. There are never many more machines at
// work than turns.
var idle struct {
	sync.Mutex
	machines []*Machine
}

// Get returns a machine that nobody has used, with this limit of memory in bytes.
// Give the machine back with Put.
func Get(limit int64) (*Machine, error) {
	e, err := load()
	if err != nil {
		return nil, err
	}
	idle.Lock()
	var m *Machine
	if n := len(idle.machines); n > 0 {
		m, idle.machines = idle.machines[n-1], idle.machines[:n-1]
	}
	idle.Unlock()
	if m == nil {
		if m, err = e.newMachine(); err != nil {
			return nil, err
		}
	}
	m.memory.limit = int(limit)
	return m, nil
}

// Put takes a machine back, and wipes what the machine's user has left. Put with nil
// does nothing.
func Put(m *Machine) {
	if m == nil {
		return
	}
	m.host, m.response, m.told = nil, nil, [2][]byte{}
	if len(m.memory.buffer) != len(m.engine.image) { // a memory does not shrink
		m.close()
		return
	}
	m.wipe()
	m.global("sp").Set(m.engine.sp)
	idle.Lock()
	defer idle.Unlock()
	if len(idle.machines) >= 2*runtime.GOMAXPROCS(0) {
		m.close()
		return
	}
	idle.machines = append(idle.machines, m)
}
