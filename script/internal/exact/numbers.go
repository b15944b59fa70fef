package exact

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// Numbers are the numbers of a JSON text that JavaScript rounds: by the spelling after
// the rounding, the spelling in the text, or "" if several numbers become one.
type Numbers map[string]string

// whole is for a spelling that only BigInt and toFixed make of a rounded number: with all
// digits.
const whole = "whole"

// MaxExtreme is how many numbers of 200 digits or with exponents of three a text may
// have: strconv takes a thousand times as long to read some of them.
const MaxExtreme = 300

// Extreme reports whether a text has more than MaxExtreme such numbers.
func (t *Text) Extreme() bool {
	n := 0
	for i := range t.values {
		if t.kind(i) != 0 {
			continue
		}
		raw := t.raw(i)
		_, exponent, _ := bytes.Cut(bytes.ToLower(raw[:min(len(raw), 201)]), []byte{'e'})
		if len(raw) > 200 || len(bytes.TrimLeft(exponent, "+-0")) > 2 {
			n++
		}
	}
	return n > MaxExtreme
}

// Rounded returns the numbers in a text that JavaScript rounds.
func Rounded(t *Text) Numbers {
	var numbers Numbers
	for i := range t.values {
		raw := t.raw(i)
		if t.kind(i) != 0 || len(raw) < 16 && !bytes.ContainsAny(raw, "eE") { // 15 digits are always kept
			continue
		}
		f := float(raw)
		rounded, spelling := spell(f), string(raw)
		if decimal(rounded) == decimal(spelling) {
			continue
		}
		if numbers == nil {
			numbers = make(Numbers)
		}
		if other, ok := numbers[rounded]; ok && other != spelling {
			spelling = ""
		}
		numbers[rounded] = spelling
		if all := strconv.FormatFloat(f, 'f', 0, 64); all != rounded && math.Abs(f) >= 1<<53 && !math.IsInf(f, 0) && len(all) < 32 {
			numbers[all] = whole
		}
	}
	for i := range t.values { // a number that is not rounded may look like one that is
		if len(numbers) == 0 || t.kind(i) != 0 {
			continue
		}
		raw := t.raw(i)
		spelling, ok := numbers[string(raw)]
		rounded := string(raw)
		if !ok && bytes.ContainsAny(raw, ".eE") {
			rounded = spell(float(raw))
			spelling, ok = numbers[rounded]
		}
		if ok && spelling != "" && spelling != whole && spelling != string(raw) && decimal(spelling) != decimal(string(raw)) {
			numbers[rounded] = ""
		}
	}
	return numbers
}

// Rounds reports whether JavaScript rounds a number.
func Rounds(spelling string) bool {
	return decimal(spell(float([]byte(spelling)))) != decimal(spelling)
}

// Ambiguous reports whether several numbers of the text become one.
func (n Numbers) Ambiguous() bool {
	for _, spelling := range n {
		if spelling == "" {
			return true
		}
	}
	return false
}

func (n Numbers) ambiguous(raw []byte) bool {
	spelling, ok := n[spell(float(raw))]
	return ok && spelling == ""
}

// In reports whether a text contains a rounded number, as a whole and not as a part of
// a longer one.
func (n Numbers) In(text []byte) (found bool) {
	n.each(text, func(string, int) bool {
		found = true
		return false
	})
	return found
}

// LostIn reports whether a text contains a rounded number that the source does not
// contain: one that is in the source as well is not lost.
func (n Numbers) LostIn(text, source []byte) (lost bool) {
	if !n.In(text) {
		return false
	}
	kept := make(map[string]bool)
	n.each(source, func(number string, at int) bool {
		if number[0] != '-' || at > 0 && source[at-1] == '-' {
			kept[number] = true
		}
		return true
	})
	n.each(text, func(number string, _ int) bool {
		lost = !kept[number]
		return !lost
	})
	return lost
}

// each calls found with each rounded number in a text and where its digits begin, until
// found returns false. A number without a sign may be a negative one, too.
func (n Numbers) each(text []byte, found func(number string, at int) bool) {
	if len(n) == 0 {
		return
	}
	digits := func(at int) int {
		for at < len(text) && text[at] >= '0' && text[at] <= '9' {
			at++
		}
		return at
	}
	exponent := func(at int) int {
		if at < len(text) && (text[at] == 'e' || text[at] == 'E') {
			at++
			if at < len(text) && (text[at] == '+' || text[at] == '-') {
				at++
			}
			return digits(at)
		}
		return at
	}
	for at := 0; at < len(text); at++ {
		point := digits(at)
		if point == at {
			continue
		}
		end := point
		if point < len(text) && text[point] == '.' {
			end = digits(point + 1)
		}
		for _, end := range [...]int{point, end, exponent(point), exponent(end)} {
			if end-at < 12 || end-at > 31 { // a short number stands in too many texts by chance; JavaScript spells no longer ones
				continue
			}
			negative := append(append(make([]byte, 0, 32), '-'), text[at:end]...)
			for _, number := range [...][]byte{negative[1:], negative} {
				if _, ok := n[string(number)]; ok && !found(string(number), at) {
					return
				}
			}
		}
		at = point
	}
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

// decimal returns a spelling in a form that is the same for equal numbers: the digits
// without zeros at the ends, and the exponent.
func decimal(spelling string) string {
	if spelling == "null" {
		return spelling
	}
	number, exponent, _ := strings.Cut(strings.ToLower(spelling), "e")
	negative := strings.HasPrefix(number, "-")
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
	if negative {
		digits = "-" + digits
	}
	return digits + "e" + strconv.Itoa(e)
}
