package oauth1

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// parameters are the parameters to sign. The text is encoded once for the
// normalised parameters (section 3.4.1.3.2) and once more for the base string
// (section 3.4.1.1). The second encoding keeps the order of the first.
type parameters struct {
	text []byte // name, "%3D" and value of each parameter
	list []parameter
}

// A parameter is a range of the text: where the name starts, where "%3D" stands,
// and where the value ends.
type parameter struct {
	first              uint64 // the first eight bytes of the name, which mostly decide the order
	start, equals, end int
}

// firstBytes returns up to eight bytes of name as a number. The numbers have the
// order of the bytes: no name has a zero byte, so shorter names come first.
func firstBytes(name []byte) (first uint64) {
	if len(name) >= 8 {
		return binary.BigEndian.Uint64(name)
	}
	for i, c := range name {
		first |= uint64(c) << (56 - 8*i)
	}
	return first
}

// scratch has the buffers for a signature. Later signatures reuse the buffers,
// so no result of the package may point into them.
type scratch struct {
	parameters
	protocol encoded // the protocol parameters of this request
	base     []byte  // the base string
	random   randomness
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func newScratch() *scratch {
	s := scratches.Get().(*scratch)
	s.text, s.list, s.base = s.text[:0], s.list[:0], s.base[:0]
	s.protocol.text, s.protocol.marks = s.protocol.text[:0], s.protocol.marks[:0]
	return s
}

// free gives s back for reuse, unless a large form has made the buffers large.
func (s *scratch) free() {
	if cap(s.text)+cap(s.base) <= 128<<10 {
		scratches.Put(s)
	}
}

// build writes the base string to s.base. The string covers the request, the
// form, s.protocol and fixed, whose parameters are sorted.
func (s *scratch) build(req *http.Request, form []byte, fixed *parameters) error {
	if req.URL == nil {
		return errors.New("connectorauth: OAuth1 cannot sign a request without a URL: set Request.URL")
	}
	scheme := req.URL.Scheme
	if scheme != "https" { // in lower case, as from url.Parse
		scheme = strings.ToLower(scheme)
	}
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
	s.base = wire.AppendEscaped(s.base, strings.ToUpper(method))
	s.base = append(s.base, '&')
	s.base = append(s.base, scheme...)
	s.base = append(s.base, "%3A%2F%2F"...)
	s.base = wire.AppendEscaped(s.base, host)
	s.base = wire.AppendEscaped(s.base, path)
	s.base = append(s.base, '&')

	collect(&s.parameters, query)
	collect(&s.parameters, form)
	s.protocol.appendTo(&s.parameters)
	s.sort()
	s.base = appendMerged(s.base, &s.parameters, fixed)
	return nil
}

// sort orders the parameters by name, then by value (section 3.4.1.3.2).
func (p *parameters) sort() {
	slices.SortFunc(p.list, func(a, b parameter) int { return compare(p.text, a, p.text, b) })
}

// compare compares parameters of two texts.
func compare(aText []byte, a parameter, bText []byte, b parameter) int {
	if a.first != b.first {
		return cmp.Compare(a.first, b.first)
	}
	if order := bytes.Compare(aText[a.start:a.equals], bText[b.start:b.equals]); order != 0 {
		return order
	}
	return bytes.Compare(aText[a.equals:a.end], bText[b.equals:b.end])
}

// appendMerged appends the parameters of a and b, each of which is sorted, in one
// order.
func appendMerged(base []byte, a, b *parameters) []byte {
	for i, j := 0, 0; i < len(a.list) || j < len(b.list); {
		if i+j > 0 {
			base = append(base, "%26"...)
		}
		if j == len(b.list) || i < len(a.list) && compare(a.text, a.list[i], b.text, b.list[j]) < 0 {
			base = append(base, a.text[a.list[i].start:a.list[i].end]...)
			i++
		} else {
			base = append(base, b.text[b.list[j].start:b.list[j].end]...)
			j++
		}
	}
	return base
}

// add adds a parameter of the text to the list.
func (p *parameters) add(added parameter) {
	added.end = len(p.text)
	added.first = firstBytes(p.text[added.start:added.equals])
	p.list = append(p.list, added)
}

// equalsSign is the equals sign of the base string.
const equalsSign = "%3D"

// collect adds the parameters of a query or form (section 3.4.1.3.1). collect
// refuses no malformed text, unlike url.ParseQuery: a server that reads the text
// signs all parameters, so a missing parameter would spoil the signature. The
// parameter oauth_signature is left out.
func collect[T string | []byte](to *parameters, form T) {
	for i := 0; i < len(form); i++ { // the increment passes over an ampersand
		p := parameter{start: len(to.text)}
		to.text, p.equals, i = appendParameter(to.text, form, i)
		switch {
		case len(to.text) == p.start: // nothing between two ampersands is not a parameter
		case string(to.text[p.start:p.equals]) == "oauth_signature":
			to.text = to.text[:p.start]
		default:
			to.add(p)
		}
	}
}

// appendParameter appends the parameter of form that starts at i, encoded for
// the base string. appendParameter also returns where "%3D" stands in the text,
// and where the parameter ends in form.
func appendParameter[T string | []byte](text []byte, form T, i int) (_ []byte, equals, end int) {
	start := len(text)
	equals = -1
	for {
		plain := i
		for i < len(form) && wire.IsUnreserved(form[i]) {
			i++
		}
		text = append(text, form[plain:i]...)
		if i == len(form) || form[i] == '&' {
			break
		}
		if form[i] == '=' && equals < 0 {
			equals = len(text)
			text = append(text, equalsSign...)
			i++
			continue
		}
		c, size := wire.Unescape(form[i:])
		text = wire.AppendEscapedTwice(text, c)
		i += size
	}
	if equals < 0 && len(text) > start {
		equals = len(text)
		text = append(text, equalsSign...)
	}
	return text, equals, i
}

// signedHost returns the Host header that net/http will send, in lower case and
// without a default port (section 3.4.1.2).
func signedHost(req *http.Request, scheme string) (string, error) {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	if !plainHost(host) {
		return "", errors.New("connectorauth: OAuth1 cannot sign for this host: write it in ASCII (xn--… for other alphabets), without a path")
	}
	host = strings.ToLower(host)
	if strings.IndexByte(host, ':') < 0 {
		return host, nil // neither a port nor an IPv6 address
	}
	bracket := strings.LastIndexByte(host, ']')
	if colon := strings.LastIndexByte(host, ':'); colon > bracket {
		port := host[colon+1:]
		if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
			host = host[:colon]
		}
	}
	if strings.HasPrefix(host, "[") && bracket > 0 {
		if zone := strings.LastIndexByte(host[:bracket], '%'); zone >= 0 {
			host = host[:zone] + host[bracket:] // net/http never sends the zone of an IPv6 address
		}
	}
	return host, nil
}

// plainHost reports whether net/http sends host unchanged as the Host header.
// For any other host, net/http sends punycode or an empty header.
func plainHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; !wire.IsUnreserved(c) && strings.IndexByte("!$%&'()*+,:;=[]", c) < 0 {
			return false
		}
	}
	return host != ""
}

// target returns the path and the query of the request line. A server reads an
// empty path as "/" (RFC 5849 section 3.4.1.2).
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
