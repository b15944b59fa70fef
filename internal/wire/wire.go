// Package wire knows how HTTP spells names, values and parameters: tokens,
// cookies, media types, percent-encoding, the name=value pairs of queries and forms,
// and the content codings of bodies. The package knows nothing of credentials and
// sends nothing.
package wire

import (
	"net/http"
	"strings"
)

// IsToken reports whether s is a token of RFC 9110 section 5.6.2: a valid name
// of a header, a method, a cookie or an authentication scheme.
func IsToken(s string) bool {
	for i := range len(s) {
		if !IsTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// IsTokenByte reports whether c may be part of a token.
func IsTokenByte(c byte) bool {
	return c > ' ' && c < 0x7f && strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) < 0
}

// HasControl reports whether s has an ASCII control character. A control
// character such as a line break could end a header early.
func HasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// ValidCookie reports whether a Cookie header can carry the pair name=value.
// The name must be a token. The value must consist of the cookie-octets of RFC
// 6265 section 4.1.1: ASCII without controls, spaces, quotes, commas, semicolons
// and backslashes. A pair of quotes may enclose the value.
func ValidCookie(name, value string) bool {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`",;\`, c) >= 0 {
			return false
		}
	}
	return IsToken(name)
}

// FormType is the media type of forms.
const FormType = "application/x-www-form-urlencoded"

// MediaType returns the media type of a Content-Type in lower case, without
// parameters such as charset. An empty Content-Type has an empty media type.
func MediaType(contentType string) string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// IsForm reports whether a Content-Type means an encoded form.
func IsForm(contentType string) bool {
	return contentType == FormType || contentType != "" && MediaType(contentType) == FormType
}

// SetQuery gives req a copy of the URL with the given RawQuery. Other requests
// may share the original URL, which stays unchanged.
func SetQuery(req *http.Request, query string) {
	u := *req.URL
	u.RawQuery = query
	req.URL = &u
}
