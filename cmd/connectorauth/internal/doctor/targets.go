package doctor

import (
	"context"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// A target is a host to which requests of the account go.
type target struct {
	url *url.URL
	// role is what the account wants there.
	role string
	// later: the host matters for the next consent alone.
	later bool
}

// The roles.
const (
	roleAPI       = "API"
	roleToken     = "token endpoint"
	roleLogin     = "login"
	roleAuthorize = "authorization endpoint"
)

// targets returns a target for each host, the most important first.
func (x *examination) targets(ctx context.Context) []target {
	var list []target
	add := func(role, raw string, later bool) {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return
		}
		for i := range list {
			if known := &list[i]; known.url.Scheme == u.Scheme && hostPort(known.url) == hostPort(u) {
				if !strings.Contains(known.role, role) {
					known.role += ", " + role
				}
				known.later = known.later && later
				return
			}
		}
		list = append(list, target{u, role, later})
	}
	if base, err := x.connected.BaseURL(ctx, ""); err == nil {
		add(roleAPI, base, false)
	}
	if x.d.Test != nil && x.d.Test.Base != "" {
		if base, err := x.connected.BaseURL(ctx, x.d.Test.Base); err == nil {
			add(roleAPI, base, false)
		}
	}
	if x.m == nil {
		return list
	}
	for _, credential := range append([]definition.Credential{x.m.Credential}, x.m.And...) {
		switch s := credential.Scheme.(type) {
		case *definition.OAuth2:
			x.targetsOAuth2(s, add)
		case *definition.OAuth1:
			add(roleToken, x.filled(s.AccessTokenURL), true)
			add(roleAuthorize, x.filled(s.AuthorizeURL), true)
		case *definition.Session:
			for _, r := range s.Login {
				add(roleLogin, x.filled(r.URL), false)
			}
		}
	}
	return list
}

func (x *examination) targetsOAuth2(s *definition.OAuth2, add func(role, raw string, later bool)) {
	add(roleToken, x.tokenURL(s), false)
	authorize, device := "", ""
	if server := x.given.Server; server != nil {
		authorize, device = server.AuthorizationEndpoint, server.DeviceAuthorizationEndpoint
	}
	if code := s.Grant.AuthorizationCode; code != nil {
		if code.AuthURL != "" {
			authorize = x.filled(code.AuthURL)
		}
		add(roleAuthorize, authorize, true)
	}
	if grant := s.Grant.DeviceCode; grant != nil {
		if grant.DeviceURL != "" {
			device = x.filled(grant.DeviceURL)
		}
		add(roleAuthorize, device, true)
	}
}

// tokenURL returns the URL of the token endpoint. Empty means unknown.
func (x *examination) tokenURL(s *definition.OAuth2) string {
	if s.TokenURL != "" {
		return x.filled(s.TokenURL)
	}
	if x.given.Server != nil {
		return x.given.Server.TokenEndpoint
	}
	return ""
}

// placeholder matches a value in the template of a URL.
var placeholder = lazy.Regexp(`\{([A-Za-z][A-Za-z0-9_]*)\}`)

// filled returns the template of a URL with the public values of the account. Empty means a
// value is unknown. A value at the beginning is a whole origin; other values stand in a label of
// a host, or in the path. The requests of the connector do not use the result.
func (x *examination) filled(template string) string {
	known := x.connected.Account().Values
	for name, value := range x.added().Values {
		if !x.isSecret(name) && known[name] == "" {
			known[name] = string(value)
		}
	}
	missing := false
	text := placeholder().ReplaceAllStringFunc(template, func(s string) string {
		value := known[s[1:len(s)-1]]
		missing = missing || value == ""
		if strings.HasPrefix(template, s) {
			return value
		}
		return url.PathEscape(value)
	})
	if missing || strings.ContainsAny(text, "{}") {
		return ""
	}
	return text
}
