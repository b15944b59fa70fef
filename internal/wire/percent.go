package wire

import (
	"net/url"
	"strings"
)

// unreserved marks the bytes that no encoder may percent-encode: RFC 3986
// section 2.3, and RFC 5849 section 3.6.
var unreserved = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		table[c] = true
	}
	return table
}()

const upperHex = "0123456789ABCDEF"

// IsUnreserved reports whether c stands for itself in percent-encoded text.
func IsUnreserved(c byte) bool { return unreserved[c] }

// AppendEscaped appends s to dst with all bytes percent-encoded, unreserved
// bytes excepted. URLs, forms and OAuth1 signatures all read the result alike.
// net/url encodes fewer bytes.
func AppendEscaped[T string | []byte](dst []byte, s T) []byte {
	start := 0 // of the bytes that stand for themselves
	for i := range len(s) {
		if c := s[i]; !unreserved[c] {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}

// AppendEscapedTwice appends c to dst, percent-encoded two times over.
func AppendEscapedTwice(dst []byte, c byte) []byte {
	if unreserved[c] {
		return append(dst, c)
	}
	return append(dst, '%', '2', '5', upperHex[c>>4], upperHex[c&15])
}

// Unescape decodes the first byte of s, an encoded name or value of a query or
// form. size is the number of bytes of s that spell c. A plus sign means a space.
// A percent sign without two hexadecimal digits stands for itself, as lenient
// servers have it. s must not be empty.
func Unescape[T string | []byte](s T) (c byte, size int) {
	switch c = s[0]; c {
	case '+':
		return ' ', 1
	case '%':
		if len(s) > 2 {
			if high, low := Unhex(s[1]), Unhex(s[2]); high >= 0 && low >= 0 {
				return byte(high<<4 | low), 3
			}
		}
	}
	return c, 1
}

// EscapedPath returns the path of u as u.EscapedPath does, with braces as %7B and %7D.
// Unlike u.EscapedPath, EscapedPath keeps the escapes of a path that has braces as
// themselves.
func EscapedPath(u *url.URL) string {
	path := *u
	path.RawPath = strings.NewReplacer("{", "%7B", "}", "%7D", "%7b", "%7B", "%7d", "%7D").Replace(u.RawPath)
	return path.EscapedPath()
}

// Unhex returns the value of a hexadecimal digit, and -1 for other bytes.
func Unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
