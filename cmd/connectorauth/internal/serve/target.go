package serve

import (
	"errors"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/send"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// A target is what a request asks for: /SERVICE;BASE/rest?query.
type target struct {
	service    string // decoded
	base       string // the name of a base URL, decoded; empty means the first base URL
	prefix     string // the first segment as sent, with a slash in front
	rest       string // the path below the base URL, percent-encoded as sent: empty, or a slash and more
	query      string // as sent, without the question mark
	forceQuery bool   // the question mark was sent, and no query
}

// Why a target is refused.
var (
	errNoService = errors.New("the path of the URL must be /SERVICE/path, where SERVICE is the ID or the label of an account, or the name of a service")
	errSpace     = errors.New("the URL has a space or a control character: percent-encode the character")
	errClimbs    = errors.New("the path of the URL has a segment .., and must not: write the path that the segment leads to")
)

// parseTarget reads the target of a request as sent (RFC 9112 section 3.2). A URL that
// package url has parsed does not say how all characters were written.
func parseTarget(sent string) (target, error) {
	if strings.ContainsFunc(sent, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return target{}, errSpace // which no server of net/http passes on, and which would end the URL of a request
	}
	if scheme, after, absolute := strings.Cut(sent, "://"); absolute && strings.EqualFold(scheme, "http") {
		sent = after[len(hostOf(after)):]
	}
	path, query, hasQuery := strings.Cut(sent, "?")
	if !strings.HasPrefix(path, "/") {
		return target{}, errNoService
	}
	segment, rest, deeper := strings.Cut(path[1:], "/")
	t := target{prefix: "/" + segment, query: query, forceQuery: hasQuery && query == ""}
	if deeper {
		t.rest = "/" + written(rest)
	}
	service, base, _ := strings.Cut(segment, ";")
	var err, errBase error
	t.service, err = url.PathUnescape(service)
	t.base, errBase = url.PathUnescape(base)
	switch {
	case err != nil || errBase != nil || t.service == "":
		return target{}, errNoService
	case send.Climbs(t.rest):
		return target{}, errClimbs
	}
	return t, nil
}

// hostOf returns the host and the port at the begin of a URL without its scheme.
func hostOf(s string) string {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		return s[:i]
	}
	return s
}

// kept are the characters of a path that package url writes as they are, beside letters,
// digits and percent-encoded characters (RFC 3986 section 3.3, and brackets).
const kept = "-._~!$&'()*+,;=:@[]%/"

// written returns a path with those characters percent-encoded that package url would
// encode. Otherwise package url would encode the path as a whole anew, and an encoded slash
// would become a slash.
func written(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(kept, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		const hex = "0123456789ABCDEF"
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

// upstream returns where the target is at the service, below the base URL.
func (t target) upstream(base *url.URL) (*url.URL, error) {
	u := &url.URL{Scheme: base.Scheme, Host: base.Host, RawPath: base.EscapedPath() + t.rest, RawQuery: t.query, ForceQuery: t.forceQuery}
	var err error
	u.Path, err = url.PathUnescape(u.RawPath)
	return u, err
}

// local returns where a program finds u: below the target's first segment if u is below the
// base URL. ok is false for other URLs.
func (t target) local(base, u *url.URL) (path string, ok bool) {
	rest, below := strings.CutPrefix(u.EscapedPath(), base.EscapedPath())
	if !below || !origin.Same(base, u) || u.User != nil || rest != "" && rest[0] != '/' || send.Climbs(rest) {
		return "", false
	}
	path = t.prefix + rest
	if u.RawQuery != "" || u.ForceQuery {
		path += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		path += "#" + u.EscapedFragment()
	}
	return path, true
}
