package scrub

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// A pair is a query parameter, decoded, or a secret without a name.
type pair struct {
	name, value string
	certain     bool // the value is a secret, however short
}

// injected returns the query parameters that sent has and original has not, and
// the secrets among others.
func injected(original, sent *url.URL, secrets []string) (added []pair) {
	before := parameters(original.RawQuery)
	for _, p := range parameters(sent.RawQuery) {
		if !slices.Contains(before, p) {
			added = append(added, p)
		}
	}
	for _, secret := range secrets {
		if secret != "" && !slices.ContainsFunc(added, func(p pair) bool { return p.value == secret }) {
			added = append(added, pair{value: secret})
		}
	}
	return added
}

// parameters splits a query, however badly the query is encoded. A part between
// semicolons counts as a parameter too, because some servers see one there.
func parameters(query string) (list []pair) {
	add := func(text string) {
		name, value, _ := strings.Cut(strings.ReplaceAll(text, "+", " "), "=")
		if name != "" || value != "" {
			list = append(list, pair{name: unescape(name), value: unescape(value)})
		}
	}
	for group := range strings.SplitSeq(query, "&") {
		add(group)
		if strings.Contains(group, ";") {
			for part := range strings.SplitSeq(group, ";") {
				add(part)
			}
		}
	}
	return list
}

// public are the OAuth1 parameters without a secret: a redirect may contain
// their values by chance.
var public = []string{
	"oauth_consumer_key", "oauth_signature_method", "oauth_timestamp", "oauth_nonce", "oauth_version", "oauth_body_hash",
}

// isSecret reports whether the value alone, without its name, is a secret.
func (p pair) isSecret() bool { return len(p.value) >= minSecret && !slices.Contains(public, p.name) }

// minBare is the length, in bytes, from which a value without its name counts as a
// repetition, unless the value is a parameter of the query, or was sent in the path.
// Shorter values are often ordinary words of a path.
const minBare = 12

// minCertain is the length, in bytes, from which no text contains a value by
// chance. Around a shorter value, there must be delimiters.
const minCertain = 16

// maxEncodings is how often a repeated value may be encoded on top of itself.
const maxEncodings = 5

// Redirect takes the credentials that a connector added to a URL out of the
// Location header of the response. A server repeats them where the redirect
// carries the original query along, or a login page gets the original URL to
// return to.
//
// A repetition in the query, the fragment or the user name is removed. All
// other bytes stay. A repetition elsewhere cannot be removed: the error says so,
// and the header stays. original is the caller's URL, sent the URL with the
// credentials. secrets are credentials of the request, which may be a part of a
// parameter, or stand in the path. Where the caller's path has a placeholder for the
// credential, a redirect on the same origin gets the placeholder back.
func Redirect(h http.Header, original, sent *url.URL, secrets ...string) error {
	location := h.Get("Location")
	if location == "" {
		return nil
	}
	if restored := withPlaceholders(location, original, sent); restored != location {
		h.Set("Location", restored)
		location = restored
	}
	added := inPath(injected(original, sent, secrets), original, sent)
	if len(added) == 0 {
		return nil
	}
	for i, p := range added {
		added[i].name, added[i].value = fold(p.name), fold(p.value)
	}
	rest, fragment, hasFragment := strings.Cut(location, "#")
	path, query, hasQuery := strings.Cut(rest, "?")
	if user, host, ok := cutUser(path); ok && repeats(added, user) {
		path = host
	}
	if repeats(added, path) {
		return errors.New("connectorauth: the redirect is not followed, because its path repeats the credential of the query")
	}
	cleaned := path
	if hasQuery {
		if kept := withoutRepeats(added, query); kept != "" || query == "" {
			cleaned += "?" + kept
		}
	}
	if hasFragment && !repeats(added, fragment) {
		cleaned += "#" + fragment
	}
	if repeats(added, cleaned) { // not encoded, so that the value is cut
		return errors.New("connectorauth: the redirect is not followed, because it repeats the credential of the query")
	}
	if cleaned != location {
		h.Set("Location", cleaned)
	}
	return nil
}

// cutUser splits a URL without query into its user information and the URL
// without user information.
func cutUser(u string) (user, rest string, ok bool) {
	scheme, authority, found := strings.Cut(u, "//")
	if !found {
		return "", "", false
	}
	authority, path, hasPath := strings.Cut(authority, "/")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return "", "", false
	}
	rest = scheme + "//" + authority[at+1:]
	if hasPath {
		rest += "/" + path
	}
	return authority[:at], rest, true
}

// withoutRepeats returns query without the parameters that repeat an added one.
// Some servers separate parameters by semicolons.
func withoutRepeats(added []pair, query string) string {
	var kept []byte
	first := true
	for group := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(group, "="); !strings.Contains(name, ";") && isAdded(added, group) {
			continue // the value may contain semicolons
		}
		separator := byte('&')
		for parameter := range strings.SplitSeq(group, ";") {
			if !isAdded(added, parameter) && !repeats(added, parameter) {
				if !first {
					kept = append(kept, separator)
				}
				kept, first = append(kept, parameter...), false
			}
			separator = ';'
		}
	}
	return string(kept)
}

// isAdded reports whether a query parameter is an added one, or has the value of
// an added secret.
func isAdded(added []pair, parameter string) bool {
	name, value, _ := strings.Cut(parameter, "=")
	name = decode(name)
	value = fold(value)
	for range maxEncodings + 1 {
		for _, p := range added {
			if p.value == value && (p.name == name || p.isSecret()) {
				return true
			}
		}
		value = decode(value)
	}
	return false
}

// repeats reports whether text contains an added parameter with its name, or a
// whole component that is an added secret.
func repeats(added []pair, text string) bool {
	text = fold(text)
	for range maxEncodings + 1 {
		for _, p := range added {
			if p.name != "" && len(p.value) >= minSecret && p.stands(text, p.name+"="+p.value) {
				return true
			}
			if (p.certain || len(p.value) >= minBare) && p.isSecret() && p.stands(text, p.value) {
				return true
			}
		}
		decoded := decode(text)
		if decoded == text {
			return false
		}
		text = decoded
	}
	return false
}

// stands reports whether part, which has the value of p, stands in text. A value
// that may be there by chance counts as a whole component only: between
// delimiters, or at an end of text.
func (p pair) stands(text, part string) bool {
	for start := 0; ; {
		i := strings.Index(text[start:], part)
		if i < 0 {
			return false
		}
		i += start
		end := i + len(part)
		if len(p.value) >= minCertain || (i == 0 || isDelimiter(text[i-1])) && (end == len(text) || isDelimiter(text[end])) {
			return true
		}
		start = i + 1
	}
}

// isDelimiter reports whether c separates the components of a URL, or of a text
// with a URL in it.
func isDelimiter(c byte) bool { return !wire.IsUnreserved(c) && c < utf8.RuneSelf }

// decode undoes one encoding of s.
func decode(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	return fold(unescape(s))
}

// unescape undoes the percent-encoding of s. A broken escape stands for itself.
func unescape(s string) string {
	decoded := make([]byte, 0, len(s))
	for len(s) > 0 {
		c, size := wire.Unescape(s)
		decoded = append(decoded, c)
		s = s[size:]
	}
	return string(decoded)
}

// fold makes one of plus signs and spaces: a plus sign means a space in a query,
// and itself elsewhere.
func fold(s string) string { return strings.ReplaceAll(s, "+", " ") }
