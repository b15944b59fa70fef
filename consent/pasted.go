package consent

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth/internal/lazy"
)

var (
	// addressStart matches what begins with a scheme.
	addressStart = lazy.Regexp(`^[A-Za-z][A-Za-z0-9+.-]*:/`)
	// parameterStart matches the first parameter behind an address that lacks its "?".
	parameterStart = lazy.Regexp(`(code|state|error|iss|oauth_token|oauth_verifier|denied)=`)
	// escapedAmpersand matches an ampersand that was escaped for HTML, perhaps twice.
	escapedAmpersand = lazy.Regexp(`&((amp|#0*38|#[xX]0*26);)+`)
	// pasteMark matches what some terminals put around a pasted text.
	pasteMark = lazy.Regexp("\x1b\\[20[01]~")
)

// callbacksIn returns the callbacks that text may contain, the best guess first. A
// person has pasted text, perhaps out of a mail or a chat: the text may be wrapped,
// quoted, or escaped for HTML or for a URL. Only a callback with the right state is of
// use, so a wrong guess does no harm.
func callbacksIn(text string) (callbacks []url.Values) {
	for _, address := range addressesIn(text) {
		for _, query := range queriesIn(address) {
			if values, err := parseCallback(query); err == nil && len(values) > 0 {
				callbacks = append(callbacks, values)
			}
		}
	}
	return callbacks
}

// codeIn returns the code if text is a code alone, perhaps wrapped, quoted or escaped
// for a URL. Empty means that text is something else.
func codeIn(text string) string {
	text = strings.TrimSpace(text)
	for line := range strings.Lines(text) {
		if len(strings.Fields(line)) > 1 {
			return ""
		}
	}
	code := unquote(squeeze(text))
	if unescaped, err := url.PathUnescape(code); err == nil {
		code = unescaped
	}
	if strings.ContainsAny(strings.TrimRight(code, "="), "?&#=<>\"") || addressStart().MatchString(code) ||
		strings.ContainsFunc(code, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return ""
	}
	return code
}

// addressesIn returns what may be an address in text: first what begins with a scheme
// and is wrapped over the lines that follow, and then each word. The last one comes
// first.
func addressesIn(text string) (addresses []string) {
	var wrapped strings.Builder
	end := func() {
		addresses = append(addresses, unquote(wrapped.String()))
		wrapped.Reset()
	}
	for line := range strings.Lines(text) {
		line = squeeze(line)
		if addressStart().MatchString(unquote(line)) {
			end()
		}
		wrapped.WriteString(line)
	}
	end()
	slices.Reverse(addresses)
	if len(addresses) > 2 { // perhaps one address, wrapped before an address in its query
		addresses = append(addresses, unquote(squeeze(text)))
	}
	words := strings.Fields(text)
	slices.Reverse(words)
	for _, word := range words {
		addresses = append(addresses, unquote(squeeze(word)))
	}
	return addresses
}

// queriesIn returns what may be the query of a callback in an address, the best guess
// first.
func queriesIn(address string) (queries []string) {
	for range 2 { // an address that was escaped as a whole, perhaps twice
		if unescaped, err := url.PathUnescape(address); err == nil && !strings.Contains(address, "=") {
			address = unquote(squeeze(unescaped))
		}
	}
	address = escapedAmpersand().ReplaceAllString(address, "&")
	address, fragment, _ := strings.Cut(address, "#")
	_, query, found := strings.Cut(address, "?")
	switch first := parameterStart().FindStringIndex(address); {
	case found:
		queries = append(queries, query)
	case first != nil:
		queries = append(queries, address[first[0]:], address)
	case fragment != "" && !strings.Contains(fragment, "="): // code#state
		queries = append(queries, url.Values{"code": {address}, "state": {fragment}}.Encode())
	}
	queries = append(queries, fragment)
	for i, query := range queries { // behind the address stands the rest of an HTML element
		if end := strings.IndexAny(query, "\"<>`"); end >= 0 {
			queries[i] = query[:end]
		}
	}
	return queries
}

// squeeze removes what no address contains: white space and characters without a
// shape.
func squeeze(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, pasteMark().ReplaceAllString(text, ""))
}

// unquote removes quotes and brackets around an address.
func unquote(text string) string { return strings.Trim(text, "\"'`<>()[]“”„‘’‚«»") }
