// Package scrub keeps credentials out of what a program sees: errors, redirects
// and the words of a provider.
package scrub

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// Redacted stands where a credential was.
const Redacted = "[redacted]"

// minSecret is the length, in bytes, from which a value counts as a secret.
// Without shorter values, texts would be unreadable and redirects damaged.
const minSecret = 4

// Error returns err, of a base RoundTripper, without the URL that was sent and
// without the credentials in that URL. http.Transport names no URL. A base with
// an http.Client of its own does, and a base that retries quotes errors in texts
// of its own. secrets are credentials of the request: see Redirect.
func Error(err error, original, sent *url.URL, secrets ...string) error {
	if sent == original {
		return err
	}
	replace := []string{
		sent.String(), original.Redacted(), sent.Redacted(), original.Redacted(), sent.RequestURI(), original.RequestURI(),
	}
	if sent.RawQuery != "" {
		replace = append(replace, sent.RawQuery, original.RawQuery)
	}
	var spellings []string
	for _, p := range injected(original, sent, secrets) {
		if len(p.value) >= minSecret {
			spellings = append(spellings, p.value, string(wire.AppendEscaped(nil, p.value)), url.QueryEscape(p.value), url.PathEscape(p.value))
		}
	}
	for _, spelling := range longestFirst(spellings) {
		replace = append(replace, spelling, Redacted)
	}
	old := err.Error()
	if text := strings.NewReplacer(replace...).Replace(old); text != old {
		return &hiddenError{text: text, err: behind(err)}
	}
	return err
}

// hiddenError is an error with a scrubbed text. errors.Is and errors.As reach
// the wrapped error, but neither fmt nor a program that walks memory by reflection
// can print the wrapped error: a function is in the way.
type hiddenError struct {
	text   string
	err    func() error
	closed bool // the wrapped error quotes a secret, so only errors.Is reaches the error
}

func behind(err error) func() error { return func() error { return err } }

func (e *hiddenError) Error() string { return e.text }

func (e *hiddenError) Is(target error) bool { return errors.Is(e.err(), target) }

// As finds anything but a *url.Error, which would show its URL, and nothing in an
// error that quotes a secret.
func (e *hiddenError) As(target any) bool {
	if _, shows := target.(**url.Error); shows || e.closed {
		return false
	}
	return errors.As(e.err(), target)
}

// Temporary makes hiddenError the first net.Error that errors.As finds.
func (e *hiddenError) Temporary() bool { return false }

// Timeout is for http.Client, which asks errors for a Timeout method.
func (e *hiddenError) Timeout() bool {
	var failed interface{ Timeout() bool }
	return errors.As(e.err(), &failed) && failed.Timeout()
}

// Withhold returns err, or an error with another text if the text of err quotes a
// secret. errors.Is sees no difference. A nil err stays nil.
func Withhold(err error, secrets ...string) error {
	if err == nil || !quotes(err.Error(), secrets) {
		return err
	}
	return &hiddenError{text: "connectorauth: an error is withheld because it quotes a credential", err: behind(err), closed: true}
}

// quotes reports whether text contains a secret.
func quotes(text string, secrets []string) bool {
	return Text(text, len(text), secrets...) != Text(text, len(text))
}

// Cause returns what an error of a call to a provider may show: no URL, no
// secret, and at most 200 bytes of the words of a server that does not speak
// HTTP. errors.Is sees no difference.
func Cause(err error, secrets ...string) error {
	whole, shown := err, err
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		shown = wrapped.Err
		if err == error(wrapped) {
			whole = shown
		}
	}
	const limit = 200
	switch text := shown.Error(); {
	case quotes(text, secrets):
		return &hiddenError{text: "the request failed, with an error that is withheld because it quotes a credential", err: behind(whole), closed: true}
	case len(text) > limit:
		return &hiddenError{text: Text(text, limit), err: behind(whole), closed: quotes(whole.Error(), secrets)}
	case whole != shown:
		return &hiddenError{text: text, err: behind(whole), closed: quotes(whole.Error(), secrets)}
	}
	return whole
}

// Text makes a provider's words fit for a log line: without secrets and control
// characters, and at most limit bytes long.
func Text(s string, limit int, secrets ...string) string {
	for _, secret := range longestFirst(secrets) {
		if len(secret) >= minSecret {
			s = strings.ReplaceAll(s, secret, Redacted)
		}
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}

// longestFirst returns a sorted copy of texts. A text that begins with another one
// must be looked for first, or its end would stay.
func longestFirst(texts []string) []string {
	return slices.SortedStableFunc(slices.Values(texts), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// WithoutQuery returns a URL without the query, which may contain a secret.
func WithoutQuery(rawURL string) string {
	rawURL, _, _ = strings.Cut(rawURL, "?")
	return rawURL
}
