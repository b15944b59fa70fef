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
		return &hiddenError{text, &err}
	}
	return err
}

// hiddenError is an error with a scrubbed text. errors.Is and errors.As reach
// the wrapped error, but fmt cannot print the wrapped error: a second pointer is
// in the way.
type hiddenError struct {
	text string
	err  *error
}

func (e *hiddenError) Error() string { return e.text }

func (e *hiddenError) Is(target error) bool { return errors.Is(*e.err, target) }

// As finds anything but a *url.Error, which would show its URL.
func (e *hiddenError) As(target any) bool {
	if _, shows := target.(**url.Error); shows {
		return false
	}
	return errors.As(*e.err, target)
}

// Temporary makes hiddenError the first net.Error that errors.As finds.
func (e *hiddenError) Temporary() bool { return false }

// Timeout is for http.Client, which asks errors for a Timeout method.
func (e *hiddenError) Timeout() bool {
	var failed interface{ Timeout() bool }
	return errors.As(*e.err, &failed) && failed.Timeout()
}

// Withhold returns err, or another error if the text of err quotes a secret. A nil
// err stays nil.
func Withhold(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); Text(text, len(text), secrets...) != Text(text, len(text)) {
		return errors.New("connectorauth: an error is withheld because it quotes a credential")
	}
	return err
}

// Cause returns what an error of a call to a provider may show: no URL, no
// secret, and at most 200 bytes of the words of a server that does not speak
// HTTP.
func Cause(err error, secrets ...string) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	const limit = 200
	switch text := err.Error(); {
	case Text(text, len(text), secrets...) != Text(text, len(text)):
		return errors.New("the request failed, with an error that is withheld because it quotes a credential")
	case len(text) > limit:
		return errors.New(Text(text, limit))
	}
	return err
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
