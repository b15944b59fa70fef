package connectorauth_test

import (
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The redirect URLs of programs without a web page.
const (
	outOfBand     = "urn:ietf:wg:oauth:2.0:oob"
	outOfBandAuto = "urn:ietf:wg:oauth:2.0:oob:auto"
	privateUse    = "com.example.app:/oauth2redirect/example-provider" // RFC 8252 section 7.1
)

// native begins a consent with a redirect URL of a program without a web page,
// and returns what the account owner brings.
func native(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2, redirectURL string) (pending connectorauth.Secret, brought url.Values) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	query := must(url.Parse(authURL)).Query()
	assert.Equal(t, []string{redirectURL}, query["redirect_uri"])
	assert.NotEmpty(t, query.Get("state"))
	assert.Equal(t, "S256", query.Get("code_challenge_method"))
	u, err := p.Authorize(authURL)
	require.NoError(t, err)
	return pending, u.Query()
}

func newNative(t *testing.T, edit func(*authtest.Config)) *authtest.Provider {
	config := authtest.Config{RedirectURLs: []string{outOfBand, outOfBandAuto, privateUse}}
	if edit != nil {
		edit(&config)
	}
	p := authtest.New(config)
	t.Cleanup(p.Close)
	return p
}

func TestConsentOfAProgramWithoutAWebPage(t *testing.T) {
	for _, redirect := range []string{outOfBand, outOfBandAuto, privateUse} {
		t.Run(redirect, func(t *testing.T) {
			p := newNative(t, nil)
			c := connect(t, p, nil)
			pending, brought := native(t, p, c, redirect)
			require.NoError(t, c.Finish(t.Context(), pending, brought))
			assert.Equal(t, []string{redirect}, forms(t, p)[0]["redirect_uri"])
			assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		})
	}
}

// Out of band, the account owner sees a code and no state. The code verifier binds the
// code to the consent (RFC 9700 section 4.7.1).
func TestPastedCodeNeedsNoStateOutOfBand(t *testing.T) {
	for _, redirect := range []string{outOfBand, outOfBandAuto} {
		t.Run(redirect, func(t *testing.T) {
			p := newNative(t, nil)
			c := connect(t, p, nil)
			pending, brought := native(t, p, c, redirect)
			for _, wrong := range []url.Values{{"code": brought["code"], "state": {"other"}}, {"code": {brought.Get("code"), "x"}}, {"code": {""}}, {}} {
				require.Error(t, c.Finish(t.Context(), pending, wrong))
			}
			assert.Zero(t, p.Stats().TokenRequests)
			pasted := url.Values{"code": brought["code"]}
			require.NoError(t, c.Finish(t.Context(), pending, pasted))
			require.ErrorContains(t, c.Finish(t.Context(), pending, pasted), "finished already")
			assert.NotEmpty(t, forms(t, p)[0].Get("code_verifier"))
		})
	}
}

func TestPastedCodeOfAnotherConsentIsRefused(t *testing.T) {
	p := newNative(t, nil)
	c := connect(t, p, nil)
	_, attackers := native(t, p, c, outOfBand)
	mine, _ := native(t, p, c, outOfBand)
	var failed *connectorauth.TokenError
	require.ErrorAs(t, c.Finish(t.Context(), mine, url.Values{"code": attackers["code"]}), &failed)
	assert.Equal(t, "invalid_grant", failed.Code)
	_, err := c.Token(t.Context())
	assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
}

// A callback by a private-use scheme is a callback: the provider repeats the state.
func TestCallbackByAPrivateUseSchemeNeedsItsState(t *testing.T) {
	p := newNative(t, nil)
	c := connect(t, p, nil)
	pending, brought := native(t, p, c, privateUse)
	require.ErrorContains(t, c.Finish(t.Context(), pending, url.Values{"code": brought["code"]}), "no state")
	assert.Zero(t, p.Stats().TokenRequests)
	require.NoError(t, c.Finish(t.Context(), pending, brought))
}

// A pasted code cannot say from which provider the code is (RFC 9207).
func TestPastedCodeDoesNotReplaceTheIssuer(t *testing.T) {
	p := newNative(t, func(config *authtest.Config) { config.SendIssuer = true })
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Grant = connectorauth.AuthorizationCode{AuthURL: p.AuthURL, Issuer: p.URL}
	})
	pending, brought := native(t, p, c, outOfBand)
	require.ErrorContains(t, c.Finish(t.Context(), pending, url.Values{"code": brought["code"]}), "no iss")
	assert.Zero(t, p.Stats().TokenRequests)
	require.NoError(t, c.Finish(t.Context(), pending, brought))
}

// RFC 8252 section 8.1: any program on the machine may claim a private-use scheme.
func TestProgramWithoutAWebPageNeedsPKCE(t *testing.T) {
	p := newNative(t, nil)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Grant = connectorauth.AuthorizationCode{AuthURL: p.AuthURL, DisablePKCE: true}
	})
	for _, redirect := range []string{outOfBand, outOfBandAuto, privateUse} {
		_, _, err := c.Begin(t.Context(), redirect)
		require.ErrorContains(t, err, "DisablePKCE", redirect)
	}
}

func TestRedirectURLsOfProgramsAreChecked(t *testing.T) {
	c := connect(t, authtest.NewProvider(t), nil)
	for _, fine := range []string{
		outOfBand, outOfBandAuto, privateUse, "com.example.app:/", "com.example.app:/cb?x=1", "com.example.app://callback", "COM.example.app:/cb", "io.x-1+y.z:/cb",
	} {
		_, _, err := c.Begin(t.Context(), fine)
		assert.NoError(t, err, fine)
	}
	for _, wrong := range []string{
		"oob", "urn:ietf:wg:oauth:2.0:oob:other", "URN:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob#f", "urn:ietf:wg:oauth:2.0:oob?x=1", " " + outOfBand,
		"myapp:/cb", "myapp://cb", "javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "about:blank", "blob:https://app.example.com/x",
		"app.example.com:8443/cb", "com.example.app:cb", "com.example.app:", "com.example.app://", "com.example.app", "com.:/cb", "com..app:/cb", ".com.app:/cb",
		"com.example.app:/cb#f", "com.example.app:/cb#", "com.example.app://u:p@cb/", "com.example.app:/c\nb", "http://app.example.com/cb", "ws://a.b/cb", "1com.example:/cb",
	} {
		_, _, err := c.Begin(t.Context(), wrong)
		assert.ErrorContains(t, err, "redirectURL", wrong)
	}
	p := provider(t, authtest.Config{})
	o := must(connectorauth.NewOAuth1(consenting(p)))
	for _, wrong := range []string{outOfBand, outOfBandAuto, privateUse} {
		_, _, err := o.Begin(t.Context(), wrong)
		assert.ErrorContains(t, err, "redirectURL", wrong)
	}
}
