package connectorauth

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// outgoing is a copy of the caller's request, in one allocation with room for the
// value of a header.
type outgoing struct {
	http.Request
	value [1]string
}

// altered is an outgoing request with another URL or another body, in one allocation with
// the URL and the reader of the body.
type altered struct {
	outgoing
	url  url.URL
	body bytes.Reader
}

// signing is an outgoing request that OAuth1 signs, in one allocation with what the
// connector keeps of the signature.
type signing struct {
	outgoing
	signed signed
}

// opened is an outgoing request that code of the program may change, in one allocation
// with the URL and with the exchange that a hook sees.
type opened struct {
	outgoing
	url  url.URL
	seen [1]Exchange
}

// room is memory that a request has for a scheme. Each member may be missing.
type room struct {
	inject.Room
	signed *signed // for OAuth1
}

// private returns a copy of req without the header called except, and room for what a
// scheme adds. seen is nil unless code of the program may change the copy: then the copy
// shares nothing with req, and seen is room for the exchange of a hook.
func (t *transport) private(req *http.Request, except string) (out *http.Request, to room, seen []Exchange) {
	switch {
	case t.open:
		o := &opened{outgoing: outgoing{Request: *req}, url: *req.URL}
		o.URL, o.Header = &o.url, ownHeader(req.Header, except)
		o.Form, o.PostForm = cloneValues(req.Form), cloneValues(req.PostForm)
		o.TransferEncoding = slices.Clone(req.TransferEncoding)
		// The trailer stays the caller's, who may set its values while the body is read.
		return &o.Request, room{Room: inject.Room{Value: &o.value, URL: &o.url}}, o.seen[:]
	case t.alter:
		o := &altered{outgoing: outgoing{Request: *req}}
		o.Header = copyHeader(req.Header, except)
		return &o.Request, room{Room: inject.Room{Value: &o.value, URL: &o.url, Body: &o.body}}, nil
	case t.signs:
		o := &signing{outgoing: outgoing{Request: *req}}
		o.Header = copyHeader(req.Header, except)
		return &o.Request, room{inject.Room{Value: &o.value}, &o.signed}, nil
	}
	o := &outgoing{Request: *req}
	o.Header = copyHeader(req.Header, except)
	return &o.Request, room{Room: inject.Room{Value: &o.value}}, nil
}

// isElsewhere reports whether u may lead elsewhere than original, whose origin was checked.
// A credential in the query or in the path leads nowhere else.
func isElsewhere(u, original *url.URL) bool {
	return u.Scheme != original.Scheme || u.Host != original.Host || u.Opaque != original.Opaque
}

func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }

// isOpen reports whether requests with the credential of s pass through code of the
// program.
func isOpen(s scheme) bool {
	switch s := s.(type) {
	case *customScheme:
		return s.config.Authenticate != nil
	case *oauth2Scheme:
		return s.proof != nil
	case *joinedScheme:
		return slices.ContainsFunc(s.parts, isOpen)
	}
	return false
}

// copyHeader copies h without the header called except, in any letter case. The
// values are shared: only a base that breaks the contract of http.RoundTripper writes
// to them, which would change the caller's request without a connector too, and a copy
// of the values takes a fifth of the time of a request.
func copyHeader(h http.Header, except string) http.Header {
	if len(h) == fullMap && except != "" {
		out := make(http.Header, len(h)+1)
		for name, values := range h {
			if !isNamed(name, except) {
				out[name] = values
			}
		}
		return out
	}
	out := maps.Clone(h) // faster than element by element
	if out == nil {
		return make(http.Header, 1)
	}
	dropHeader(out, h, except)
	return out
}

// fullMap is how many keys the smallest map holds. One key more moves all keys of a clone,
// which then takes longer than a copy key by key.
const fullMap = 8

// ownHeader is copyHeader with a copy of the values too.
func ownHeader(h http.Header, except string) http.Header {
	out := make(http.Header, len(h)+1)
	all := make([]string, 0, len(h)) // nearly all headers have one value
	for name, values := range h {
		switch {
		case isNamed(name, except):
		case values == nil:
			out[name] = nil
		default:
			all = append(all, values...)
			out[name] = all[len(all)-len(values) : len(all) : len(all)]
		}
	}
	return out
}

// isNamed reports whether a header is called name, which may be empty, in any letter case.
func isNamed(header, name string) bool {
	return len(header) == len(name) && strings.EqualFold(header, name)
}

// dropHeader removes the header called name, in any letter case, from h. h and
// names have the same keys. An empty name is no header.
func dropHeader(h, names http.Header, name string) {
	if name == "" {
		return
	}
	for n := range names {
		if isNamed(n, name) {
			delete(h, n)
		}
	}
}
