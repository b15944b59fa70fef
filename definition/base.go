package definition

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// bases computes the hosts to which accounts of the method can go with these inputs.
func (b *builder) bases() {
	for _, s := range b.account.bases() {
		b.base(s)
	}
	slices.Sort(b.hosts)
	b.hosts = slices.Compact(b.hosts)
}

// base adds the hosts of a base URL.
func (b *builder) base(s string) {
	u := b.read(s)
	if u == nil {
		return
	}
	a := b.account
	switch isLate := func(name string) bool { return a.isCaptured(name) && u.inOrigin(name) }; {
	case !slices.ContainsFunc(u.names, a.isCaptured):
		if b.url(s) != "" { // or there is a mistake of a value
			b.addHost(u)
		}
	case !slices.ContainsFunc(u.names, isLate):
		b.addHost(u)
	case u.whole != "":
		c, _ := a.find(u.whole)
		b.addLimited(&c.Limits)
	default:
		b.wildcards(u.host)
	}
}

// addLimited adds the hosts to which a value in place of an origin can lead.
func (b *builder) addLimited(l *Limits) {
	for _, choice := range l.Enum {
		b.hosts = append(b.hosts, withoutPath(choice.Value))
	}
	if len(l.Enum) == 0 {
		b.addSuffixes(l.Suffixes)
	}
}

// wildcards adds the hosts that captured values can make.
func (b *builder) wildcards(host []hostPart) {
	last := len(host) - 1
	suffix := ""
	for ; last >= 0 && !b.account.isCaptured(host[last].name); last-- {
		suffix = host[last].literal + b.filler.Values[host[last].name] + suffix
	}
	if last < 0 {
		b.hosts = append(b.hosts, suffix)
		return
	}
	l, _ := b.account.find(host[last].name)
	switch {
	case len(l.Enum) > 0:
		for _, choice := range l.Enum {
			b.wildcards(append(slices.Clone(host[:last]), hostPart{literal: choice.Value + suffix}))
		}
	case suffix == "":
		b.addSuffixes(l.Suffixes)
	default:
		b.addSuffixes([]string{suffix[strings.IndexByte(suffix, '.'):]})
	}
}

func (b *builder) addSuffixes(list []string) {
	for _, suffix := range list {
		b.hosts = append(b.hosts, "*"+suffix)
	}
}

// addHost adds the origin of a base URL to the hosts.
func (b *builder) addHost(u *urlTemplate) {
	base := u.filled
	if base == "" {
		base = u.origin(b.filler.Values)
	}
	b.hosts = append(b.hosts, withoutPath(base))
}

// withoutPath returns the origin of a URL.
func withoutPath(base string) string {
	scheme, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	return base[:len(scheme)+len("://")+len(host)]
}

// inOrigin reports whether a value stands in the origin.
func (u *urlTemplate) inOrigin(name string) bool {
	return u.whole == name || slices.ContainsFunc(u.host, func(p hostPart) bool { return p.name == name })
}

// hosts returns the hosts of the account at the time. A base URL whose captured value is
// absent, or not allowed, has none. The context is that of a request.
func (a *account) hosts(ctx context.Context) (list []string, err error) {
	value, err := a.m.Scheme.(capturing).read(ctx, a.credential)
	if err != nil {
		return nil, err
	}
	for _, s := range a.bases() {
		u, f, given := a.d.urls[s], a.filler(), true
		for _, name := range u.names {
			if c, i := a.find(name); c != nil && u.inOrigin(name) {
				f.Values[name] = c.spelled(value(i))
				given = given && f.Values[name] != "" && c.Limits.check(f.Values[name]) == nil
			}
		}
		if base := u.origin(f.Values); given && (u.literal() || u.checkFilled(base) == nil) {
			list = append(list, withoutPath(base))
		}
	}
	slices.Sort(list)
	return list, nil
}

// moves reports whether captured values decide where requests go.
func (a *account) moves() bool {
	return slices.ContainsFunc(a.bases(), func(s string) bool {
		u := a.d.urls[s]
		return slices.ContainsFunc(u.names, func(name string) bool { return u.inOrigin(name) && a.isCaptured(name) })
	})
}

// bases returns the templates of all base URLs.
func (a *account) bases() []string {
	return append(slices.Collect(maps.Values(a.d.BaseURLs)), cmp.Or(a.m.BaseURL, a.d.BaseURL))
}

// base returns a base URL of the account: see Connected.BaseURL.
func (a *account) base(ctx context.Context, name string) (string, error) {
	s, ok := a.d.BaseURLs[name]
	if name == "" {
		s, ok = cmp.Or(a.m.BaseURL, a.d.BaseURL), true
	}
	if !ok {
		return "", fmt.Errorf("definition: %s has no base URL %s%s", a.d.Name, shown(name), hint(name, slices.Collect(maps.Keys(a.d.BaseURLs))))
	}
	u := a.d.urls[s]
	f, absent, err := a.late(ctx, u.names)
	if err != nil {
		return "", err
	}
	for _, c := range absent {
		if u.inOrigin(c.Name) {
			return "", a.notGiven(c)
		}
	}
	base, err := u.fill(&f)
	switch {
	case err != nil && absent != nil:
		return "", a.notGiven(absent[0])
	case err != nil:
		return "", fmt.Errorf("definition: %s: base URL %s: %w", a.d.Name, shown(name), err)
	}
	return base, nil
}
