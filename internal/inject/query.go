package inject

import "strings"

// Query returns raw, a URL's RawQuery, with every parameter called name
// removed and name=value appended. All other bytes stay as they are, however
// oddly they are spelled. Names are compared after decoding, so api%5Fkey
// counts as api_key. The value arrives unchanged in any decoder: a space is
// sent as %20 and a plus sign as %2B.
func Query(raw, name, value string) string {
	buf := make([]byte, 0, len(raw)+3*(len(name)+len(value))+2)
	buf = appendWithout(buf, raw, name)
	if len(buf) > 0 {
		buf = append(buf, '&')
	}
	return string(appendPair(buf, name, value))
}

// StripQuery returns raw without the parameters called name; all other bytes
// stay as they are.
func StripQuery(raw, name string) string {
	return string(appendWithout(nil, raw, name))
}

// appendWithout appends raw, pairs joined by &, to dst, leaving out the pairs
// that have one of the names. dst must be empty.
func appendWithout[T string | []byte](dst []byte, raw T, names ...string) []byte {
	kept := 0
	for start, end := 0, 0; start <= len(raw); start = end + 1 {
		for end = start; end < len(raw) && raw[end] != '&'; end++ {
		}
		pair := raw[start:end]
		if hasName(pair, names) {
			continue
		}
		if kept++; kept > 1 {
			dst = append(dst, '&')
		}
		dst = append(dst, pair...)
	}
	return dst
}

// hasName reports whether the encoded pair has one of the names.
func hasName[T string | []byte](pair T, names []string) bool {
	for _, name := range names {
		if isNamed(pair, name) {
			return true
		}
	}
	return false
}

// isNamed reports whether the encoded pair is called name. A malformed escape
// stands for itself, as lenient decoders have it.
func isNamed[T string | []byte](pair T, name string) bool {
	matched := 0
	for i := 0; i < len(pair) && pair[i] != '='; i++ {
		c := pair[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(pair) && isHex(pair[i+1]) && isHex(pair[i+2]) {
			c = unhex(pair[i+1])<<4 | unhex(pair[i+2])
			i += 2
		}
		if matched == len(name) || name[matched] != c {
			return false
		}
		matched++
	}
	return matched == len(name)
}

// appendPair appends name=value, both encoded.
func appendPair(dst []byte, name, value string) []byte {
	dst = appendEscaped(dst, name)
	dst = append(dst, '=')
	return appendEscaped(dst, value)
}

// appendEscaped appends s with everything but RFC 3986's unreserved characters
// percent-encoded, which means the same in a URL and in a form.
func appendEscaped(dst []byte, s string) []byte {
	const upperHex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return (c | 0x20) - 'a' + 10
}
