package migrate_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"testing"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/migrate"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// oauth1ConfigOf returns the config of a program with dghubble/oauth1.
func oauth1ConfigOf(p *authtest.Provider) *oauth1.Config {
	return &oauth1.Config{
		ConsumerKey: p.ClientID, ConsumerSecret: p.ClientSecret, CallbackURL: "http://127.0.0.1/callback", HTTPClient: p.Client(),
		Endpoint: oauth1.Endpoint{RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL},
	}
}

func oauth1In(store connectorauth.TokenStore) connectorauth.OAuth1Config {
	return connectorauth.OAuth1Config{Store: store, Account: "alice", Shared: new(connectorauth.Shared)}
}

// A token moves in and is not replaced, and the owner of another account consents.
func TestTokenOfDghubbleMovesOnce(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	old, store := oauth1ConfigOf(p), new(tokenstore.Memory)
	c, err := migrate.OAuth1(ctx, old, oauth1.NewToken(p.IssueOAuth1Token()), oauth1In(store))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, statusOf(t, p, c, p.OAuth1URL))
	c, err = migrate.OAuth1(ctx, old, oauth1.NewToken("of", "before"), oauth1In(store))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, statusOf(t, p, c, p.OAuth1URL), "the token of the store stays")

	c, err = migrate.OAuth1(ctx, old, nil, connectorauth.OAuth1Config{})
	require.NoError(t, err)
	authURL, pending, err := c.Begin(ctx, old.CallbackURL)
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(ctx, pending, callback.Query()))
	assert.Equal(t, http.StatusOK, statusOf(t, p, c, p.OAuth1URL))
}

func TestIssuedTokenWithoutURLs(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	old := &oauth1.Config{ConsumerKey: p.ClientID, ConsumerSecret: p.ClientSecret, Realm: "photos"}
	for name, token := range map[string]*oauth1.Token{"token": oauth1.NewToken(p.IssueOAuth1Token()), "the client alone": nil, "an empty token": {}} {
		c, err := migrate.OAuth1(ctx, old, token, connectorauth.OAuth1Config{})
		require.NoError(t, err, name)
		assert.Equal(t, http.StatusOK, statusOf(t, p, c, p.OAuth1URL), name)
	}
	assert.Contains(t, p.Requests(p.OAuth1URL)[0].Header.Get("Authorization"), `realm="photos"`)
	token, secret := p.IssueOAuth1Token()
	c, err := migrate.OAuth1(ctx, old, oauth1.NewToken("of", "before"), connectorauth.OAuth1Config{Token: token, TokenSecret: connectorauth.Secret(secret)})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, statusOf(t, p, c, p.OAuth1URL), "a token of with wins")
	_, err = migrate.OAuth1(ctx, old, nil, oauth1In(new(tokenstore.Memory)))
	require.ErrorContains(t, err, "Store: has nothing to keep without the three URLs")
}

// ownSigner is a Signer that no library knows.
type ownSigner struct{ *oauth1.HMACSigner }

func TestSigners(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p, ctx := provider(t, authtest.Config{RSAPublicKey: &key.PublicKey})
	for _, test := range []struct {
		name   string
		signer oauth1.Signer
		with   connectorauth.OAuth1Config
		method string
		err    string
	}{
		{name: "none", method: "HMAC-SHA1"},
		{name: "HMAC", signer: &oauth1.HMACSigner{ConsumerSecret: p.ClientSecret}, method: "HMAC-SHA1"},
		{name: "HMAC256", signer: &oauth1.HMAC256Signer{ConsumerSecret: p.ClientSecret}, method: "HMAC-SHA256"},
		{name: "RSA", signer: &oauth1.RSASigner{PrivateKey: key}, method: "RSA-SHA1"},
		{name: "own", signer: ownSigner{&oauth1.HMACSigner{ConsumerSecret: p.ClientSecret}}, method: "HMAC-SHA1"},
		{name: "with wins", signer: &oauth1.RSASigner{PrivateKey: key}, with: connectorauth.OAuth1Config{
			SignatureMethod: dialect.HMACSHA512, ClientSecret: connectorauth.Secret(p.ClientSecret),
		}, method: "HMAC-SHA512"},
		{name: "nil pointer", signer: (*oauth1.HMAC256Signer)(nil), err: "Signer: is a nil *oauth1.HMAC256Signer"},
		{name: "no key", signer: &oauth1.RSASigner{}, err: "PrivateKey: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			old := oauth1ConfigOf(p)
			if old.Signer = test.signer; test.signer != nil {
				old.ConsumerSecret = "of another signer" // the signer's own secret counts
			}
			c, err := migrate.OAuth1(ctx, old, oauth1.NewToken(p.IssueOAuth1Token()), test.with)
			if test.err != "" {
				require.ErrorContains(t, err, "migrate: OAuth1: ")
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, statusOf(t, p, c, p.OAuth1URL))
			sent := p.Requests(p.OAuth1URL)
			assert.Contains(t, sent[len(sent)-1].Header.Get("Authorization"), `oauth_signature_method="`+test.method+`"`)
		})
	}
}

type fixedNonce struct{}

func (fixedNonce) Nonce() string { return "7" }

func TestNoncers(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	for _, known := range []oauth1.Noncer{nil, oauth1.Base64Noncer{}, &oauth1.Base64Noncer{}, oauth1.HexNoncer{}, &oauth1.HexNoncer{}} {
		old := oauth1ConfigOf(p)
		old.Noncer = known
		_, err := migrate.OAuth1(ctx, old, nil, connectorauth.OAuth1Config{})
		require.NoError(t, err)
	}
	old := oauth1ConfigOf(p)
	old.Noncer = fixedNonce{}
	_, err := migrate.OAuth1(ctx, old, nil, connectorauth.OAuth1Config{})
	require.ErrorContains(t, err, "migrate: OAuth1: Noncer: is migrate_test.fixedNonce")
}

func TestOAuth1ErrorsSayWhatToFillIn(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	_, err := migrate.OAuth1(ctx, nil, nil, connectorauth.OAuth1Config{})
	require.EqualError(t, err, "migrate: OAuth1: the config is nil")
	_, err = migrate.OAuth1(ctx, oauth1ConfigOf(p), &oauth1.Token{TokenSecret: "s"}, connectorauth.OAuth1Config{})
	require.ErrorContains(t, err, "migrate: OAuth1: connectorauth: AddToken: the token is empty")
	_, err = migrate.OAuth1(ctx, &oauth1.Config{}, nil, connectorauth.OAuth1Config{})
	require.ErrorContains(t, err, "migrate: OAuth1: connectorauth: OAuth1Config: ")
	require.ErrorContains(t, err, "ClientSecret: is empty")
	withConfig := oauth1ConfigOf(p)
	withConfig.HTTPClient = nil
	c, err := migrate.OAuth1(ctx, withConfig, nil, connectorauth.OAuth1Config{HTTPClient: p.Client()})
	require.NoError(t, err)
	_, _, err = c.Begin(ctx, "oob")
	require.NoError(t, err)
}
