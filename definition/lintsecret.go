package definition

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
)

// strangers lists the secrets of the program that requests of the method show to a host that
// the account owner chooses: the secret of Connection.Client, and secrets whose input is
// hidden.
func (l *linter) strangers(p *path) {
	base := p.member("baseUrl")
	if l.m.BaseURL == "" {
		base = (*path)(nil).member("baseUrl")
	}
	bases := map[string]*path{cmp.Or(l.m.BaseURL, l.d.BaseURL): base}
	for _, name := range keys(l.d.BaseURLs) {
		bases[l.d.BaseURLs[name]] = (*path)(nil).member("baseUrls").member(name)
	}
	l.stranger(p, l.m.Credential, bases)
	for i, and := range l.m.And {
		l.stranger(p.member("and").element(i), and, bases)
	}
	if !l.isAnyFree(bases) {
		return
	}
	var root *path
	for _, name := range keys(l.d.Headers) {
		l.shows(root.member("headers").member(name), l.d.Headers[name])
	}
	for _, name := range keys(l.d.Params) {
		l.shows(root.member("params").member(name), l.d.Params[name])
	}
}

// stranger looks at one credential of the method. bases are the base URLs, with their places.
func (l *linter) stranger(p *path, c Credential, bases map[string]*path) {
	switch s := c.Scheme.(type) {
	case *OAuth1:
		if s.SignatureMethod == dialect.Plaintext {
			bases = maps.Clone(bases)
			bases[s.RequestTokenURL], bases[s.AccessTokenURL] = p.member("requestTokenUrl"), p.member("accessTokenUrl")
			l.client(p, s.ClientID, s.ClientSecret, bases)
		}
		return
	case *OAuth2:
		l.strangerOAuth2(p, s)
		return
	case *Session:
		l.strangerSession(p, s)
	case *Foreign:
		bases = l.strangerForeign(p, s, bases)
	}
	if !l.isAnyFree(bases) {
		return
	}
	switch s := c.Scheme.(type) {
	case *APIKey:
		l.shows(p.member("key"), s.Key)
	case *Basic:
		l.shows(p.member("username"), s.Username)
		l.shows(p.member("password"), s.Password)
	case *JWT:
		l.claims(p.member("claims"), &s.Assertion)
	case *AuthFields:
		for i, f := range s.Fields {
			l.shows(p.member("fields").element(i).member("value"), string(f.Value))
		}
	case *Session:
		for i, place := range s.Places {
			l.shows(p.member("places").element(i).member("value"), place.Value)
		}
	case *Foreign:
		for _, name := range keys(s.Members) {
			l.shows(p.member(name), s.Members[name])
		}
	}
}

func (l *linter) strangerOAuth2(p *path, s *OAuth2) {
	dialect := p.member("dialect")
	urls := map[string]*path{
		s.Dialect.RefreshURL: dialect.member("refreshUrl"), s.Dialect.LongLived.URL: dialect.member("longLived").member("url"),
		s.Dialect.Extend.URL: dialect.member("extend").member("url"), s.RevokeURL: p.member("revokeUrl"),
	}
	for _, name := range keys(s.Dialect.Regions.Origins) {
		urls[s.Dialect.Regions.Origins[name]] = dialect.member("regions").member("origins").member(name)
	}
	if code := s.Grant.AuthorizationCode; code != nil {
		urls[code.PushedAuthorizationRequestURL] = p.member("grant").member("authorizationCode").member("pushedAuthorizationRequestUrl")
	}
	if device := s.Grant.DeviceCode; device != nil {
		urls[device.DeviceURL] = p.member("grant").member("deviceCode").member("deviceUrl")
	}
	if s.Issuer != nil { // whose metadata name endpoints there
		urls[s.Issuer.URL] = p.member("issuer")
		for i, at := range s.Issuer.Origins {
			urls[at] = p.member("issuer").member("origins").element(i)
		}
	}
	urls[s.TokenURL] = p.member("tokenUrl")
	switch s.ClientAuth {
	case connectorauth.ClientAuthNone, connectorauth.ClientAuthTLS, connectorauth.ClientAuthSelfSignedTLS:
	default:
		if s.ClientAssertion == nil {
			l.client(p, s.ClientID, s.ClientSecret, urls)
		}
	}
	if !l.isAnyFree(urls) {
		return
	}
	if password := s.Grant.PasswordCredentials; password != nil {
		l.shows(p.member("grant").member("passwordCredentials"), password.Username+string(password.Password))
	}
	if device := s.Grant.DeviceCode; device != nil {
		l.shows(p.member("grant").member("deviceCode").member("params"), fmt.Sprint(device.Params))
	}
	l.claims(p.member("grant").member("jwtBearer").member("claims"), s.Grant.JWTBearer)
	l.claims(p.member("clientAssertion").member("claims"), s.ClientAssertion)
	l.shows(dialect.member("tokenParams"), fmt.Sprint(s.Dialect.TokenParams))
	l.shows(dialect.member("refreshParams"), fmt.Sprint(s.Dialect.RefreshParams))
	l.shows(dialect.member("tokenHeader"), fmt.Sprint(s.Dialect.TokenHeader))
}

// strangerSession looks at the requests of a login, each of which goes to a host of its own.
func (l *linter) strangerSession(p *path, s *Session) {
	urls := map[string]*path{}
	request := func(p *path, r *session.Request) {
		if urls[r.URL] = p; l.isFree(r.URL) {
			l.shows(p, fmt.Sprint(r.URL, r.Header, r.Form, r.JSON, r.XML))
		}
	}
	for i := range s.Login {
		request(p.member("login").element(i), &s.Login[i])
	}
	if s.Renew != nil {
		request(p.member("renew"), s.Renew)
	}
	if s.Logout != nil {
		request(p.member("logout"), s.Logout)
	}
	if s.Auth != nil {
		l.stranger(p.member("auth"), *s.Auth, urls)
	}
}

// strangerForeign looks at the URLs of a Kind, and returns the URLs to which the texts may go:
// those of bases, and those of the Kind.
func (l *linter) strangerForeign(p *path, s *Foreign, bases map[string]*path) map[string]*path {
	all := maps.Clone(bases)
	for _, m := range s.kind.Members {
		u := s.Members[m.Name]
		if !m.URL || u == "" {
			continue
		}
		if all[u] = p.member(m.Name); m.Client && l.isFree(u) {
			l.add(all[u], "account owners choose the host, which would get the client secret of the program; write the URL of the server, or give the host suffixes or an enum")
		}
	}
	return all
}

// claims looks at what everybody can read who gets an assertion. A nil a is none.
func (l *linter) claims(p *path, a *Assertion) {
	if a != nil {
		l.shows(p.member("more"), fmt.Sprint(a.Claims.More))
	}
}

// client looks at where the secret of a client goes.
func (l *linter) client(p *path, id, secret string, urls map[string]*path) {
	if id != "" {
		if l.isAnyFree(urls) {
			l.shows(p.member("clientSecret"), secret)
		}
		return
	}
	for _, u := range keys(urls) {
		if l.isFree(u) {
			l.add(urls[u], `account owners choose the host, which would get the client secret of the program; let accounts bring their own: "clientId": "{clientId}", "clientSecret": "{clientSecret}", and inputs of these names`)
		}
	}
}

// shows lists a hidden secret in a text that goes to a host that the account owner chooses.
// Several methods may have the text, of which one finding is enough.
func (l *linter) shows(p *path, text string) {
	for _, i := range l.d.inputs(l.m) {
		if !i.Secret || !i.Hidden || !strings.Contains(text, "{"+i.Name+"}") {
			continue
		}
		advice := fmt.Sprintf("carries {%s}, which the program gives, to a host that account owners choose; ask account owners for a value of their own, or give the host suffixes or an enum", i.Name)
		if !slices.ContainsFunc(l.found, func(f finding) bool { return f.path == p.String() && f.text == advice }) {
			l.add(p, "%s", advice)
		}
	}
}

// isFree reports whether the account owner may choose any host for a URL.
func (l *linter) isFree(u string) bool {
	at := l.d.urls[u]
	return at != nil && slices.ContainsFunc(l.d.inputs(l.m), func(i *Input) bool { return i.AnyHost && !i.Hidden && at.inOrigin(i.Name) })
}

func (l *linter) isAnyFree(urls map[string]*path) bool {
	return slices.ContainsFunc(keys(urls), l.isFree)
}
