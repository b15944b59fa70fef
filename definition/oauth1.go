package definition

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"io"
	"math/big"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/jws"
)

// OAuth1 signs each request: see connectorauth.OAuth1Config. Fields without a comment
// are the fields of that config.
type OAuth1 struct {
	ClientID, ClientSecret                        string // templates; empty means Connection.Client
	RequestTokenURL, AuthorizeURL, AccessTokenURL string // templates; all or none
	Token, TokenSecret                            string // templates of credentials that the service has issued
	TokenMethod                                   string
	NoVerifier                                    bool
	SignatureMethod                               dialect.SignatureMethod
	// Private is the template of an RSA key as text, for an input with FormatKey. Required
	// by the RSA methods, which need no ClientSecret; empty with the others.
	Private  string
	In       dialect.Location
	Realm    string // template
	BodyHash bool
}

func (s *OAuth1) check(c *checker, p *path) {
	for name, text := range map[string]string{
		"token": s.Token, "tokenSecret": s.TokenSecret, "realm": s.Realm, "private": s.Private,
	} {
		c.text(p.member(name), text)
	}
	if signs := strings.HasPrefix(string(s.SignatureMethod), "RSA-"); signs != (s.Private != "") {
		c.add(p.member("private"), "the RSA methods need a key, and the others have none")
	}
	c.clientSecret(p, s.ClientID, s.ClientSecret)
	c.public(p.member("clientId"), s.ClientID)
	for name, url := range map[string]string{"requestTokenUrl": s.RequestTokenURL, "authorizeUrl": s.AuthorizeURL, "accessTokenUrl": s.AccessTokenURL} {
		c.url(p.member(name), url)
	}
}

func (s *OAuth1) connector(b *builder) (connectorauth.Connector, error) {
	client := b.client(s.ClientID, s.ClientSecret, s.Private == "")
	store := b.c.Store
	if s.AuthorizeURL == "" {
		store = nil // for there is no consent, and no token to keep
	}
	connector, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: client.ID, ClientSecret: client.Secret,
		RequestTokenURL: b.url(s.RequestTokenURL), AuthorizeURL: b.url(s.AuthorizeURL), AccessTokenURL: b.url(s.AccessTokenURL),
		TokenMethod: s.TokenMethod, NoVerifier: s.NoVerifier, SignatureMethod: s.SignatureMethod, In: s.In,
		Realm: b.text(s.Realm), BodyHash: s.BodyHash, PrivateKey: s.key(b), Token: b.text(s.Token), TokenSecret: b.secret(s.TokenSecret),
		Store: store, Account: b.c.Account, Shared: b.c.Shared, Hosts: b.hosts, HTTPClient: b.c.HTTPClient, Observe: b.c.Observe,
	})
	return connector, b.owned(err, "ClientID", s.ClientID, "ClientSecret", s.ClientSecret, "Token", s.Token, "TokenSecret", s.TokenSecret, "Realm", s.Realm)
}

// key returns the RSA key of an account. Nil means none.
func (s *OAuth1) key(b *builder) crypto.Signer {
	switch {
	case s.Private == "":
		return nil
	case b.sampled(s.Private):
		return sampleKey{}
	}
	parsed, err := jws.Parse(b.text(s.Private))
	if err != nil {
		b.refuse(s.Private, err.Error())
		return sampleKey{} // or the constructor would find the mistake again
	}
	if _, ok := parsed.Signer.(*rsa.PrivateKey); !ok {
		b.refuse(s.Private, "is no RSA key")
		return sampleKey{}
	}
	return parsed.Signer
}

// sampleKey is an RSA key for a trial. A sampleKey signs nothing.
type sampleKey struct{}

func (sampleKey) Public() crypto.PublicKey { return &rsa.PublicKey{N: big.NewInt(1), E: 65537} }

func (sampleKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("is no key")
}
