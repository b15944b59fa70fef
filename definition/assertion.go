package definition

import (
	"cmp"
	"crypto/ed25519"
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/dialect"
)

// TypeJWT is the type of a [JWT].
const TypeJWT connectorauth.AuthType = "JWT"

// An Assertion is what a key of the account signs: see assertion.NewKey.
type Assertion struct {
	// Private is the template of a private key as text, for an input with FormatKey. Secret
	// is the template of the secret of HS256, HS384 or HS512. One of the two is required.
	Private, Secret string
	Algorithm       assertion.Algorithm // Empty means what is usual with the key.
	KeyID           string              // template of the header kid; empty means none
	// Claims are what the assertion says. Issuer, Subject and Audience are templates, and
	// so are the texts among the values of More.
	Claims assertion.Claims
}

// A JWT is an assertion that requests to the API carry: see assertion.NewJWT.
type JWT struct {
	Assertion
	Placement dialect.Placement // Empty means the header Authorization with the prefix "Bearer ".
}

func (s *JWT) connector(b *builder) (connectorauth.Connector, error) {
	key, claims := s.with(b)
	if key == nil {
		return nil, nil // which is a mistake already
	}
	connector, err := assertion.NewJWT(assertion.JWTConfig{
		Key: key, Claims: claims, Placement: s.Placement, Hosts: b.hosts, Shared: b.c.Shared, Observe: b.c.Observe,
	})
	return connector, err
}

func (s *Assertion) check(c *checker, p *path) {
	if (s.Private == "") == (s.Secret == "") {
		c.add(p, "give one of private and secret")
	}
	c.text(p.member("private"), s.Private)
	c.text(p.member("secret"), s.Secret)
	c.public(p.member("keyId"), s.KeyID)
	at := p.member("claims")
	c.public(at.member("issuer"), s.Claims.Issuer)
	c.public(at.member("subject"), s.Claims.Subject)
	c.public(at.member("audience"), s.Claims.Audience)
	for _, name := range keys(s.Claims.More) {
		if text, ok := s.Claims.More[name].(string); ok {
			c.text(at.member("more").member(name), text)
		}
	}
}

// with returns the key and the claims of an account.
func (s *Assertion) with(b *builder) (*assertion.Key, assertion.Claims) {
	config := assertion.KeyConfig{Private: b.secret(s.Private), Secret: b.secret(s.Secret), Algorithm: s.Algorithm, ID: b.text(s.KeyID)}
	if b.sampled(cmp.Or(s.Private, s.Secret)) { // and a sample is no key
		config = assertion.KeyConfig{Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), ID: config.ID}
	}
	key, err := assertion.NewKey(config)
	for _, problem := range problemsOf(err) {
		text := problem.Error()
		for _, field := range []string{"Private: ", "Secret: "} {
			text = strings.TrimPrefix(text, field)
		}
		b.refuse(cmp.Or(s.Private, s.Secret), text)
	}
	claims := s.Claims
	claims.Issuer, claims.Subject, claims.Audience = b.text(claims.Issuer), b.text(claims.Subject), b.text(claims.Audience)
	claims.More = maps.Clone(claims.More)
	for name, value := range claims.More {
		if text, ok := value.(string); ok {
			claims.More[name] = b.text(text)
		}
	}
	return key, claims
}

// refuse lists what is wrong with the values in a template of a key, for the account
// owner, who has given the values.
func (b *builder) refuse(key, text string) {
	names := b.d.texts[key].Names()
	for _, i := range b.inputs {
		if slices.Contains(names, i.Name) {
			b.problem(i, InputUnusable, text)
		}
	}
	if len(names) == 0 {
		b.mistakes.Add("the key: %s", text)
	}
}

// grant returns the grant of RFC 7523 section 2.1.
func (s *Assertion) grant(b *builder) connectorauth.Grant {
	key, claims := s.with(b)
	if key == nil {
		return connectorauth.ClientCredentials{} // or the constructor would find the mistake again
	}
	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: claims})
	b.mistakes.Custom(err)
	return grant
}

// clientAuth returns the client authentication of RFC 7523 section 2.2.
func (s *Assertion) clientAuth(b *builder) connectorauth.ClientAuth {
	key, claims := s.with(b)
	if key == nil {
		return connectorauth.ClientAuthNone // or the constructor would find the mistake again
	}
	auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: claims})
	b.mistakes.Custom(err)
	return auth
}
