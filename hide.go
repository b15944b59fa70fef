package connectorauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// hideURL takes the URL that was sent, which has credentials, out of the error
// of a base. http.Transport names no URL, but a base with a client of its own
// does, and one that retries writes it into texts of its own.
func hideURL(err error, asked, sent *url.URL) error {
	if sent == asked {
		return err
	}
	replace := []string{sent.String(), asked.Redacted(), sent.Redacted(), asked.Redacted(), sent.RequestURI(), asked.RequestURI()}
	if sent.RawQuery != "" {
		replace = append(replace, sent.RawQuery, asked.RawQuery)
	}
	for _, value := range injected(asked, sent) {
		replace = append(replace, value, redacted, url.QueryEscape(value), redacted, url.PathEscape(value), redacted)
	}
	old := err.Error()
	if text := strings.NewReplacer(replace...).Replace(old); text != old {
		return &hiddenError{text, &err}
	}
	return err
}

// injected returns the query values that sent has and asked has not, but for
// those too short to be a secret.
func injected(asked, sent *url.URL) (values []string) {
	before := asked.Query()
	for name, list := range sent.Query() {
		for _, value := range list {
			if len(value) >= 4 && !slices.Contains(before[name], value) {
				values = append(values, value, url.QueryEscape(value))
			}
		}
	}
	return values
}

// hideEcho takes those parameters out of the query of a redirect that repeat an
// injected value, as a login page's address does that has the whole URL to come
// back to.
func hideEcho(h http.Header, values []string) {
	before, rest, _ := strings.Cut(h.Get("Location"), "?")
	query, fragment, hasFragment := strings.Cut(rest, "#")
	pairs := strings.Split(query, "&")
	kept := slices.DeleteFunc(pairs, func(pair string) bool { return repeats(pair, values) })
	if len(kept) == len(pairs) {
		return
	}
	if len(kept) > 0 {
		before += "?" + strings.Join(kept, "&")
	}
	if hasFragment {
		before += "#" + fragment
	}
	h.Set("Location", before)
}

// repeats reports whether text has one of values, however often it was encoded.
func repeats(text string, values []string) bool {
	for {
		if slices.ContainsFunc(values, func(value string) bool { return strings.Contains(text, value) }) {
			return true
		}
		decoded, err := url.QueryUnescape(text)
		if err != nil || decoded == text {
			return false
		}
		text = decoded
	}
}

// hiddenError is an error whose text had credentials. What it wraps can be
// tested for but not be printed, for which it is behind a pointer.
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

// Temporary makes this the first net.Error that errors.As finds.
func (e *hiddenError) Temporary() bool { return false }

// Timeout is what http.Client asks its errors for.
func (e *hiddenError) Timeout() bool {
	var failed interface{ Timeout() bool }
	return errors.As(*e.err, &failed) && failed.Timeout()
}
