package engine

import (
	"bytes"
	"encoding/binary"
)

const (
	unit  = 32      // size of the parts of a snapshot
	block = 1 << 10 // size of the parts in which memory is compared
)

var zeros [block]byte

// A Snapshot is what a machine's user has left: the parts of the memory that differ
// from a new machine.
type Snapshot struct {
	size  int // of the memory
	parts []part
	data  []byte // of all parts
}

// part is where a part begins, and how many bytes are in the part.
type part struct{ at, n uint32 }

// Size returns how many bytes the snapshot takes.
func (s *Snapshot) Size() int { return cap(s.data) + 8*cap(s.parts) }

// Save returns a snapshot of a machine whose last run is done. Save clears what is
// free: the machine can run again, but has less to keep.
func (m *Machine) Save() (Snapshot, error) {
	end, err := m.clear()
	if err != nil {
		return Snapshot{}, err
	}
	memory, image := m.bytes(), m.engine.image
	s := Snapshot{size: len(memory)}
	total := 0
	for at := int(m.engine.sp) / block * block; at < max(end, int(m.engine.high)); at += block { // nothing is on the stack
		if !m.written(at) {
			continue
		}
		was := zeros[:]
		if at < len(image) {
			was = image[at : at+block]
		}
		if bytes.Equal(memory[at:at+block], was) {
			continue
		}
		for i := 0; i < block; i += unit {
			if isMark := at+i >= m.engine.cards && at+i < m.engine.cards+pad+cards; isMark || bytes.Equal(memory[at+i:at+i+unit], was[i:i+unit]) {
				continue
			}
			total += unit
			if n := len(s.parts); n > 0 && s.parts[n-1].at+s.parts[n-1].n == uint32(at+i) {
				s.parts[n-1].n += unit
			} else {
				s.parts = append(s.parts, part{uint32(at + i), unit})
			}
		}
	}
	s.data = make([]byte, 0, total)
	for _, p := range s.parts {
		s.data = append(s.data, memory[p.at:p.at+p.n]...)
	}
	s.parts = append(make([]part, 0, len(s.parts)), s.parts...)
	return s, nil
}

// Load makes a new machine the machine of the snapshot. Load reports whether the
// machine's limit of memory allows that.
func (m *Machine) Load(s *Snapshot) bool {
	if more := s.size - len(m.bytes()); more > 0 {
		if _, ok := m.module.Memory().Grow(uint32(more / pageSize)); !ok {
			return false
		}
	}
	memory, data := m.bytes(), s.data
	for _, p := range s.parts {
		copy(memory[p.at:], data[:p.n])
		m.mark(int(p.at), int(p.n))
		data = data[p.n:]
	}
	return true
}

// The blocks of the allocator (dlmalloc) follow one another. A block begins with the
// size of the block before, and its own size with two flags, and a free block goes on
// with links.
const (
	overhead   = 8
	alignment  = 16
	inUse      = 2
	flags      = 7
	fence      = 7   // the end of a part of the heap
	smallLinks = 16  // where the memory begins in a free block
	largeLinks = 32  // the same in a block of a tree
	large      = 256 // size of the smallest block of a tree
)

// clear sets free memory to zero, and returns where the used memory ends.
func (m *Machine) clear() (end int, err error) {
	if _, err := m.invoke("collect"); err != nil {
		return 0, err
	}
	high, err := m.invoke("top")
	if err != nil {
		return 0, err
	}
	memory := m.bytes()
	clear(memory[m.engine.inbox:][:2*box])
	top := min(int(high)+block, len(memory)) // behind the highest block is at most the beginning of a free one
	end = m.engine.heap
	for at := m.engine.heap; at+overhead <= top; {
		head := binary.LittleEndian.Uint32(memory[at+4:])
		size := int(head &^ flags)
		if head == fence { // the heap goes on in the next page, behind a few zeros
			for at = (at+pageSize-1)/pageSize*pageSize + overhead; at+overhead <= top && binary.LittleEndian.Uint32(memory[at+4:]) == 0; {
				at += alignment
			}
			continue
		}
		if head&flags == 0 { // the end of the heap
			break
		}
		if size <= 0 {
			return 0, ErrTrap
		}
		if head&inUse != 0 {
			end = at + size + overhead
		} else {
			links := smallLinks
			if size >= large {
				links = largeLinks
			}
			if from, to := at+links, min(at+size, top); from < to {
				clear(memory[from:to])
				m.mark(from, to-from)
			}
		}
		at += size
	}
	end = min((end+largeLinks+block-1)/block*block, len(memory))
	_, err = m.invoke("lower", uint64(end))
	return end, err
}
