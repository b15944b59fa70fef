package script

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	maxHeaders    = 64 << 10  // length of all new headers together, in bytes
	maxOldHeaders = 512 << 10 // length of all headers of a request and its response, in bytes
)

// headerSize returns the length of all headers.
func headerSize(h http.Header) (size int) {
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}

// pairs are the members of an object of strings, in their order: [name, values].
type pairs []pair

type pair struct {
	name   string
	values []string
}

// UnmarshalJSON reads a pair from an array.
func (p *pair) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&p.name, &p.values})
}

func (p pairs) names() (names []string) {
	for _, member := range p {
		names = append(names, member.name)
	}
	return names
}

func (p pairs) values() map[string][]string {
	values := make(map[string][]string, len(p))
	for _, member := range p {
		values[member.name] = member.values
	}
	return values
}

// applyHeaders writes the script's changes to the named global into h. Upper and
// lower case of a header name mean the same: a header with another spelling replaces
// the old header.
func (r *run) applyHeaders(global string, now pairs, h http.Header) error {
	var changed pairs
	kept := 0
	for _, member := range now {
		was, ok := h[member.name]
		if ok {
			kept++
		}
		if !ok || len(member.values) != 1 || member.values[0] != joined(was) {
			changed = append(changed, member)
		}
	}
	if kept < len(h) {
		after := now.values()
		maps.DeleteFunc(h, func(name string, _ []string) bool { _, ok := after[name]; return !ok })
	}
	spelled := spellings(h)
	size := 0
	for _, member := range changed {
		name, values := member.name, member.values
		canonical := http.CanonicalHeaderKey(name)
		if !isToken(name) {
			return invalid("%s: a header name is empty or has an invalid character", global)
		}
		if slices.Contains(framing, canonical) {
			return invalid("%s: a script cannot set %s, which the HTTP client controls", global, canonical)
		}
		for _, value := range values {
			if strings.ContainsFunc(value, func(c rune) bool { return isControl(c) && c != '\t' }) {
				return invalid("%s: a header value has a control character, such as a line break", global)
			}
			if r.rounds(value) {
				return rounded(global)
			}
			if size += len(name) + len(value); size > maxHeaders {
				return tooLarge("%s is larger than %d bytes", global, maxHeaders)
			}
		}
		for _, old := range spelled[canonical] {
			delete(h, old)
		}
		delete(h, canonical)
		if len(values) > 0 {
			h[canonical] = values
		}
	}
	return nil
}

// spellings returns the names in h that are not in canonical form, by their canonical
// form. Nil means that there are none.
func spellings(h http.Header) (spelled map[string][]string) {
	for name := range h {
		if canonical := http.CanonicalHeaderKey(name); canonical != name {
			if spelled == nil {
				spelled = make(map[string][]string)
			}
			spelled[canonical] = append(spelled[canonical], name)
		}
	}
	return spelled
}

// framing are the headers about the connection, the length of the body and the
// route. The HTTP client sets these headers.
var framing = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
