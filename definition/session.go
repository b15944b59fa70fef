package definition

import (
	"slices"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
)

// Session is a login: see session.Config, whose fields these are. In the URLs of the
// requests, inputs may stand in the host too: see the package documentation.
type Session struct {
	Login         []session.Request
	Renew, Logout *session.Request
	Places        []session.Place
	Lifetime      session.Lifetime
	Refusals      []dialect.Rejection
	Rejections    []dialect.Rejection
	// Auth authenticates the requests of Login, Renew and Logout: an APIKey, a Basic, an
	// AuthFields or a JWT. Each request shows the credential to its own origin alone. Empty
	// means that the templates of the requests do all.
	Auth *Credential
	// Scopes are what an account may ask for. In the requests, {scopes} is the scopes that are
	// asked for, with a space between each, unless an input has the name. Empty means none, and
	// no {scopes}.
	Scopes []Scope
	// Captures are values of Login, by the names in Request.Capture, for templates outside
	// of the login. Empty means none.
	Captures []Captured
}

func (s *Session) check(c *checker, p *path) {
	for i := range s.Login {
		c.loginURL(p.member("login").element(i).member("url"), s.Login[i].URL)
	}
	if s.Renew != nil {
		c.loginURL(p.member("renew").member("url"), s.Renew.URL)
	}
	if s.Logout != nil {
		c.loginURL(p.member("logout").member("url"), s.Logout.URL)
	}
	c.scopes(p.member("scopes"), s.Scopes)
	c.loginAuth(p.member("auth"), s.Auth)
	for i := range s.Captures {
		name := s.Captures[i].Name
		if !slices.ContainsFunc(s.Login, func(r session.Request) bool { _, ok := r.Capture[name]; return ok }) {
			c.add(p.member("captures").element(i).member("name"), "%s is no capture of the login", shown(name))
		}
	}
}

// loginAuth checks what authenticates the requests of a login, which have no captured values
// yet.
func (c *checker) loginAuth(p *path, auth *Credential) {
	if auth == nil || auth.Scheme == nil {
		return
	}
	switch auth.Scheme.(type) {
	case *APIKey, *Basic, *AuthFields, *JWT:
	default:
		c.add(p.member("type"), "a login is authenticated by one of ApiKey, Basic, AuthFields, JWT")
		return
	}
	defer func(captures map[string]*Limits) { c.captures = captures }(c.captures)
	c.captures = nil
	auth.Scheme.check(c, p)
}

// loginAuth returns the connector of the requests to the origin of url, or nil.
func (b *builder) loginAuth(auth *Credential, url string) connectorauth.Connector {
	if auth == nil {
		return nil
	}
	defer func(hosts []string) { b.hosts = hosts }(b.hosts)
	b.hosts = []string{withoutPath(url)}
	connector, err := auth.Scheme.connector(b)
	for _, problem := range problemsOf(err) {
		b.mistakes.Field("Auth", problem)
	}
	if err != nil {
		return nil
	}
	return connector
}

// loginURL checks the origin of a URL. Package session checks the rest, in which
// captures may stand.
func (c *checker) loginURL(p *path, s string) {
	if s == "" {
		c.add(p, "is missing")
		return
	}
	if u, ok := c.origin(p, s); ok {
		c.d.urls[s] = u
	}
}

func (s *Session) connector(b *builder) (connectorauth.Connector, error) {
	config := session.Config{
		Login: slices.Clone(s.Login), Values: map[string]connectorauth.Secret{}, Places: s.Places, Lifetime: s.Lifetime,
		Refusals: s.Refusals, Rejections: s.Rejections,
		Store: b.c.Store, Account: b.c.Account, Shared: b.c.Shared, Hosts: b.hosts,
		RenewBefore: b.c.RenewBefore, HTTPClient: b.c.HTTPClient, Observe: b.c.Observe,
	}
	for i := range config.Login {
		config.Login[i] = *b.request(&config.Login[i], s.Auth)
	}
	config.Renew, config.Logout = b.request(s.Renew, s.Auth), b.request(s.Logout, s.Auth)
	if scopes := b.scopes(s.Scopes); len(s.Scopes) > 0 {
		b.scoped(scopes, " ")
		config.Values[scopesName] = connectorauth.Secret(b.filler.Values[scopesName])
	}
	for _, input := range b.inputs {
		config.Values[input.Name] = connectorauth.Secret(b.filler.Values[input.Name])
	}
	return session.New(config)
}

// request returns a copy of r with the origin of the account.
func (b *builder) request(r *session.Request, auth *Credential) *session.Request {
	if r == nil {
		return nil
	}
	request := *r
	request.URL = b.loginURL(r.URL)
	request.Auth = b.loginAuth(auth, request.URL)
	return &request
}

// loginURL returns a template whose origin is that of the account.
func (b *builder) loginURL(s string) string {
	u, ok := b.d.urls[s]
	if !ok {
		return s
	}
	base := u.origin(b.filler.Values)
	if !u.literal() {
		if err := u.checkFilled(base); err != nil {
			b.mistakes.Field("login", err)
		}
	}
	return base + u.rest
}
