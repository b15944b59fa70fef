package engine

import "bytes"

// A card is a part of the memory. A byte for each card says whether something was
// written to the card since the machine was new. meter marks after each store, so no
// code in a machine can write without a mark: a store that wrote to the marks leaves the
// mark of the card that has the marks.
const (
	card  = 1 << 8
	cards = 1 << 14 // addresses behind the last card begin at the first again
	pad   = 1 << 8  // before and behind the marks
)

// cards returns the marks in a memory.
func (m *Machine) cards(memory []byte) []byte {
	return memory[m.engine.cards+pad:][:cards:cards]
}

// mark marks the cards of n bytes that Go writes.
func (m *Machine) mark(at, n int) {
	marks := m.cards(m.memory.buffer)
	for i := at / card; i <= (at+n)/card; i++ {
		marks[i%cards] = 1
	}
}

// written reports whether a block of the memory may differ from a new machine. A mark
// means that the store was on this card or on the next.
func (m *Machine) written(at int) bool {
	marks := m.cards(m.memory.buffer)
	for i := at/card - 1; i < (at+block)/card; i++ {
		if marks[(i+cards)%cards] != 0 {
			return true
		}
	}
	return false
}

// wipe makes the memory the memory of a new machine. The memory has the size of the
// image.
func (m *Machine) wipe() {
	memory, image := m.memory.buffer, m.engine.image
	marks := m.cards(memory)
	first := m.engine.cards / card
	if bytes.IndexByte(marks[first:first+(pad+cards+pad)/card], 1) >= 0 { // the marks may be wrong
		copy(memory, image)
		return
	}
	marks = marks[:len(image)/card]
	for at := 0; ; {
		i := bytes.IndexByte(marks[at:], 1)
		if i < 0 {
			return
		}
		from := at + i
		for at = from; at < len(marks) && marks[at] == 1; at++ {
			marks[at] = 0
		}
		end := min((at+1)*card, len(image))
		copy(memory[from*card:end], image[from*card:end])
	}
}
