package inject

import (
	"net/http"
	"slices"
	"strings"
)

// Cookie puts the cookie name=value into h, replacing every cookie of that
// name. The other cookies stay byte for byte, in order; Cookie headers that
// were several lines, or oddly cased, become the one line that RFC 6265
// section 5.4 asks for. Slices that h shares with another header are not
// written to. The value is written as it is: check it with [ValidCookie] first.
func Cookie(h http.Header, name, value string) {
	lines := make([]string, 0, len(h["Cookie"])+1)
	keep := func(values []string) {
		for _, line := range values {
			if line = withoutCookie(line, name); line != "" {
				lines = append(lines, line)
			}
		}
	}
	keep(h["Cookie"])
	for key, values := range h {
		if key != "Cookie" && strings.EqualFold(key, "Cookie") {
			keep(values)
			delete(h, key)
		}
	}
	h["Cookie"] = []string{strings.Join(append(lines, name+"="+value), "; ")}
}

// withoutCookie returns the value of a Cookie header without the cookies
// called name.
func withoutCookie(line, name string) string {
	cookies := strings.Split(line, ";")
	kept := slices.DeleteFunc(cookies, func(cookie string) bool {
		n, _, _ := strings.Cut(cookie, "=")
		return strings.Trim(n, " \t") == name
	})
	if len(kept) < len(cookies) {
		line = strings.Join(kept, ";")
	}
	return strings.Trim(line, " \t")
}

// ValidCookie reports whether name and value can be written as a cookie: the
// name an RFC 9110 token, the value RFC 6265's cookie-octets, which leave out
// spaces, quotes, commas, semicolons, backslashes, controls and non-ASCII.
func ValidCookie(name, value string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`",;\`, c) >= 0 {
			return false
		}
	}
	return name != ""
}
