// Package origin decides where credentials may go. An origin is a scheme, a
// host and a port. A connector has a set of origins; a redirect chain that
// leaves the set gets no more credentials.
package origin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Set is the origins to which a connector may send credentials. The zero
// value allows a single origin in each redirect chain: the origin of the first
// request, if the scheme is https or the host is loopback. A Set is immutable, and its
// copies share memory.
type Set struct{ *entries } // nil: the zero value

type entries struct {
	origins []origin
	and     []Set // each of which must allow a request too
}

// list returns the origins of s.
func (s Set) list() []origin {
	if s.entries == nil {
		return nil
	}
	return s.origins
}

// others returns the Sets that must allow a request too.
func (s Set) others() []Set {
	if s.entries == nil {
		return nil
	}
	return s.and
}

// origin is an entry of a Set.
type origin struct {
	scheme   string
	host     string // canonical; for a wildcard a suffix such as ".example.com"
	wildcard bool
}

// Parse reads the entries of a Hosts list. An international name may be written in
// Unicode or in the xn-- form. "api.example.com" and "api.example.com:8443" mean https.
// "*.example.com" means every name below example.com, with https and the default port.
// An explicit origin such as "http://10.0.0.5:8080" means exactly the given origin. The
// error joins all problems.
func Parse(hosts []string) (Set, error) {
	if len(hosts) == 0 {
		return Set{}, nil
	}
	s := Set{&entries{origins: make([]origin, 0, len(hosts))}}
	var problems []error
	for i, entry := range hosts {
		o, err := parse(entry)
		if err != nil {
			problems = append(problems, fmt.Errorf("host %s: %w", shown(entry, i), err))
		}
		s.origins = append(s.origins, o)
	}
	if err := errors.Join(problems...); err != nil {
		return Set{}, err
	}
	return s, nil
}

// shown names an entry in an error, without what may be a secret: a user name and
// password, a port that is none, a path, a query. If nothing remains, the entry is
// named by its number.
func shown(entry string, i int) string {
	scheme, rest, explicit := strings.Cut(entry, "://")
	if scheme = strings.ToLower(scheme); !explicit {
		scheme, rest = "", entry
	} else if scheme == "http" || scheme == "https" || scheme == "ftp" {
		scheme += "://"
	} else {
		rest = ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_*", r)
	})
	switch {
	case rest == "" || end == 0 || strings.Contains(entry, "@"):
		return strconv.Itoa(i + 1)
	case end > 0:
		rest = rest[:end] + "..."
	}
	return strconv.Quote(scheme + rest)
}

// parse reads an entry of a Hosts list.
func parse(entry string) (origin, error) {
	if hasSpace(entry) {
		return origin{}, errSpace
	}
	scheme, rest, explicit := strings.Cut(entry, "://")
	if !explicit {
		scheme, rest = "https", entry
	}
	scheme = strings.ToLower(scheme)
	if scheme != "https" && scheme != "http" {
		return origin{}, errors.New("the scheme is not http or https")
	}
	name, wildcard := strings.CutPrefix(rest, "*")
	if wildcard {
		if explicit || !strings.HasPrefix(name, ".") || strings.Count(name, ".") < 2 || strings.Contains(name, ":") {
			return origin{}, fmt.Errorf("write a wildcard as *.example.com, without scheme and port, and with a dot in the name below which hosts are meant")
		}
		rest = name[1:]
	}
	bare := rest // without a port
	if !validName(rest) || strings.Contains(rest, ":") {
		u, err := url.Parse("//" + rest)
		if err != nil || u.Host != rest || u.Hostname() == "" || strings.HasSuffix(rest, ":") {
			return origin{}, fmt.Errorf("want a host name such as api.example.com, *.example.com or an origin such as http://10.0.0.5:8080, without path, query or user name")
		}
		bare = u.Hostname()
	}
	host := canonical(scheme, rest)
	switch {
	case host == "" || hasFalseLabel(host):
		return origin{}, errInternational
	case isASCII(rest) && !validName(bare):
		return origin{}, errors.New("a host name has only letters, digits, '-', '_' and '.'")
	}
	if wildcard {
		host = "." + host
	}
	return origin{scheme: scheme, host: host, wildcard: wildcard}, nil
}

// Reach is a result of Check.
type Reach int

const (
	// Refused is a direct request to an origin outside the set. The request must
	// not be sent.
	Refused Reach = iota
	// WithoutCredentials is a redirect hop after the chain has left the set. The
	// request must be sent without credentials.
	WithoutCredentials
	// Inside is a request with an origin in the set. The request may carry
	// credentials.
	Inside
)

// maxHops is the limit of the walk along a redirect chain. Requests of a longer
// chain are WithoutCredentials.
const maxHops = 1000

// Check decides whether req may carry credentials. Check follows req.Response
// back to the first request of the redirect chain. When a hop has left the set,
// all later hops are WithoutCredentials, even after a return to the set. The error
// says why a request is Refused; otherwise the error is nil.
func (s Set) Check(req *http.Request) (Reach, error) {
	reach, err := s.check(req)
	for _, other := range s.others() {
		if r, why := other.Check(req); r < reach {
			reach, err = r, why
		}
	}
	return reach, err
}

// check is Check without the sets that must allow the request too.
func (s Set) check(req *http.Request) (Reach, error) {
	if req.URL == nil || req.URL.Host == "" {
		return Refused, fmt.Errorf("the request has no URL with a host")
	}
	if req.Response == nil {
		if why := s.outside(req.URL, req.URL); why != "" {
			return Refused, fmt.Errorf("%s %s", name(req.URL), why)
		}
		return Inside, nil
	}
	first := req
	for hops := 0; first.Response != nil; hops++ {
		if first = first.Response.Request; first == nil || first.URL == nil || hops == maxHops {
			return WithoutCredentials, nil
		}
	}
	for hop := req; ; hop = hop.Response.Request {
		if s.outside(hop.URL, first.URL) != "" {
			return WithoutCredentials, nil
		}
		if hop == first {
			return Inside, nil
		}
	}
}

// Allows checks a changed URL. A hook or a signature has changed the URL of a
// request from original to u. The error says why the credentials must not go to
// u.
func (s Set) Allows(u, original *url.URL) error {
	if why := s.outside(u, original); why != "" {
		return fmt.Errorf("%s %s", name(u), why)
	}
	for _, other := range s.others() {
		if err := other.Allows(u, original); err != nil {
			return err
		}
	}
	return nil
}

// Intersect returns the Set that allows what each of sets allows. There must be
// at least one.
func Intersect(sets ...Set) Set {
	return Set{&entries{sets[0].list(), append(slices.Clone(sets[0].others()), sets[1:]...)}}
}

// Meets reports whether an origin may be in both s and other.
func (s Set) Meets(other Set) bool {
	for _, a := range append([]Set{{&entries{origins: s.list()}}}, s.others()...) {
		for _, b := range append([]Set{{&entries{origins: other.list()}}}, other.others()...) {
			if len(a.others())+len(b.others()) > 0 {
				if !a.Meets(b) {
					return false
				}
			} else if len(a.list()) > 0 && len(b.list()) > 0 && !meet(a.list(), b.list()) {
				return false
			}
		}
	}
	return true
}

func meet(a, b []origin) bool {
	return slices.ContainsFunc(a, func(a origin) bool {
		return slices.ContainsFunc(b, func(b origin) bool {
			return a == b || a.scheme == b.scheme && (a.wildcard && strings.HasSuffix(b.host, a.host) || b.wildcard && strings.HasSuffix(a.host, b.host))
		})
	})
}

// outside says why credentials must not go to u, in a redirect chain with the
// first URL first. Empty means that the credentials may go to u.
func (s Set) outside(u, first *url.URL) string {
	if u.Opaque != "" && namesHost(u.Opaque) {
		return "has an opaque URL that may name another host"
	}
	if s.entries != nil && s.has(u.Scheme, u.Host) { // as most URLs spell the host
		return ""
	}
	host := u.Host
	if len(s.list()) > 0 || !isASCII(host) {
		if host = plain(u.Scheme, u.Host); host == "" {
			return errInternational.Error()
		}
		if host != u.Host && s.has(u.Scheme, host) {
			return ""
		}
	}
	switch {
	case u.Scheme == "http" && s.has("https", host):
		return "is not among the connector's Hosts, which have the host by https; for plain http, list the origin with http:// in Hosts"
	case len(s.list()) > 0:
		return "is not among the connector's Hosts"
	case u.Scheme == "https", u.Scheme == "http" && Loopback(nameOf(host)):
		if u != first && !Same(u, first) {
			return "is not the origin of the first request"
		}
		return ""
	case u.Scheme == "http":
		return "is plain http, so everybody on the way could read the credentials; use https, or list the origin in Hosts"
	}
	return "is not an https URL"
}

// namesHost reports whether an opaque URL, which is not empty, is more than a path:
// net/http sends such a URL to an HTTP proxy as it is, whatever the host of the URL.
func namesHost(opaque string) bool {
	return opaque != "*" && (opaque[0] != '/' || strings.HasPrefix(opaque, "//"))
}

// has reports whether an origin of s is that of scheme and host. host may have letters
// in upper case. The hosts of s are in ASCII, so no other text of the same length folds
// to one of them.
func (s Set) has(scheme, host string) bool {
	list := s.list()
	for i := range list {
		o := &list[i]
		below := len(host) - len(o.host) // the length of the labels that a wildcard stands for
		if below != 0 && (below < 0 || !o.wildcard) || o.scheme != scheme {
			continue
		}
		if rest := host[below:]; (rest == o.host || strings.EqualFold(rest, o.host)) && (!o.wildcard || areLabels(host[:below])) {
			return true
		}
	}
	return false
}
