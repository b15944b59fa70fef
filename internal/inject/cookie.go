package inject

import (
	"bytes"
	"net/http"
	"strings"
)

// Cookie puts the cookie name=value into h and removes other cookies of the same
// name. The remaining cookies keep their bytes and their order. Several Cookie
// headers, and headers in another letter case, become the single header of RFC
// 6265 section 5.4. Cookie does not write to slices that h shares with another
// header. The caller must check name and value with [wire.ValidCookie].
func Cookie(h http.Header, name, value string) {
	buf := make([]byte, 0, 512) // a constant size keeps buf on the stack
	for _, line := range h["Cookie"] {
		buf = appendOthers(buf, line, name)
	}
	for key, lines := range h {
		if len(key) != len("Cookie") || key == "Cookie" || !strings.EqualFold(key, "Cookie") {
			continue
		}
		for _, line := range lines {
			buf = appendOthers(buf, line, name)
		}
		delete(h, key)
	}
	if len(buf) > 0 {
		buf = append(buf, "; "...)
	}
	buf = append(buf, name...)
	buf = append(buf, '=')
	buf = append(buf, value...)
	h["Cookie"] = []string{string(buf)}
}

// appendOthers appends the cookies in line, the value of a Cookie header, to dst
// without the cookies called name.
func appendOthers(dst []byte, line, name string) []byte {
	before := dst
	if len(dst) > 0 {
		dst = append(dst, "; "...)
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
