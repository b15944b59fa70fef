package oauth1sig

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// BaseString returns the signature base string of RFC 5849 section 3.4.1: what
// the signature methods sign.
//
// form is the request's body if that is a form (see [IsForm]), else nil;
// protocol are the OAuth parameters that will travel in the Authorization
// header. Those that travel in the query or the form are already in the
// request and are not repeated in protocol. BaseString fails if the request is
// not http or https, or has a Host that net/http would not send as it is
// written.
func BaseString(req *http.Request, form []byte, protocol ...Param) (string, error) {
	s := newScratch()
	defer s.free()
	for _, p := range protocol {
		s.protocol = appendParam(s.protocol, p.Name, p.Value)
	}
	if err := s.build(req, form, parameters{}); err != nil {
		return "", err
	}
	return string(s.base), nil
}

// parameters are the parameters to sign, in their final form: encoded once for
// the normalised parameters (section 3.4.1.3.2) and once more for the base
// string (section 3.4.1.1). The second encoding does not change their order.
type parameters struct {
	text []byte // name, "%3D" and value of each
	list []parameter
}

// parameter says where in the text a parameter begins, where its "%3D" is, and
// where it ends.
type parameter struct{ start, equals, end int }

// scratch holds the buffers that one signature needs. They are reused for the
// next one, so nothing that leaves the package may point into them.
type scratch struct {
	parameters
	protocol []byte // protocol parameters of this request, form-encoded
	base     []byte // the base string
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func newScratch() *scratch {
	s := scratches.Get().(*scratch)
	s.text, s.list, s.protocol, s.base = s.text[:0], s.list[:0], s.protocol[:0], s.base[:0]
	return s
}

// free gives s back for reuse, unless one huge form has made it huge.
func (s *scratch) free() {
	if cap(s.text)+cap(s.base) <= 128<<10 {
		scratches.Put(s)
	}
}

// build writes the base string of the request, s.protocol and fixed to s.base.
func (s *scratch) build(req *http.Request, form []byte, fixed parameters) error {
	if req.URL == nil {
		return errors.New("connectorauth: OAuth1 cannot sign a request without a URL")
	}
	scheme := strings.ToLower(req.URL.Scheme)
	if scheme != "http" && scheme != "https" {
		return errors.New("connectorauth: OAuth1 signs only http and https requests")
	}
	host, err := signedHost(req, scheme)
	if err != nil {
		return err
	}
	path, query := target(req.URL)

	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	s.base = appendEncoded(s.base, strings.ToUpper(method))
	s.base = append(s.base, '&')
	s.base = append(s.base, scheme...)
	s.base = append(s.base, "%3A%2F%2F"...)
	s.base = appendEncoded(s.base, host)
	s.base = appendEncoded(s.base, path)
	s.base = append(s.base, '&')

	s.text = append(s.text, fixed.text...) // comes first, because fixed.list counts from its beginning
	collect(&s.parameters, query)
	collect(&s.parameters, form)
	collect(&s.parameters, s.protocol)
	s.list = append(s.list, fixed.list...) // comes last, where oauth_… mostly belongs: less to sort
	s.sort()
	for i, p := range s.list {
		if i > 0 {
			s.base = append(s.base, "%26"...)
		}
		s.base = append(s.base, s.text[p.start:p.end]...)
	}
	return nil
}

// sort orders the parameters by name, then by value (section 3.4.1.3.2).
func (p *parameters) sort() {
	text := p.text
	slices.SortFunc(p.list, func(a, b parameter) int {
		if order := bytes.Compare(text[a.start:a.equals], text[b.start:b.equals]); order != 0 {
			return order
		}
		return bytes.Compare(text[a.equals:a.end], text[b.equals:b.end])
	})
}

// collect adds the parameters of a query or form (section 3.4.1.3.1). Unlike
// url.ParseQuery it refuses nothing: the server reads the same bytes, and a
// parameter left out would spoil the signature.
func collect[T string | []byte](to *parameters, form T) {
	const equalsSign = "%3D"
	text := to.text
	for i := 0; i < len(form); i++ {
		p := parameter{start: len(text), equals: -1}
		for ; i < len(form) && form[i] != '&'; i++ {
			c := form[i]
			switch {
			case unreserved[c]:
				text = append(text, c)
				continue
			case c == '=' && p.equals < 0:
				p.equals = len(text)
				text = append(text, equalsSign...)
				continue
			case c == '+':
				c = ' '
			case c == '%' && i+2 < len(form):
				if high, low := unhex(form[i+1]), unhex(form[i+2]); high >= 0 && low >= 0 {
					c = byte(high<<4 | low)
					i += 2
				}
			}
			text = appendTwice(text, c)
		}
		if p.start == len(text) {
			continue // nothing between two "&" is not a parameter
		}
		if p.equals < 0 {
			p.equals = len(text)
			text = append(text, equalsSign...)
		}
		p.end = len(text)
		if string(text[p.start:p.equals]) == "oauth_signature" {
			text = text[:p.start]
			continue
		}
		to.list = append(to.list, p)
	}
	to.text = text
}

// signedHost returns what net/http will send as Host, without the default port
// (section 3.4.1.2).
func signedHost(req *http.Request, scheme string) (string, error) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if !plainHost(host) {
		return "", errors.New("connectorauth: OAuth1 cannot sign for this host: write it in ASCII (xn--… for other alphabets), without a path")
	}
	host = strings.ToLower(host)
	bracket := strings.LastIndexByte(host, ']')
	if colon := strings.LastIndexByte(host, ':'); colon > bracket {
		port := host[colon+1:]
		if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
			host = host[:colon]
		}
	}
	if strings.HasPrefix(host, "[") && bracket > 0 {
		if zone := strings.LastIndexByte(host[:bracket], '%'); zone >= 0 {
			host = host[:zone] + host[bracket:] // the zone of an IPv6 address is never sent
		}
	}
	return host, nil
}

// plainHost reports whether net/http sends host unchanged as the Host header.
// It converts other hosts to punycode or sends an empty header instead.
func plainHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; !unreserved[c] && strings.IndexByte("!$%&'()*+,:;=[]", c) < 0 {
			return false
		}
	}
	return host != ""
}

// target returns the path and the query as they stand in the request line. An
// empty path is "/" to the server (RFC 5849 section 3.4.1.2).
func target(u *url.URL) (path, query string) {
	if u.Opaque == "" {
		path, query = u.EscapedPath(), u.RawQuery
	} else {
		path, query, _ = strings.Cut(u.RequestURI(), "?")
		if scheme, rest, absolute := strings.Cut(path, "://"); absolute && !strings.Contains(scheme, "/") {
			_, path, _ = strings.Cut(rest, "/")
			path = "/" + path
		}
	}
	return cmp.Or(path, "/"), query
}
