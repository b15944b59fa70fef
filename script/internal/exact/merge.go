package exact

import (
	"bytes"
	"errors"
)

// ErrRounded says that a change would write a number that JavaScript has rounded.
var ErrRounded = errors.New("a number has more digits than JavaScript keeps, and would be rounded: leave such a number at its place, or move the number alone")

// Moves says what a script did with the objects and arrays of a text.
type Moves int

const (
	Stayed Moves = iota // each is at its place
	Copied              // others are at their places
	Moved               // some are at the places of others
)

// Merge returns the JSON text source with the changes of a script: changed is what
// JSON.stringify made of the value after the script. A value that equals what
// JSON.parse made of the source at the same path stays as the source spells the
// value; whatever differs is taken from changed. others are rounded numbers of other
// texts, which changed must not have; those of source may be among them. Where different
// numbers look alike in a script, moves tells whether a number at its place can be meant.
func Merge(source, changed []byte, moves Moves, others ...Numbers) ([]byte, error) {
	from, err := Parse(source)
	if err != nil {
		return nil, err
	}
	to, err := Parse(changed)
	if err != nil {
		return nil, err
	}
	m := merger{from: from, to: to, same: make([]bool, len(from.values)), numbers: Rounded(from), others: others}
	m.compare(0, 0)
	m.strict = moves == Moved || moves == Copied && !m.same[0]
	m.out = append(make([]byte, 0, len(source)+64), source[:from.values[0].start]...)
	m.merge(0, 0)
	m.out = append(m.out, source[from.values[0].end:]...)
	return m.out, m.err
}

// A merger writes a changed text.
type merger struct {
	from, to *Text
	same     []bool // by value of from: the value at the same path is the same
	numbers  Numbers
	others   []Numbers
	strict   bool // an ambiguous number cannot stay
	out      []byte
	err      error
}

// compare notes what is the same in value f of the source and value t.
func (m *merger) compare(f, t int) (same bool) {
	switch kind := m.from.kind(f); {
	case kind == '{' && m.to.kind(t) == '{':
		members, added := m.match(f, t)
		same = len(added) == 0
		for _, p := range members {
			same = (p.last != nothing || p.to != nothing && m.compare(int(p.value), int(p.to))) && same
		}
	case kind == '[' && m.to.kind(t) == '[':
		at, end := t+1, m.to.next(t)
		same = true
		m.from.members(f, func(_, value int) {
			if at >= end {
				same = false
				return
			}
			same = m.compare(value, at) && same
			at = m.to.next(at)
		})
		same = same && at >= end
	default:
		same = m.equal(f, t)
	}
	m.same[f] = same
	return same
}

// equal compares values that are not both objects or both arrays.
func (m *merger) equal(f, t int) bool {
	a, b := m.from.raw(f), m.to.raw(t)
	switch from, to := m.from.kind(f), m.to.kind(t); {
	case from == 0 && (to == 0 || to == 'n'):
		return bytes.Equal(a, b) || spell(float(a)) == string(b)
	case from != to:
		return false
	case from == '"':
		return bytes.Equal(a, b) || m.from.string(f) == m.to.string(t)
	default:
		return from != '{' && from != '['
	}
}

// A member is a member of an object of the source, and what became of the member.
type member struct {
	name, value int32
	to          int32 // the value in the changed text, or nothing
	last        int32 // JSON.parse takes the last of several members with the same name: its place in the list; or nothing
}

const nothing = -1

// match returns the members of the object f of the source, and the names that are new
// in t.
func (m *merger) match(f, t int) (list []member, added []int32) {
	at, end, aligned := t+1, m.to.next(t), true
	m.from.members(f, func(name, value int) {
		p := member{int32(name), int32(value), nothing, nothing}
		if aligned = aligned && at < end && bytes.Equal(m.from.raw(name), m.to.raw(at)); aligned {
			p.to = int32(at + 1)
			at = m.to.next(at + 1)
		}
		list = append(list, p)
	})
	if aligned { // the names of t differ, so those of f do
		for ; at < end; at = m.to.next(at + 1) {
			added = append(added, int32(at))
		}
		return list, added
	}
	wanted := make(map[string]int32) // by name: the value in t, or below nothing the place in list that has the value
	m.to.members(t, func(name, value int) { wanted[m.to.string(name)] = int32(value) })
	for i := len(list) - 1; i >= 0; i-- {
		p := &list[i]
		name := m.from.string(int(p.name))
		switch to, ok := wanted[name]; {
		case !ok:
			p.to = nothing
		case to < nothing:
			p.to, p.last = nothing, nothing-1-to
		default:
			p.to, wanted[name] = to, nothing-1-int32(i)
		}
	}
	m.to.members(t, func(name, _ int) {
		if wanted[m.to.string(name)] > nothing {
			added = append(added, int32(name))
		}
	})
	return list, added
}

// merge writes value t, with value f of the source in place of what is the same.
func (m *merger) merge(f, t int) {
	switch kind := m.from.kind(f); {
	case m.same[f]:
		m.stay(f, m.strict)
		m.out = append(m.out, m.from.raw(f)...)
	case kind == '{' && m.to.kind(t) == '{':
		m.object(f, t)
	case kind == '[' && m.to.kind(t) == '[':
		m.array(f, t)
	default:
		m.write(t)
	}
}

// stay refuses ambiguous numbers in a value that stays.
func (m *merger) stay(f int, strict bool) {
	if !strict || len(m.numbers) == 0 {
		return
	}
	for i := f; i < m.from.next(f); i++ {
		if m.from.kind(i) == 0 && m.numbers.ambiguous(m.from.raw(i)) {
			m.err = ErrRounded
		}
	}
}

// object edits an object: what is between members stays as well.
func (m *merger) object(f, t int) {
	members, added := m.match(f, t)
	e := edit{m: m, at: int(m.from.values[f].start) + 1}
	m.out = append(m.out, '{')
	for _, p := range members {
		start, end := int(m.from.values[p.name].start), int(m.from.values[p.value].end)
		switch {
		case p.to != nothing:
			e.keep(start, int(m.from.values[p.value].start))
			m.merge(int(p.value), int(p.to))
			e.at = end
		case p.last != nothing && m.same[members[p.last].value]:
			e.keep(start, end)
		default:
			e.drop(end)
		}
	}
	for _, name := range added {
		e.comma()
		m.write(int(name))
		m.out = append(m.out, ':')
		m.write(int(name) + 1)
	}
	m.out = append(m.out, m.from.source[e.at:m.from.values[f].end]...)
}

// array edits an array: elements at the same index belong together. If not only new
// elements follow, nobody knows which of several numbers that look alike is meant.
func (m *merger) array(f, t int) {
	at, end := t+1, m.to.next(t)
	shifted := false
	m.from.members(f, func(_, value int) {
		if at >= end || !m.same[value] {
			shifted = true
		}
		at = min(m.to.next(min(at, end-1)), end)
	})
	at = t + 1
	e := edit{m: m, at: int(m.from.values[f].start) + 1}
	m.out = append(m.out, '[')
	m.from.members(f, func(_, value int) {
		if at >= end {
			e.drop(int(m.from.values[value].end))
			return
		}
		e.keep(int(m.from.values[value].start), int(m.from.values[value].start))
		if m.from.kind(value) == 0 && m.same[value] {
			m.stay(value, shifted)
		}
		m.merge(value, at)
		e.at, at = int(m.from.values[value].end), m.to.next(at)
	})
	for ; at < end; at = m.to.next(at) {
		e.comma()
		m.write(at)
	}
	m.out = append(m.out, m.from.source[e.at:m.from.values[f].end]...)
}

// An edit copies the members of an object or array that stay.
type edit struct {
	m       *merger
	at      int // what is before at in the source has been copied or dropped
	written bool
}

// keep copies the source from the end of the last member to end. start is where the
// member starts.
func (e *edit) keep(start, end int) {
	between := e.m.from.source[e.at:start]
	if !e.written { // the comma belongs to a member that is gone
		between = bytes.ReplaceAll(between, []byte(","), nil)
	}
	e.m.out = append(append(e.m.out, between...), e.m.from.source[start:end]...)
	e.at, e.written = end, true
}

// drop leaves a member out, and the comma before the member.
func (e *edit) drop(end int) { e.at = end }

// comma begins a new member.
func (e *edit) comma() {
	if e.written {
		e.m.out = append(e.m.out, ',')
	}
	e.written = true
}

// write writes a value that is new, or at a new place. A number that has moved keeps
// the spelling of the source if only one number of the source can be meant.
func (m *merger) write(t int) {
	at := int(m.to.values[t].start)
	for i := t; i < m.to.next(t); i++ {
		kind, raw := m.to.kind(i), m.to.raw(i)
		if kind == '"' && (m.numbers.In(raw) || m.foreign(raw)) {
			m.err = ErrRounded
		}
		if kind != 0 && kind != 'n' {
			continue
		}
		spelling, rounded := m.numbers[string(raw)]
		switch {
		case rounded && (spelling == "" || spelling == whole || kind == 'n'), !rounded && kind == 0 && m.foreign(raw):
			m.err = ErrRounded
		case rounded:
			m.out = append(append(m.out, m.to.source[at:m.to.values[i].start]...), spelling...)
			at = int(m.to.values[i].end)
		}
	}
	m.out = append(m.out, m.to.source[at:m.to.values[t].end]...)
}

// foreign reports whether a text has a rounded number of another text.
func (m *merger) foreign(text []byte) bool {
	for _, numbers := range m.others {
		if numbers.In(text) {
			return true
		}
	}
	return false
}
