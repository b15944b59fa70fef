package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/dghubble/oauth1"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
)

// OAuth1 returns a connector for the account of t, with the client of old: see the package
// documentation. Where old or with has the three URLs, t goes into the Store of with once, or
// into memory without a Store, and further accounts can consent. Without the URLs, t is signed
// with as it is, and a Store is refused.
//
// The three signers of package oauth1 become the SignatureMethod; another Signer goes on
// signing. The secret of an HMACSigner or HMAC256Signer is the one that signs, whatever
// ConsumerSecret says. Nonces are made by this library, of 26 letters and digits; a Noncer other
// than the two of package oauth1 is an error.
func OAuth1(ctx context.Context, old *oauth1.Config, t *oauth1.Token, with connectorauth.OAuth1Config) (*connectorauth.OAuth1, error) {
	if old == nil {
		return nil, errors.New("migrate: OAuth1: the config is nil")
	}
	with.ClientID = cmp.Or(with.ClientID, old.ConsumerKey)
	with.Realm = cmp.Or(with.Realm, old.Realm)
	with.RequestTokenURL = cmp.Or(with.RequestTokenURL, old.Endpoint.RequestTokenURL)
	with.AuthorizeURL = cmp.Or(with.AuthorizeURL, old.Endpoint.AuthorizeURL)
	with.AccessTokenURL = cmp.Or(with.AccessTokenURL, old.Endpoint.AccessTokenURL)
	if with.HTTPClient == nil {
		with.HTTPClient = old.HTTPClient
	}
	if err := errors.Join(setSigner(&with, old), checkNoncer(old.Noncer)); err != nil {
		return nil, fmt.Errorf("migrate: OAuth1: %w", err)
	}
	issued := with.RequestTokenURL == "" && with.AuthorizeURL == "" && with.AccessTokenURL == ""
	if issued && t != nil && with.Token == "" {
		with.Token, with.TokenSecret = t.Token, connectorauth.Secret(t.TokenSecret)
	}
	c, err := connectorauth.NewOAuth1(with)
	if err == nil && !issued && t != nil {
		_, err = c.AddToken(ctx, t)
	}
	if err != nil {
		return nil, fmt.Errorf("migrate: OAuth1: %w", err)
	}
	return c, nil
}

// setSigner says in with how old signs, unless with says so itself.
func setSigner(with *connectorauth.OAuth1Config, old *oauth1.Config) error {
	secret := old.ConsumerSecret
	if with.SignatureMethod == "" && with.PrivateKey == nil && with.Signer == nil {
		if old.Signer != nil && check.IsNil(old.Signer) {
			return fmt.Errorf("Signer: is a nil %T", old.Signer)
		}
		switch s := old.Signer.(type) {
		case nil:
		case *oauth1.HMACSigner:
			with.SignatureMethod, secret = dialect.HMACSHA1, s.ConsumerSecret
		case *oauth1.HMAC256Signer:
			with.SignatureMethod, secret = dialect.HMACSHA256, s.ConsumerSecret
		case *oauth1.RSASigner:
			if with.SignatureMethod = dialect.RSASHA1; s.PrivateKey != nil { // NewOAuth1 names a missing key
				with.PrivateKey = s.PrivateKey
			}
		default:
			with.Signer = s
		}
	}
	with.ClientSecret = cmp.Or(with.ClientSecret, connectorauth.Secret(secret))
	return nil
}

// checkNoncer accepts the nonces of package oauth1, for which those of this library serve.
func checkNoncer(n oauth1.Noncer) error {
	switch n.(type) {
	case nil, oauth1.Base64Noncer, *oauth1.Base64Noncer, oauth1.HexNoncer, *oauth1.HexNoncer:
		return nil
	}
	return fmt.Errorf("Noncer: is %T; nonces of 26 random letters and digits take its place: leave Noncer empty", n)
}
