package definition

import "github.com/connectorauth/connectorauth"

// A Grant is how a token is obtained: exactly one of the fields. The texts of the fields
// are templates.
type Grant struct {
	AuthorizationCode   *connectorauth.AuthorizationCode
	ClientCredentials   *connectorauth.ClientCredentials
	PasswordCredentials *connectorauth.PasswordCredentials
	JWTBearer           *Assertion // RFC 7523 section 2.1
	DeviceCode          *connectorauth.DeviceCode
}

func (g *Grant) check(c *checker, p *path) {
	grants := 0
	if a := g.AuthorizationCode; a != nil {
		grants++
		c.url(p.member("authorizationCode").member("authUrl"), a.AuthURL)
		c.url(p.member("authorizationCode").member("pushedAuthorizationRequestUrl"), a.PushedAuthorizationRequestURL)
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
	if g.DeviceCode != nil {
		grants++
		c.url(p.member("deviceCode").member("deviceUrl"), g.DeviceCode.DeviceURL)
		c.lists(p.member("deviceCode").member("params"), g.DeviceCode.Params)
	}
	if grants != 1 {
		c.add(p, "give one of authorizationCode, clientCredentials, passwordCredentials, jwtBearer and deviceCode")
	}
}

// with returns the grant of an account.
func (g *Grant) with(b *builder) connectorauth.Grant {
	switch {
	case g.AuthorizationCode != nil:
		grant := *g.AuthorizationCode
		grant.AuthURL, grant.Issuer = b.url(grant.AuthURL), b.text(grant.Issuer)
		grant.PushedAuthorizationRequestURL = b.url(grant.PushedAuthorizationRequestURL)
		grant.Params = b.lists(grant.Params)
		return grant
	case g.DeviceCode != nil:
		return connectorauth.DeviceCode{DeviceURL: b.url(g.DeviceCode.DeviceURL), Params: b.lists(g.DeviceCode.Params)}
	case g.JWTBearer != nil:
		return g.JWTBearer.grant(b)
	case g.PasswordCredentials != nil:
		return connectorauth.PasswordCredentials{
			Username: b.text(g.PasswordCredentials.Username), Password: b.secret(string(g.PasswordCredentials.Password)),
		}
	}
	return connectorauth.ClientCredentials{}
}
