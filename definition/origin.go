package definition

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/template"
	"golang.org/x/net/publicsuffix"
)

// A urlTemplate is the template of a URL whose origin may have values.
type urlTemplate struct {
	whole  string // the value in place of scheme and host; empty means that scheme is literal
	scheme string // with ://
	host   []hostPart
	port   string // with its colon, or empty
	rest   string // the template of path and query
	names  []string
	inner  template.URL // the URL, if only path and query have values

	fixedRest bool   // path and query have no values
	fixed     string // path and query then
	filled    string // the URL, if no part of the URL has values; all accounts share the text
}

// hostPart is a literal text or a value of a host.
type hostPart struct{ literal, name string }

var (
	errScheme  = errors.New("must begin with https://, or with an input alone, such as {site}, that has the format origin or an enum of URLs")
	errHost    = errors.New("has a host that cannot be read: between // and the next slash are only labels, inputs such as {name}, and perhaps a port in digits")
	portFormat = lazy.Regexp(`^:[0-9]{1,5}$`)
	// literalHost are the bytes of a host with values.
	literalHost = lazy.Regexp(`^[a-z0-9.-]*$`)
)

// parseURL reads the template of a URL.
func parseURL(s string) (_ *urlTemplate, err error) {
	u := new(urlTemplate)
	if strings.HasPrefix(s, "{") {
		name, rest, closed := strings.Cut(s[1:], "}")
		if !closed || !template.IsName(name) || rest != "" && rest[0] != '/' && rest[0] != '?' {
			return nil, errScheme
		}
		u.whole, u.rest, u.names = name, rest, []string{name}
	} else {
		scheme, rest, found := strings.Cut(s, "://")
		if !found || scheme != "https" && scheme != "http" {
			return nil, errScheme
		}
		end := strings.IndexAny(rest, `/?#\`)
		if end < 0 {
			end = len(rest)
		}
		u.scheme, u.rest = scheme+"://", rest[end:]
		if err := u.parseHost(rest[:end]); err != nil {
			return nil, err
		}
	}
	sample, whole := strings.TrimSuffix(s, u.rest), s
	if !u.literal() {
		sample = "https://example.com"
		whole = sample + u.rest
	}
	if u.inner, err = template.ParseURL(whole); err != nil {
		return nil, err
	}
	inRest := u.inner.Names()
	if len(inRest) == 0 {
		u.fixed = strings.TrimPrefix(u.inner.Sample, sample)
	}
	if len(inRest) == 0 && u.literal() {
		u.filled = u.inner.Sample
	}
	if len(inRest) == 0 || !u.literal() {
		u.inner = template.URL{} // see fill
	}
	u.fixedRest, u.names = len(inRest) == 0, append(u.names, inRest...)
	return u, nil
}

// maxHostParts is how many literal texts and values a host has. A host has 127 labels at
// most.
const maxHostParts = 250

// parseHost reads what is between the scheme and the path.
func (u *urlTemplate) parseHost(s string) error {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		u.port, s = s[i:], s[:i]
		if !portFormat().MatchString(u.port) {
			return errHost
		}
	}
	if !strings.ContainsAny(s, "{}") {
		u.host = []hostPart{{literal: s}}
		return nil
	}
	if strings.Count(s, "{") > maxHostParts {
		return errHost
	}
	for s != "" {
		literal, after, found := strings.Cut(s, "{")
		if !literalHost().MatchString(literal) {
			return errHost
		}
		if literal != "" {
			u.host = append(u.host, hostPart{literal: literal})
		}
		if !found {
			break
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed || !template.IsName(name) {
			return errHost
		}
		u.host, u.names = append(u.host, hostPart{name: name}), append(u.names, name)
		s = rest
	}
	return nil
}

// literal reports whether the origin has no values.
func (u *urlTemplate) literal() bool {
	return u.whole == "" && !slices.ContainsFunc(u.host, func(p hostPart) bool { return p.name != "" })
}

// origin returns the origin with values. The origin of an enum of URLs may have a path.
func (u *urlTemplate) origin(values map[string]string) string {
	if u.whole != "" {
		return values[u.whole]
	}
	text := u.scheme
	for _, p := range u.host {
		text += p.literal + values[p.name]
	}
	return text + u.port
}

// maxHosts is how many hosts an enum may make of a URL.
const maxHosts = 250

// checkHosts says why the host could be one that the definition does not declare.
func (u *urlTemplate) checkHosts(limits func(name string) *Limits) error {
	if u.whole != "" {
		switch l := limits(u.whole); {
		case l == nil: // which is another mistake
		case !l.isOrigin():
			return fmt.Errorf("{%s} stands for scheme and host, so the input needs the format origin or url, or an enum of https URLs without a query and a slash at the end", u.whole)
		case len(l.Enum) == 0 && len(l.Suffixes) == 0 && !l.AnyHost:
			return fmt.Errorf("nothing limits where {%s} may lead; give the input suffixes, an enum, or anyHost", u.whole)
		}
		return nil
	}
	if u.literal() {
		return nil // which template.ParseURL has checked
	}
	for _, p := range u.host {
		l := limits(p.name)
		if p.name == "" || l == nil {
			continue
		}
		if len(l.Enum) == 0 && l.Format != FormatLabel && l.Format != FormatHost {
			return fmt.Errorf("{%s} stands in a host, so the input needs the format label, or an enum", p.name)
		}
		if slices.ContainsFunc(l.Enum, func(c Choice) bool { return c.Value == "" || !literalHost().MatchString(c.Value) }) {
			return fmt.Errorf("{%s} stands in a host, so its enum has lower-case letters, digits, hyphens and dots only", p.name)
		}
	}
	left := maxHosts
	return checkHost(u.host, limits, &left)
}

// checkHost checks a host with values, and tries all values of an enum at the end.
func checkHost(host []hostPart, limits func(name string) *Limits, left *int) error {
	if *left--; *left < 0 {
		return fmt.Errorf("has more than %d hosts; use fewer values", maxHosts)
	}
	last := len(host) - 1
	suffix := ""
	for ; last >= 0 && host[last].name == ""; last-- {
		suffix = host[last].literal + suffix
	}
	if last < 0 {
		return checkName(suffix)
	}
	name := host[last].name
	l := limits(name)
	if l == nil {
		return nil // which is another mistake
	}
	if dot := strings.IndexByte(suffix, '.'); dot >= 0 && (l.Format != FormatHost || len(l.Enum) > 0) {
		err := checkSuffix(suffix[dot:], l.Suffixes) // a label may end in literal text
		switch {
		case err == nil && slices.ContainsFunc(host[:last], func(p hostPart) bool { return isHost(limits(p.name)) }):
			return errInnerHost
		case err == nil, len(l.Enum) == 0 && strings.Count(suffix[dot:], ".") > 1:
			return err
		}
	}
	begins := last == 0 || host[last-1].name == "" && strings.HasSuffix(host[last-1].literal, ".")
	switch {
	case len(l.Enum) > 0:
		for _, choice := range l.Enum {
			next := append(slices.Clone(host[:last]), hostPart{literal: choice.Value + suffix})
			if err := checkHost(next, limits, left); err != nil {
				return err
			}
		}
		return nil
	case slices.ContainsFunc(host[:last], func(p hostPart) bool { return isHost(limits(p.name)) }):
		return errInnerHost
	case suffix == "" && l.Format == FormatHost && begins && (len(l.Suffixes) > 0 || l.AnyHost):
		return nil
	case suffix == "" && l.Format == FormatHost && begins:
		return fmt.Errorf("nothing limits where {%s} may lead; give the input suffixes, an enum, or anyHost", name)
	}
	return fmt.Errorf("nothing limits where {%s} may lead; end the host with two literal labels, such as .example.com, or give the input an enum, or the format host with suffixes", name)
}

var errInnerHost = errors.New("an input with the format host stands at the end of the host only; use the format label")

// isHost reports whether a value may have several labels of a host.
func isHost(l *Limits) bool { return l != nil && l.Format == FormatHost && len(l.Enum) == 0 }

// checkSuffix says why names below a suffix may belong to others. A suffix that a
// service gives its customers, such as .myshopify.com, must be declared.
func checkSuffix(suffix string, declared []string) error {
	name := strings.TrimPrefix(suffix, ".")
	public, byRegistry := publicSuffix(name)
	if err := checkName(name); err != nil && !(public && byRegistry) { // but .com and the like have a better text below
		return err
	}
	if public && byRegistry {
		return fmt.Errorf("everybody can register names that end in %s; use a longer suffix", suffix)
	}
	if public && !slices.Contains(declared, suffix) {
		return fmt.Errorf("names that end in %s belong to different owners (publicsuffix.org); if the service gives them to its customers, say \"suffixes\": [%q] in the input", suffix, suffix)
	}
	return nil
}

// publicSuffix reports whether names below name belong to different owners, and whether a
// registry says so. A wildcard of the list, such as *.kawasaki.jp, has public suffixes below
// a name that is none.
func publicSuffix(name string) (public, byRegistry bool) {
	const below = "any-label."
	if suffix, registry := publicsuffix.PublicSuffix(below + name); suffix == below+name {
		return true, registry
	}
	suffix, registry := publicsuffix.PublicSuffix(name)
	return suffix == name, registry
}

// isPublic is publicSuffix for a suffix with its dot.
func isPublic(suffix string) bool {
	public, _ := publicSuffix(strings.TrimPrefix(suffix, "."))
	return public
}

// checkName says why a name is no name of a host.
func checkName(name string) error {
	if !isHostName(name) && !origin.Loopback(name) {
		return fmt.Errorf("%s is not the name of a host", shown(name))
	}
	return nil
}

var errOrigin = errors.New("a value would lead to another host")

// fill returns the URL with values, which their Limits allow. The error quotes no value.
func (u *urlTemplate) fill(f *template.Filler) (string, error) {
	if u.filled != "" {
		return u.filled, nil
	}
	if u.literal() {
		return u.inner.Fill(f)
	}
	base := u.origin(f.Values)
	if !u.literal() {
		if err := u.checkFilled(base); err != nil {
			return "", err
		}
	}
	if u.fixedRest {
		return base + u.fixed, nil
	}
	inner, err := template.ParseURL(base + u.rest)
	if err != nil {
		return "", err
	}
	return inner.Fill(f)
}

// checkFilled reads an origin again after its values are in place: scheme, port and the
// labels of the host must be those of the template.
func (u *urlTemplate) checkFilled(text string) error {
	if strings.ContainsAny(text, "{}") {
		return errOrigin
	}
	filled, err := origin.Endpoint(text)
	if err != nil {
		return errOrigin
	}
	if u.whole != "" {
		return nil // which Limits have checked as a whole
	}
	host := strings.TrimSuffix(strings.TrimPrefix(text, u.scheme), u.port)
	_, notAddress := netip.ParseAddr(host)
	if filled.Host != host+u.port || filled.Path != "" || filled.RawQuery != "" || notAddress == nil || checkName(host) != nil {
		return errOrigin
	}
	return nil
}
