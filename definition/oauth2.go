package definition

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
)

// OAuth2 is an access token that is renewed: see connectorauth.OAuth2Config.
type OAuth2 struct {
	Grant    Grant
	TokenURL string // template of the token endpoint; required
	// FormerTokenURL is the template of the token URL that accounts have from before.
	// RevokeURL is the template of the revocation endpoint (RFC 7009). Empty means none.
	FormerTokenURL, RevokeURL string
	// ClientID and ClientSecret are the templates of a client that each account brings.
	// Empty means that the program has a client: see Connection.
	ClientID, ClientSecret string
	ClientAuth             connectorauth.ClientAuthMethod
	// ClientAssertion authenticates the client in place of ClientAuth, as private_key_jwt or
	// client_secret_jwt. Empty means ClientAuth.
	ClientAssertion *Assertion
	Scopes          []Scope
	// Dialect is how the provider departs from the standards. URLs, parameters and headers are
	// templates. In TokenParams and RefreshParams, {scopes} is the scopes that are asked for,
	// joined by ScopeSeparator, unless an input has the name. Empty means the standards.
	Dialect dialect.OAuth2
	// Captures are values of the token response or of the callback.
	Captures []Capture
}

// A Grant is how a token is obtained: exactly one of the fields. The texts of the fields
// are templates.
type Grant struct {
	AuthorizationCode   *connectorauth.AuthorizationCode
	ClientCredentials   *connectorauth.ClientCredentials
	PasswordCredentials *connectorauth.PasswordCredentials
	JWTBearer           *Assertion // RFC 7523 section 2.1
}

// A Scope is a scope to ask for. In a document, a text is a Scope with a Name alone.
type Scope struct {
	Name        string // template; required
	Title, Help string // for people; empty means none
	// Default: the scope is asked for where the program makes no choice. Without any
	// Default in a list, all are.
	Default bool
}

func (s *Scope) short(text string) { s.Name = text }

func (s *OAuth2) check(c *checker, p *path) {
	c.public(p.member("clientId"), s.ClientID)
	c.clientSecret(p, s.ClientID, s.ClientSecret)
	c.url(p.member("tokenUrl"), s.TokenURL)
	c.url(p.member("formerTokenUrl"), s.FormerTokenURL)
	c.url(p.member("revokeUrl"), s.RevokeURL)
	c.scopes(p.member("scopes"), s.Scopes)
	s.Grant.check(c, p.member("grant"))
	if s.ClientAssertion != nil {
		s.ClientAssertion.check(c, p.member("clientAssertion"))
		if s.ClientAuth != "" {
			c.add(p.member("clientAuth"), "clientAuth and clientAssertion exclude each other")
		}
	}
	for i := range s.Captures {
		s.Captures[i].check(c, p.member("captures").element(i))
	}
	d, at := &s.Dialect, p.member("dialect")
	c.url(at.member("refreshUrl"), d.RefreshURL)
	c.url(at.member("longLived").member("url"), d.LongLived.URL)
	c.url(at.member("extend").member("url"), d.Extend.URL)
	for _, name := range keys(d.Regions.Origins) {
		c.url(at.member("regions").member("origins").member(name), d.Regions.Origins[name])
	}
	c.scoped = true
	c.lists(at.member("tokenParams"), d.TokenParams)
	c.lists(at.member("refreshParams"), d.RefreshParams)
	c.scoped = false
	c.lists(at.member("tokenHeader"), d.TokenHeader)
}

// clientSecret checks the secret of a client, which counts with an ID of its own only.
func (c *checker) clientSecret(p *path, id, secret string) {
	c.text(p.member("clientSecret"), secret)
	if secret != "" && id == "" {
		c.add(p.member("clientSecret"), "has no clientId beside it; give both, or none where programs have a registration of their own")
	}
}

// scopes checks the scopes to ask for.
func (c *checker) scopes(p *path, list []Scope) {
	for i, scope := range list {
		if scope.Name == "" {
			c.add(p.element(i), "has no name")
		}
		c.public(p.element(i), scope.Name)
	}
}

func (g *Grant) check(c *checker, p *path) {
	grants := 0
	if a := g.AuthorizationCode; a != nil {
		grants++
		c.url(p.member("authorizationCode").member("authUrl"), a.AuthURL)
		c.public(p.member("authorizationCode").member("issuer"), a.Issuer)
		for name, list := range a.Params {
			for i, s := range list {
				c.public(p.member("authorizationCode").member("params").member(name).element(i), s)
			}
		}
	}
	if g.ClientCredentials != nil {
		grants++
	}
	if o := g.PasswordCredentials; o != nil {
		grants++
		c.public(p.member("passwordCredentials").member("username"), o.Username)
		c.text(p.member("passwordCredentials").member("password"), string(o.Password))
	}
	if g.JWTBearer != nil {
		grants++
		g.JWTBearer.check(c, p.member("jwtBearer"))
	}
	if grants != 1 {
		c.add(p, "give one of authorizationCode, clientCredentials, passwordCredentials and jwtBearer")
	}
}

func (s *OAuth2) connector(b *builder) (connectorauth.Connector, error) {
	client, scopes := b.client(s.ClientID, s.ClientSecret), b.scopes(s.Scopes)
	b.scoped(scopes, cmp.Or(s.Dialect.ScopeSeparator, " "))
	config := connectorauth.OAuth2Config{
		ClientID: client.ID, ClientSecret: client.Secret,
		TokenURL: b.url(s.TokenURL), FormerTokenURL: b.url(s.FormerTokenURL), RevokeURL: b.url(s.RevokeURL),
		Scopes: scopes, Grant: s.Grant.with(b), Dialect: s.dialect(b),
		Store: b.c.Store, Account: b.c.Account, Shared: b.c.Shared, Hosts: b.hosts,
		RefreshLifetime: b.account.m.RefreshLifetime, RefreshIdle: b.account.m.RefreshIdle,
		RenewBefore: b.c.RenewBefore, HTTPClient: b.c.HTTPClient, Observe: b.c.Observe,
	}
	if s.ClientAssertion != nil {
		config.ClientAuth, config.ClientSecret = s.ClientAssertion.clientAuth(b), ""
	} else if s.ClientAuth != "" {
		config.ClientAuth = s.ClientAuth
	}
	connector, err := connectorauth.NewOAuth2(config)
	templates := []string{"ClientID", s.ClientID, "ClientSecret", s.ClientSecret}
	if o := s.Grant.PasswordCredentials; o != nil {
		templates = append(templates, "Grant: Username", o.Username, "Grant: Password", string(o.Password))
	}
	return connector, b.owned(err, templates...)
}

// with returns the grant of an account.
func (g *Grant) with(b *builder) connectorauth.Grant {
	switch {
	case g.AuthorizationCode != nil:
		grant := *g.AuthorizationCode
		grant.AuthURL, grant.Issuer = b.url(grant.AuthURL), b.text(grant.Issuer)
		grant.Params = b.lists(grant.Params)
		return grant
	case g.JWTBearer != nil:
		return g.JWTBearer.grant(b)
	case g.PasswordCredentials != nil:
		return connectorauth.PasswordCredentials{
			Username: b.text(g.PasswordCredentials.Username), Password: b.secret(string(g.PasswordCredentials.Password)),
		}
	}
	return connectorauth.ClientCredentials{}
}

// dialect returns the dialect of an account.
func (s *OAuth2) dialect(b *builder) dialect.OAuth2 {
	d := s.Dialect.Clone()
	d.RefreshURL, d.LongLived.URL, d.Extend.URL = b.url(d.RefreshURL), b.url(d.LongLived.URL), b.url(d.Extend.URL)
	for name, origin := range d.Regions.Origins {
		d.Regions.Origins[name] = b.url(origin)
	}
	d.TokenParams, d.RefreshParams = b.lists(d.TokenParams), b.lists(d.RefreshParams)
	d.TokenHeader = http.Header(b.lists(d.TokenHeader))
	for _, capture := range s.Captures {
		if capture.From == FromCallback && !slices.Contains(d.CallbackValues, capture.Path) {
			d.CallbackValues = append(d.CallbackValues, capture.Path)
		}
	}
	return d
}

// scopesName is the name of the scopes that are asked for, in a few templates.
const scopesName = "scopes"

// scoped gives the scopes a value for templates, unless an input has their name.
func (b *builder) scoped(scopes []string, separator string) {
	if !slices.ContainsFunc(b.inputs, func(i *Input) bool { return i.Name == scopesName }) {
		b.filler.Values[scopesName] = strings.Join(scopes, separator)
	}
}

// scopes returns the scopes that the program has chosen, or those of the definition.
func (b *builder) scopes(known []Scope) (list []string) {
	var all, byDefault []string
	for _, s := range known {
		name := b.text(s.Name)
		if err := check.Scope(name); err != nil && len(b.d.texts[s.Name].Names()) > 0 && !b.trial {
			b.refuse(s.Name, "cannot stand in a scope: use printable ASCII without spaces, quotes and backslashes")
		}
		all = append(all, name)
		if s.Default {
			byDefault = append(byDefault, name)
		}
	}
	chosen := slices.Clone(b.c.Scopes)
	if b.c.stored {
		chosen = slices.DeleteFunc(chosen, func(name string) bool { return !slices.Contains(all, name) })
		if b.account.credential == nil { // yet: this is the method's first credential
			b.account.scopes = slices.Clone(chosen)
		}
	}
	for _, name := range chosen {
		if !slices.Contains(all, name) {
			b.mistakes.Add("Scopes: %s is no scope of the definition%s", shown(name), hint(name, all))
		}
	}
	switch {
	case chosen != nil:
		return chosen
	case byDefault != nil:
		return byDefault
	}
	return all
}
