package exact

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
)

// ErrRounded says that a change would write a number that JavaScript has rounded.
var ErrRounded = errors.New("a number has more digits than JavaScript keeps, and would be rounded: leave such a number at its place, or move the number alone")

// Merge returns the JSON text source with the changes of a script: changed is what
// JSON.stringify made of the value after the script. A value that equals what
// JSON.parse made of the source at the same path stays as the source spells the
// value; whatever differs is taken from changed.
func Merge(source, changed []byte) ([]byte, error) {
	from, err := Parse(source)
	if err != nil {
		return nil, err
	}
	to, err := Parse(changed)
	if err != nil {
		return nil, err
	}
	m := merger{source: source, changed: changed, numbers: Rounded(source, from)}
	m.out = append(m.out, source[:from.start]...)
	m.merge(from, to)
	m.out = append(m.out, source[from.end:]...)
	return m.out, m.err
}

// A merger writes a changed text.
type merger struct {
	source, changed []byte
	numbers         Numbers
	out             []byte
	err             error
}

// merge writes to, with from in place of what is the same, and reports whether all
// is the same.
func (m *merger) merge(from, to Value) (same bool) {
	if from.kind == '{' && to.kind == '{' {
		return m.object(from, to)
	}
	if from.kind == '[' && to.kind == '[' {
		return m.array(from, to)
	}
	if m.equal(from, to) {
		m.out = append(m.out, from.raw(m.source)...)
		return true
	}
	m.write(to)
	return false
}

// equal compares values that are not objects or arrays.
func (m *merger) equal(from, to Value) bool {
	a, b := from.raw(m.source), to.raw(m.changed)
	switch {
	case from.kind == 0 && (to.kind == 0 || to.kind == 'n'):
		return float(a) == float(b)
	case from.kind != to.kind:
		return false
	case from.kind == '"':
		return bytes.Equal(a, b) || from.string(m.source) == to.string(m.changed)
	}
	return true
}

// object edits an object: what is between members stays as well.
func (m *merger) object(from, to Value) (same bool) {
	wanted := make(map[string]int, len(to.names)) // by name, the place in to
	for i, name := range to.names {
		wanted[name.string(m.changed)] = i
	}
	last := make(map[string]int, len(from.names)) // JSON.parse takes the last of several members with the same name
	names := make([]string, len(from.names))
	for i, name := range from.names {
		names[i] = name.string(m.source)
		last[names[i]] = i
	}
	keeps := make(map[string]bool) // names with several members that all stay
	if len(last) < len(names) {
		for name, i := range last {
			mark := len(m.out)
			if j, ok := wanted[name]; ok {
				keeps[name] = m.merge(from.values[i], to.values[j])
			}
			m.out = m.out[:mark]
		}
	}
	e := edit{m: m, at: from.start + 1}
	m.out = append(m.out, '{')
	same = true
	for i, name := range names {
		start, end := from.names[i].start, from.values[i].end
		switch j, ok := wanted[name]; {
		case !ok || last[name] != i && !keeps[name]:
			e.drop(end)
			same = false
		case last[name] != i:
			e.keep(start, end)
		default:
			e.keep(start, from.values[i].start)
			same = m.merge(from.values[i], to.values[j]) && same
			e.at = end
		}
	}
	for j, name := range to.names {
		if _, ok := last[name.string(m.changed)]; !ok {
			e.comma()
			m.write(name)
			m.out = append(m.out, ':')
			m.write(to.values[j])
			same = false
		}
	}
	m.out = append(m.out, m.source[e.at:from.end]...)
	return same
}

// array edits an array: elements at the same index belong together.
func (m *merger) array(from, to Value) (same bool) {
	e := edit{m: m, at: from.start + 1}
	m.out = append(m.out, '[')
	same = len(from.values) == len(to.values)
	for i, value := range from.values {
		if i >= len(to.values) {
			e.drop(value.end)
			continue
		}
		e.keep(value.start, value.start)
		same = m.merge(value, to.values[i]) && same
		e.at = value.end
	}
	for _, value := range to.values[min(len(from.values), len(to.values)):] {
		e.comma()
		m.write(value)
	}
	m.out = append(m.out, m.source[e.at:from.end]...)
	return same
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
	between := e.m.source[e.at:start]
	if !e.written { // the comma belongs to a member that is gone
		between = bytes.ReplaceAll(between, []byte(","), nil)
	}
	e.m.out = append(append(e.m.out, between...), e.m.source[start:end]...)
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
func (m *merger) write(v Value) {
	raw := v.raw(m.changed)
	if len(m.numbers) == 0 {
		m.out = append(m.out, raw...)
		return
	}
	switch v.kind {
	case '{', '[':
		at := v.start
		for i, member := range v.values {
			if v.kind == '{' {
				m.out = append(m.out, m.changed[at:v.names[i].start]...)
				m.write(v.names[i])
				at = v.names[i].end
			}
			m.out = append(m.out, m.changed[at:member.start]...)
			m.write(member)
			at = member.end
		}
		m.out = append(m.out, m.changed[at:v.end]...)
	case '"':
		if m.numbers.In(v.string(m.changed)) {
			m.err = ErrRounded
		}
		m.out = append(m.out, raw...)
	case 0, 'n':
		spelling, rounded := m.numbers[string(raw)]
		switch {
		case !rounded:
			spelling = string(raw)
		case spelling == "" || v.kind == 'n':
			m.err = ErrRounded
		}
		m.out = append(m.out, spelling...)
	default:
		m.out = append(m.out, raw...)
	}
}

// Numbers are the numbers of a JSON text that JavaScript rounds: by the spelling after
// the rounding, the spelling in the text, or "" if several numbers become one.
type Numbers map[string]string

// Rounded returns the numbers in v that JavaScript rounds.
func Rounded(text []byte, v Value) Numbers {
	var numbers Numbers
	var collect func(v Value)
	collect = func(v Value) {
		for _, member := range v.values {
			collect(member)
		}
		if v.kind != 0 {
			return
		}
		spelling := string(v.raw(text))
		if len(spelling) < 16 && !strings.ContainsAny(spelling, "eE") { // 15 digits are always kept
			return
		}
		rounded := spell(float([]byte(spelling)))
		if decimal(rounded) == decimal(spelling) {
			return
		}
		if numbers == nil {
			numbers = make(Numbers)
		}
		if other, ok := numbers[rounded]; ok && other != spelling {
			spelling = ""
		}
		numbers[rounded] = spelling
	}
	collect(v)
	return numbers
}

// In reports whether a text contains a rounded number.
func (n Numbers) In(text string) bool {
	for rounded := range n {
		if rounded != "null" && len(rounded) > 1 && strings.Contains(text, rounded) {
			return true
		}
	}
	return false
}

// float returns the number that JSON.parse makes of a spelling. null is what
// JSON.stringify makes of the infinities.
func float(spelling []byte) float64 {
	if spelling[0] == 'n' {
		return math.Inf(1)
	}
	f, _ := strconv.ParseFloat(string(spelling), 64) // too large: an infinity
	if math.IsInf(f, 0) {
		return math.Inf(1)
	}
	return f
}

// spell returns a number as JSON.stringify does (ECMA-262 section 6.1.6.1.20).
func spell(f float64) string {
	if math.IsInf(f, 0) {
		return "null"
	}
	if f == 0 {
		return "0"
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}

// decimal returns a spelling in a form that is the same for numbers that are equal
// but for their signs: the digits without zeros at the ends, and the exponent.
func decimal(spelling string) string {
	if spelling == "null" {
		return spelling
	}
	number, exponent, _ := strings.Cut(strings.ToLower(spelling), "e")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(number, "-"), ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	e, err := strconv.Atoi(exponent)
	if exponent != "" && err != nil {
		return spelling
	}
	e -= len(fraction)
	if trimmed := strings.TrimRight(digits, "0"); trimmed != digits {
		e += len(digits) - len(trimmed)
		digits = trimmed
	}
	if digits == "" {
		return "0"
	}
	return digits + "e" + strconv.Itoa(e)
}
