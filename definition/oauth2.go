package definition

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
)

// OAuth2 is an access token that is renewed: see connectorauth.OAuth2Config.
type OAuth2 struct {
	Grant Grant
	// Issuer is an authorization server whose metadata name the endpoints that the method
	// leaves out, also those that are required otherwise. Empty means that the method names
	// all endpoints.
	Issuer   *Issuer
	TokenURL string // template of the token endpoint; needed without an Issuer
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
	// Resources are where the token is to be used (RFC 8707): absolute URIs without a
	// fragment, as the APIs name themselves. A resource with values is the template of a
	// URL. Empty means none.
	Resources []string
	// DPoP is the algorithm of keys that prove the possession of a token (RFC 9449): ES256,
	// ES384, ES512 or EdDSA. Each account has a key of its own, which the account's record
	// keeps together with the token: see assertion.NewDPoP. Empty means Bearer tokens.
	DPoP assertion.Algorithm `json:"dpop"`
	// Dialect is how the provider departs from the standards. URLs, parameters and headers are
	// templates. In TokenParams and RefreshParams, {scopes} is the scopes that are asked for,
	// joined by ScopeSeparator, unless an input has the name. Empty means the standards.
	Dialect dialect.OAuth2
	// Captures are values of the token response or of the callback.
	Captures []Capture

	proof *proof // of all accounts, which share the nonces of servers; nil without DPoP
}

// A proof is a DPoP that the first account makes, so two readings of a document are equal.
type proof struct {
	once sync.Once
	dpop *assertion.DPoP
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
	if s.Issuer != nil {
		s.Issuer.check(c, p.member("issuer"))
	}
	c.url(p.member("tokenUrl"), s.TokenURL)
	c.url(p.member("formerTokenUrl"), s.FormerTokenURL)
	c.url(p.member("revokeUrl"), s.RevokeURL)
	c.scopes(p.member("scopes"), s.Scopes)
	for i, resource := range s.Resources {
		if strings.ContainsAny(resource, "{}") {
			c.url(p.member("resources").element(i), resource)
		}
	}
	s.checkProof(c, p.member("dpop"))
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

// checkProof checks what proves the possession of tokens.
func (s *OAuth2) checkProof(c *checker, p *path) {
	if s.DPoP == "" {
		return
	}
	s.proof = new(proof)
	if _, err := assertion.NewDPoP(assertion.DPoPConfig{Algorithm: s.DPoP}); err != nil {
		c.add(p, "keys of accounts are for ES256, ES384, ES512 or EdDSA")
	}
	if s.Dialect.Placement != (dialect.Placement{}) {
		c.add(p, "sets the Authorization header itself; remove dialect.placement")
	}
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

func (s *OAuth2) connector(b *builder) (connectorauth.Connector, error) {
	client, scopes := b.client(s.ClientID, s.ClientSecret, s.needsSecret()), b.scopes(s.Scopes)
	b.scoped(scopes, cmp.Or(s.Dialect.ScopeSeparator, " "))
	config := connectorauth.OAuth2Config{
		ClientID: client.ID, ClientSecret: client.Secret,
		TokenURL: b.url(s.TokenURL), FormerTokenURL: b.url(s.FormerTokenURL), RevokeURL: b.url(s.RevokeURL),
		Scopes: scopes, Grant: s.Grant.with(b), Dialect: s.dialect(b),
		Store: b.c.Store, Account: b.c.Account, Shared: b.c.Shared, Hosts: b.hosts,
		RefreshLifetime: b.account.m.RefreshLifetime, RefreshIdle: b.account.m.RefreshIdle,
		RenewBefore: b.c.RenewBefore, HTTPClient: b.c.HTTPClient, Observe: b.c.Observe,
	}
	for _, resource := range s.Resources {
		if b.d.urls[resource] != nil {
			resource = b.url(resource)
		}
		config.Resources = append(config.Resources, resource)
	}
	if s.proof != nil && !b.c.trial {
		s.proof.once.Do(func() { s.proof.dpop, _ = assertion.NewDPoP(assertion.DPoPConfig{Algorithm: s.DPoP}) }) // which check has tried
		config.Proof = s.proof.dpop
	}
	if s.ClientAssertion != nil {
		config.ClientAuth, config.ClientSecret = s.ClientAssertion.clientAuth(b), ""
	} else if s.ClientAuth != "" {
		config.ClientAuth = s.ClientAuth
	}
	if s.Issuer != nil {
		s.Issuer.complete(b, &config)
	}
	connector, err := connectorauth.NewOAuth2(config)
	templates := []string{"ClientID", s.ClientID, "ClientSecret", s.ClientSecret}
	if o := s.Grant.PasswordCredentials; o != nil {
		templates = append(templates, "Grant: Username", o.Username, "Grant: Password", string(o.Password))
	}
	return connector, b.owned(err, templates...)
}

// needsSecret reports whether the method takes no public client.
func (s *OAuth2) needsSecret() bool {
	switch s.ClientAuth {
	case connectorauth.ClientSecretBasicRaw, connectorauth.ClientSecretUser:
		return true
	case connectorauth.ClientAuthTLS, connectorauth.ClientAuthSelfSignedTLS:
		return false
	}
	return s.Grant.ClientCredentials != nil && s.ClientAssertion == nil
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
		if err := check.Scope(name); err != nil && len(b.d.texts[s.Name].Names()) > 0 && !b.c.trial {
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
