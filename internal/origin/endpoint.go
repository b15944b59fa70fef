package origin

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// Endpoint reads the URL of a provider's endpoint, such as a token URL. The URL
// must be absolute, without user name and fragment. The scheme must be https;
// http is allowed for loopback hosts. The error does not show the URL.
func Endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case hasSpace(raw):
		return nil, errSpace
	case err != nil:
		return nil, fmt.Errorf("not a valid URL") // err would repeat the URL, which may contain a secret
	case u.Host != "" && canonical(u.Scheme, u.Host) == "":
		return nil, errInternational
	case u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("want an absolute URL such as https://provider.example/path")
	case u.User != nil:
		return nil, fmt.Errorf("the URL must not have a user name or password")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return nil, fmt.Errorf("the URL must not have a #fragment")
	case u.Scheme == "https", u.Scheme == "http" && Loopback(nameOf(canonical(u.Scheme, u.Host))):
		return u, nil
	}
	if u.Scheme == "http" {
		return nil, errors.New("plain http is for loopback only; use https")
	}
	return nil, errors.New("want an https URL")
}

// Covers reports whether the resource identifier resource (RFC 8707 section 2) is the URL u,
// or a parent of u on the same origin. A slash at the end of a path says nothing.
func Covers(resource, u *url.URL) bool {
	parent := strings.TrimSuffix(resource.EscapedPath(), "/")
	path := u.EscapedPath()
	return Same(resource, u) && (resource.RawQuery == "" || resource.RawQuery == u.RawQuery) &&
		(path == parent || strings.HasPrefix(path, parent+"/"))
}

// hasSpace reports whether a URL or host has what only a mistake puts there: a space,
// a line break, or a character that nobody can see. The two joiners are a part of
// names in some scripts (RFC 5892 appendix A).
func hasSpace(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r == ' ' || !unicode.IsPrint(r) && r != '\u200c' && r != '\u200d'
	})
}

var errSpace = errors.New("has a space, a line break or an invisible character; remove the character")
