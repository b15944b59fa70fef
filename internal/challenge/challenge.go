// Package challenge judges the responses of an API: the package reads the
// challenges of WWW-Authenticate, and matches responses against the rejections
// of a dialect.
package challenge

import "net/http"

// A Challenge is what a server asks for before the server grants a request (RFC
// 9110 section 11.3). A Challenge has a Token68 or Params, or neither.
type Challenge struct {
	// Scheme is the authentication scheme as the server spells the name, such as
	// Bearer. Letter case has no meaning. Scheme is empty if the server sent
	// parameters without a scheme.
	Scheme string
	// Token68 is the value after the scheme if the server sent a value without a
	// name, as Negotiate does.
	Token68 string
	// Params are the parameters by lower-case name, with quotes and escapes
	// removed. Of two parameters with the same name, the first counts. Params is
	// nil if there are none.
	Params map[string]string
}

// maxLength limits the bytes that Parse reads of all values together.
const maxLength = 64 << 10

// Parse reads the challenges in the values of a WWW-Authenticate or
// Proxy-Authenticate header (RFC 9110 section 11.6.1). Each value may have
// several challenges.
//
// Parse takes what can be read of malformed values and leaves out the rest. Real
// servers join parameters with spaces, semicolons or ampersands in place of
// commas, and leave quotes out. Parse reads 64 KiB of the values at most.
func Parse(values []string) []Challenge {
	var list []Challenge
	left := maxLength
	for _, value := range values {
		p := parser{text: value[:min(len(value), left)]}
		left -= len(p.text)
		list = append(list, p.challenges()...)
	}
	return list
}

// Param returns the first non-empty parameter called name, in lower case, of any
// challenge in the WWW-Authenticate headers of h. Param returns "" if there is
// none.
func Param(h http.Header, name string) string {
	values := h["Www-Authenticate"]
	if len(values) == 0 {
		return ""
	}
	for _, c := range Parse(values) {
		if value := c.Params[name]; value != "" {
			return value
		}
	}
	return ""
}
