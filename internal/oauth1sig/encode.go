package oauth1sig

// unreserved holds the only bytes that are never percent-encoded (RFC 5849
// section 3.6).
var unreserved = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		table[c] = true
	}
	return table
}()

const digits = "0123456789ABCDEF"

// appendEncoded appends src, percent-encoded as RFC 5849 section 3.6 wants it.
// The encodings of net/url leave other bytes alone and cannot be used.
func appendEncoded[T string | []byte](dst []byte, src T) []byte {
	for i := range len(src) {
		if c := src[i]; unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// appendTwice appends c in the encoding of section 3.6, encoded once more.
func appendTwice(dst []byte, c byte) []byte {
	if unreserved[c] {
		return append(dst, c)
	}
	return append(dst, '%', '2', '5', digits[c>>4], digits[c&15])
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
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
