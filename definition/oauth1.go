package definition

import (
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// OAuth1 signs each request: see connectorauth.OAuth1Config. Fields without a comment
// are the fields of that config.
type OAuth1 struct {
	ClientID, ClientSecret                        string // templates; empty means Connection.Client
	RequestTokenURL, AuthorizeURL, AccessTokenURL string // templates; all or none
	Token, TokenSecret                            string // templates of credentials that the service has issued
	TokenMethod                                   string
	NoVerifier                                    bool
	SignatureMethod                               connectorauth.SignatureMethod
	In                                            dialect.Location
	Realm                                         string // template
	BodyHash                                      bool
}

func (s *OAuth1) check(c *checker, p *path) {
	for name, text := range map[string]string{
		"clientSecret": s.ClientSecret, "token": s.Token, "tokenSecret": s.TokenSecret, "realm": s.Realm,
	} {
		c.text(p.member(name), text)
	}
	c.public(p.member("clientId"), s.ClientID)
	for name, url := range map[string]string{"requestTokenUrl": s.RequestTokenURL, "authorizeUrl": s.AuthorizeURL, "accessTokenUrl": s.AccessTokenURL} {
		c.url(p.member(name), url)
	}
}

func (s *OAuth1) connector(b *builder) (connectorauth.Connector, error) {
	client := b.client(s.ClientID, s.ClientSecret)
	return connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: client.ID, ClientSecret: client.Secret,
		RequestTokenURL: b.url(s.RequestTokenURL), AuthorizeURL: b.url(s.AuthorizeURL), AccessTokenURL: b.url(s.AccessTokenURL),
		TokenMethod: s.TokenMethod, NoVerifier: s.NoVerifier, SignatureMethod: s.SignatureMethod, In: s.In,
		Realm: b.text(s.Realm), BodyHash: s.BodyHash, Token: b.text(s.Token), TokenSecret: b.secret(s.TokenSecret),
		Store: b.c.Store, Account: b.c.Account, Shared: b.c.Shared, Hosts: b.hosts, HTTPClient: b.c.HTTPClient, Observe: b.c.Observe,
	})
}
