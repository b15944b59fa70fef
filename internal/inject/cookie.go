package inject

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// cookieSeparator comes before each cookie but the first (RFC 6265 section 4.2.1).
const cookieSeparator = "; "

// joinCookies returns the value of the single Cookie header of RFC 6265 section 5.4: the
// cookies in h but those called name, and then next, a cookieSeparator with the cookie
// name=value. The other cookies keep their bytes and their order. joinCookies removes
// Cookie headers in another letter case from h. The caller must check name and value with
// [wire.ValidCookie].
func joinCookies(h http.Header, name, next string) string {
	var lines []string
	odd := false
	for key, values := range h {
		if key == "Cookie" {
			lines = values
		} else if isNamed(key, "Cookie") {
			odd = true
		}
	}
	switch {
	case odd:
		lines = withOddLines(h, lines)
	case len(lines) == 1 && !strings.Contains(lines[0], name): // as in most requests
		if others := strings.Trim(lines[0], " \t"); others != "" {
			return others + next
		}
		return next[len(cookieSeparator):]
	}
	return joinLines(lines, name, next)
}

// joinLines returns the cookies in lines, the values of Cookie headers, without those
// called name, and then next.
func joinLines(lines []string, name, next string) string {
	others := make([]byte, 0, 512) // a constant size keeps others on the stack
	for _, line := range lines {
		others = appendOthers(others, line, name)
	}
	if len(others) == 0 {
		return next[len(cookieSeparator):]
	}
	return string(append(others, next...))
}

// withOddLines returns lines with those of the Cookie headers in another letter case,
// which withOddLines removes from h.
func withOddLines(h http.Header, lines []string) []string {
	lines = slices.Clip(lines) // other requests share the array
	for key, values := range h {
		if key != "Cookie" && isNamed(key, "Cookie") {
			lines = append(lines, values...)
			delete(h, key)
		}
	}
	return lines
}

// appendOthers appends the cookies in line, the value of a Cookie header, to dst
// without the cookies called name.
func appendOthers(dst []byte, line, name string) []byte {
	before := dst
	if len(dst) > 0 {
		dst = append(dst, cookieSeparator...)
	}
	if !strings.Contains(line, name) { // as most do
		if line = strings.Trim(line, " \t"); line == "" {
			return before
		}
		return append(dst, line...)
	}
	start, first := len(dst), true
	for more := true; more; {
		var cookie string
		cookie, line, more = strings.Cut(line, ";")
		n, _, _ := strings.Cut(cookie, "=")
		if strings.Trim(n, " \t") == name {
			continue
		}
		if first {
			cookie = strings.TrimLeft(cookie, " \t")
		} else {
			dst = append(dst, ';')
		}
		dst = append(dst, cookie...)
		first = false
	}
	kept := len(bytes.TrimRight(dst[start:], " \t"))
	if kept == 0 {
		return before
	}
	return dst[:start+kept]
}
