package inject

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// isKey reports whether raw, the inside of a valid JSON string, spells name.
func isKey(raw []byte, name string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == name
	}
	var scratch [utf8.UTFMax]byte
	for len(raw) > 0 {
		piece, size := raw[:1], 1
		if raw[0] == '\\' {
			var r rune
			r, size = unescape(raw)
			piece = utf8.AppendRune(scratch[:0], r)
		}
		if len(name) < len(piece) || name[:len(piece)] != string(piece) {
			return false
		}
		raw, name = raw[size:], name[len(piece):]
	}
	return name == ""
}

// unescape returns the character of the escape at the start of raw, and the
// length of the escape. Half of a surrogate pair stands for U+FFFD.
func unescape(raw []byte) (r rune, size int) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unescapeUnicode(raw)
	default: // a quote, a backslash or a slash
		return rune(c), 2
	}
}

// unescapeUnicode is unescape for an escape of UTF-16 code units.
func unescapeUnicode(raw []byte) (r rune, size int) {
	r = codeUnit(raw)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(r, codeUnit(raw[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// codeUnit returns the UTF-16 code unit of the escape at the start of raw: a
// backslash, a u and four hexadecimal digits.
func codeUnit(raw []byte) (r rune) {
	for _, c := range raw[2:6] {
		r = r<<4 | rune(wire.Unhex(c))
	}
	return r
}
