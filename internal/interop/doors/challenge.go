package doors

import (
	"net/http"
	"strings"
)

// A challenge is one authentication scheme that a 401 offers (RFC 9110 section
// 11.6.1).
type challenge struct {
	scheme string            // in lower case
	params map[string]string // by name in lower case
}

// challenges reads the WWW-Authenticate headers of a response. One header may
// offer several schemes.
func challenges(h http.Header) (all []challenge) {
	for _, header := range h.Values("WWW-Authenticate") {
		for _, element := range elements(header) {
			name, rest := cutToken(element)
			if !strings.HasPrefix(rest, "=") { // a scheme begins; rest is its first parameter
				all = append(all, challenge{strings.ToLower(name), map[string]string{}})
				name, rest = cutToken(rest)
			}
			if value, ok := strings.CutPrefix(rest, "="); ok && len(all) > 0 {
				all[len(all)-1].params[strings.ToLower(name)] = unquote(strings.TrimSpace(value))
			}
		}
	}
	return all
}

// elements splits a list at its commas, except at those in quoted strings.
func elements(list string) (all []string) {
	quoted, begin := false, 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i == len(list) || list[i] == ',' && !quoted:
			if element := strings.TrimSpace(list[begin:i]); element != "" {
				all = append(all, element)
			}
			begin = i + 1
		case list[i] == '"':
			quoted = !quoted
		case list[i] == '\\' && quoted && i+1 < len(list):
			i++
		}
	}
	return all
}

// cutToken splits s after its first word.
func cutToken(s string) (token, rest string) {
	end := strings.IndexAny(s, " \t=")
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimSpace(s[end:])
}

// unquote returns the text of a quoted string, or s if s is none.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' {
		return s
	}
	var b strings.Builder
	for i := 1; i < len(s) && s[i] != '"'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// quote returns s as a quoted string.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
