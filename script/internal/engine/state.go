package engine

import "encoding/binary"

// A State is what a machine gets for an event: the globals, in the order of the calls,
// and which globals the host gets back. Texts must be UTF-8.
type State struct {
	globals, wanted []byte
	first           [512]byte // where globals and wanted begin
}

// NewState returns the state of an event without globals.
func NewState(event string) *State {
	const room = 64 // for wanted
	s := new(State)
	s.wanted, s.globals = s.first[:0:room], field(s.first[room:room], event)
	return s
}

// Text makes a global that is a string.
func (s *State) Text(name, value string) {
	s.globals = field(field(append(s.globals, 't'), name), value)
}

// Texts makes a global that is an object with n members. Member must follow n times.
func (s *State) Texts(name string, n int) {
	s.globals = binary.LittleEndian.AppendUint32(field(append(s.globals, 'o'), name), uint32(n))
}

// Member is a member of the object that Texts has begun.
func (s *State) Member(name, value string) { s.globals = field(field(s.globals, name), value) }

// JSON makes a global whose value is JSON.
func (s *State) JSON(name string, value []byte) {
	s.globals = field(field(append(s.globals, 'j'), name), value)
}

// Begin gives a state in JSON to the function begin of prelude.js.
func (s *State) Begin(state []byte) { s.globals = field(append(s.globals, 'b'), state) }

// WantText asks for a global that is probably a string. The machine tells Told, or Out
// for another value.
func (s *State) WantText(name string) { s.wanted = field(append(s.wanted, 't'), name) }

// WantTexts asks for a global that is probably an object of strings.
func (s *State) WantTexts(name string) { s.wanted = field(append(s.wanted, 'o'), name) }

// Want asks for a global that the machine tells by Out.
func (s *State) Want(name string) { s.wanted = field(append(s.wanted, 'k'), name) }

// write writes the state to b, which has the length of the state.
func (s *State) write(b []byte) {
	n := copy(b, s.globals)
	b[n] = 0
	n += 1 + copy(b[n+1:], s.wanted)
	b[n] = 0
}

// field appends a text behind the length of the text, and before a zero.
func field[T string | []byte](b []byte, text T) []byte {
	return append(append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...), 0)
}

// Fields are the globals that a machine tells by Told.
type Fields string

// Count reads how many members an object has. There are not more than bytes: whoever
// sets memory aside for the members need not trust the machine.
func (f *Fields) Count() (n int) {
	if len(*f) < 4 {
		*f = ""
		return 0
	}
	for i := range 4 {
		n |= int((*f)[i]) << (8 * i)
	}
	*f = (*f)[4:]
	return min(n, len(*f))
}

// Next reads a text.
func (f *Fields) Next() (text string) {
	n := f.Count()
	text, *f = string((*f)[:n]), (*f)[n:]
	return text
}
