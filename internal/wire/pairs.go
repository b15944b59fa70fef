package wire

import "strings"

// The functions of this file edit queries and forms: name=value pairs joined by
// ampersands. Pairs that stay keep their bytes, however oddly spelled. Names are
// compared after decoding, so the pair api%5Fkey=1 has the name api_key.

// NextPair returns &name=value, for SetPair. Every decoder reads the same value: a space
// is written %20, and a plus sign %2B.
func NextPair(name, value string) string { return "&" + string(AppendPair(nil, name, value)) }

// SetPair returns pairs with next, the [NextPair] of name, at the end and without other
// pairs called name.
func SetPair(pairs, name, next string) string {
	if escaped := strings.IndexByte(pairs, '%') >= 0 || strings.IndexByte(pairs, '+') >= 0; escaped || strings.Contains(pairs, name) {
		pairs = Without(pairs, name)
	}
	if pairs == "" {
		return next[1:]
	}
	return pairs + next
}

// AppendPair appends name=value to the pairs in dst, with name and value
// percent-encoded.
func AppendPair(dst []byte, name, value string) []byte {
	if len(dst) > 0 {
		dst = append(dst, '&')
	}
	dst = AppendEscaped(dst, name)
	dst = append(dst, '=')
	return AppendEscaped(dst, value)
}

// Without returns pairs without the pairs called by one of the names. If there
// are none to remove, Without returns the argument itself and allocates nothing.
// Without never modifies the argument.
func Without[T string | []byte](pairs T, names ...string) T {
	for start := 0; start <= len(pairs); {
		end := pairEnd(pairs, start)
		if isNamed(pairs[start:end], names) {
			return T(AppendWithout(make([]byte, 0, len(pairs)), pairs, names...))
		}
		start = end + 1
	}
	return pairs
}

// AppendWithout appends pairs to dst without the pairs called by one of the
// names. dst must be empty.
func AppendWithout[T string | []byte](dst []byte, pairs T, names ...string) []byte {
	first := true
	for start := 0; start <= len(pairs); {
		end := pairEnd(pairs, start)
		if pair := pairs[start:end]; !isNamed(pair, names) {
			if !first {
				dst = append(dst, '&')
			}
			dst = append(dst, pair...)
			first = false
		}
		start = end + 1
	}
	return dst
}

// pairEnd returns where the pair ends that begins at start.
func pairEnd[T string | []byte](pairs T, start int) int {
	for start < len(pairs) && pairs[start] != '&' {
		start++
	}
	return start
}

// isNamed reports whether the encoded pair is called by one of the names.
func isNamed[T string | []byte](pair T, names []string) bool {
	var first byte // of the pair's name, to pass over most names at once
	if len(pair) > 0 && pair[0] != '=' {
		first, _ = Unescape(pair)
	}
	for _, name := range names {
		if (name == "" || name[0] == first) && hasName(pair, name) {
			return true
		}
	}
	return false
}

// hasName reports whether the encoded pair is called name.
func hasName[T string | []byte](pair T, name string) bool {
	matched := 0
	for i := 0; i < len(pair) && pair[i] != '='; {
		c, size := Unescape(pair[i:])
		if matched == len(name) || name[matched] != c {
			return false
		}
		matched++
		i += size
	}
	return matched == len(name)
}
