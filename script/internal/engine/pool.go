package engine

import (
	"bytes"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero/api"
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
	m.memory.limit = max(int(limit), len(e.image))
	return m, nil
}

// Put takes a machine back, and wipes what the machine's user has left. Put with nil
// does nothing.
func Put(m *Machine) {
	if m == nil {
		return
	}
	m.host, m.response, m.told = nil, nil, [2][]byte{}
	first, end, ok := m.used()
	if !ok {
		m.close()
		return
	}
	for at := first; at < end; at += block {
		if now, was := m.memory.buffer[at:at+block], m.engine.image[at:at+block]; !bytes.Equal(now, was) {
			copy(now, was)
		}
	}
	idle.Lock()
	defer idle.Unlock()
	if len(idle.machines) >= 2*runtime.GOMAXPROCS(0) {
		m.close()
		return
	}
	m.module.ExportedGlobal("low").(api.MutableGlobal).Set(1 << 30)
	idle.machines = append(idle.machines, m)
}

// used returns which part of the memory can differ from the image. ok says whether the
// machine can be used again.
func (m *Machine) used() (first, end int, ok bool) {
	if m.broken {
		return 0, 0, false
	}
	high, err := m.invoke("top")
	if err != nil || len(m.memory.buffer) != len(m.engine.image) {
		return 0, 0, false
	}
	low := m.module.ExportedGlobal("low").(api.MutableGlobal)
	// A function may use 128 bytes below the stack pointer, and the allocator a few
	// bytes behind the highest block.
	first = max(min(int(low.Get()), stackSize)-block, 0) / block * block
	end = min((int(max(uint32(high), m.engine.high))+2*block)/block*block, len(m.memory.buffer))
	return first, end, true
}

var zeros [block]byte

// A Snapshot is what a machine's user has left: the parts of the memory that differ
// from a new machine.
type Snapshot struct {
	size   int
	blocks []part
}

type part struct {
	at   int
	data []byte
}

// Save returns a snapshot of a machine whose last run is done.
func (m *Machine) Save() Snapshot {
	memory, image := m.bytes(), m.engine.image
	s := Snapshot{size: len(memory)}
	first, end, ok := m.used()
	if !ok {
		first, end = 0, len(memory)
	}
	for at := first; at < end; at += block {
		now := memory[at : at+block]
		was := zeros[:]
		if at < len(image) {
			was = image[at : at+block]
		}
		if bytes.Equal(now, was) {
			continue
		}
		s.blocks = append(s.blocks, part{at, bytes.Clone(now)})
	}
	return s
}

// Load makes a new machine the machine of the snapshot. Load reports whether the
// machine's limit of memory allows that.
func (m *Machine) Load(s Snapshot) bool {
	if more := s.size - len(m.bytes()); more > 0 {
		if _, ok := m.module.Memory().Grow(uint32(more / pageSize)); !ok {
			return false
		}
	}
	memory := m.bytes()
	if low := m.module.ExportedGlobal("low").(api.MutableGlobal); len(s.blocks) > 0 {
		low.Set(min(low.Get(), uint64(s.blocks[0].at)))
	}
	for _, p := range s.blocks {
		copy(memory[p.at:], p.data)
	}
	return true
}
