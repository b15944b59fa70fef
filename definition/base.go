package definition

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/template"
)

// bases are the base URLs of an account.
type bases struct {
	known    map[string]string      // by name
	later    map[string]urlTemplate // those with captured values
	captures []Capture
	filler   template.Filler
	name     string // of the definition
}

// bases computes the base URLs and the hosts of an account.
func (b *builder) bases(m *Method) *bases {
	out := &bases{known: map[string]string{}, later: map[string]urlTemplate{}, filler: b.filler, name: b.d.Name}
	if s, ok := m.Scheme.(*OAuth2); ok {
		out.captures = s.Captures
	}
	b.base(out, "", cmp.Or(m.BaseURL, b.d.BaseURL))
	for name, s := range b.d.BaseURLs {
		b.base(out, name, s)
	}
	slices.Sort(b.hosts)
	b.hosts = slices.Compact(b.hosts)
	return out
}

// base adds a base URL, and its hosts.
func (b *builder) base(out *bases, name, s string) {
	u := b.d.urls[s]
	if !slices.ContainsFunc(u.names, out.captured) {
		if out.known[name] = b.url(s); out.known[name] == "" {
			return // which is a mistake of a value
		}
		b.addHost(&u)
		return
	}
	out.later[name] = u
	if !slices.ContainsFunc(u.names, func(name string) bool { return out.captured(name) && u.inOrigin(name) }) {
		b.addHost(&u)
		return
	}
	if u.whole != "" {
		l := out.limits(u.whole)
		for _, choice := range l.Enum {
			b.hosts = append(b.hosts, withoutPath(choice.Value))
		}
		if len(l.Enum) == 0 {
			b.addSuffixes(l.Suffixes)
		}
		return
	}
	b.wildcards(out, u.host)
}

// wildcards adds the hosts that captured values can make.
func (b *builder) wildcards(out *bases, host []hostPart) {
	last := len(host) - 1
	suffix := ""
	for ; last >= 0 && !out.captured(host[last].name); last-- {
		suffix = host[last].literal + b.filler.Values[host[last].name] + suffix
	}
	if last < 0 {
		b.hosts = append(b.hosts, suffix)
		return
	}
	l := out.limits(host[last].name)
	switch {
	case len(l.Enum) > 0:
		for _, choice := range l.Enum {
			b.wildcards(out, append(slices.Clone(host[:last]), hostPart{literal: choice.Value + suffix}))
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
	b.hosts = append(b.hosts, withoutPath(u.origin(b.filler.Values)))
}

// withoutPath returns the origin of a URL.
func withoutPath(base string) string {
	scheme, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// inOrigin reports whether a value stands in the origin.
func (u *urlTemplate) inOrigin(name string) bool {
	return u.whole == name || slices.ContainsFunc(u.host, func(p hostPart) bool { return p.name == name })
}

func (s *bases) captured(name string) bool { return name != "" && s.limits(name) != nil }

// limits returns the limits of a captured value, or nil.
func (s *bases) limits(name string) *Limits {
	for i := range s.captures {
		if s.captures[i].Name == name {
			return &s.captures[i].Limits
		}
	}
	return nil
}

// of returns what Connected.BaseURL does. A function hides the values of the account.
func (s *bases) of(credential connectorauth.Connector) func(context.Context, string) (string, error) {
	return func(ctx context.Context, name string) (string, error) {
		if known, ok := s.known[name]; ok {
			return known, nil
		}
		u, ok := s.later[name]
		if !ok {
			names := slices.Collect(maps.Keys(s.known))
			return "", fmt.Errorf("definition: %s has no base URL %s%s", s.name, shown(name), hint(name, names))
		}
		account, ok := credential.(*connectorauth.OAuth2)
		if !ok {
			return "", errors.New("definition: only an OAuth2 credential has captured values")
		}
		token, err := account.Token(ctx)
		if err != nil {
			return "", err
		}
		filler := template.Filler{Values: maps.Clone(s.filler.Values)}
		for i := range s.captures {
			c := &s.captures[i]
			if !slices.Contains(u.names, c.Name) {
				continue
			}
			value := c.value(token.Extra)
			if err := c.Limits.check(value); err != nil || value == "" {
				return "", fmt.Errorf("definition: %s: the provider gave no %s, or one that the definition does not allow", s.name, c.Path)
			}
			filler.Values[c.Name] = value
		}
		base, err := u.fill(&filler)
		if err != nil {
			return "", fmt.Errorf("definition: %s: base URL %s: %w", s.name, shown(name), err)
		}
		return base, nil
	}
}

// value returns the value at Path among the members of a token response, or "". An
// origin may have a slash at its end.
func (c *Capture) value(extra func(string) any) string {
	first, rest, nested := strings.Cut(c.Path, ".")
	v := extra(first)
	for nested && v != nil {
		var step string
		step, rest, nested = strings.Cut(rest, ".")
		switch inner := v.(type) {
		case map[string]any:
			v = inner[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(inner) {
				return ""
			}
			v = inner[i]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case string:
		if c.isOrigin() {
			v = strings.TrimSuffix(v, "/")
		}
		return v
	case nil, map[string]any, []any:
		return ""
	}
	return fmt.Sprint(v)
}
