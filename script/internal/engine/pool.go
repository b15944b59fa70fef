package engine

import (
	"bytes"
	"runtime"
	"sync"
)

// block is the size of the parts in which memory is compared and copied.
const block = 1 << 10

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
	first, end := m.used()
	for at := first; at < end; at += block {
		if now, was := m.memory.buffer[at:at+block], m.engine.image[at:at+block]; !bytes.Equal(now, was) {
			copy(now, was)
		}
	}
	m.global("low").Set(1 << 30)
	m.global("sp").Set(m.engine.sp)
	m.broken = false
	idle.Lock()
	defer idle.Unlock()
	if len(idle.machines) >= 2*runtime.GOMAXPROCS(0) {
		m.close()
		return
	}
	idle.machines = append(idle.machines, m)
}

// used returns which part of the memory can differ from the image, or from zero. All
// may if a run was ended in the middle.
func (m *Machine) used() (first, end int) {
	size := len(m.memory.buffer)
	if m.broken || size != len(m.engine.image) {
		return 0, size
	}
	high, err := m.invoke("top")
	if err != nil {
		return 0, size
	}
	// A function may use 128 bytes below the stack pointer, and the allocator a few
	// bytes behind the highest block.
	first = max(min(int(m.global("low").Get()), stackSize)-block, 0) / block * block
	end = min((int(max(uint32(high), m.engine.high))+2*block)/block*block, size)
	return first, end
}
