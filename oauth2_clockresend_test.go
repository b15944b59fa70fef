package connectorauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// datedAuth is a client authentication with the time of an assertion.
type datedAuth struct{}

func (datedAuth) Authenticate(_ context.Context, r *connectorauth.TokenRequest) error {
	r.Params.Set("iat", strconv.FormatInt(r.Now().Unix(), 10))
	return nil
}

// spent is a grant of something that a provider takes once.
type spent struct{ connectorauth.GrantTraits }

func (spent) GrantType() string                   { return "urn:example:spent" }
func (g spent) Traits() connectorauth.GrantTraits { return g.GrantTraits }
func (spent) Parameters(_ context.Context, r *connectorauth.TokenRequest) error {
	r.Params.Set("ticket", "one")
	return nil
}

// A refusal of a password is a failed login, and two may lock the account. The time in
// the client's assertion is no reason to send the password again, unless the provider
// says that the client is to blame.
func TestWhatTheProviderMayHaveSeenIsNotSentAgainForTheClock(t *testing.T) {
	for name, grant := range map[string]connectorauth.Grant{
		"a password":      connectorauth.PasswordCredentials{Username: "u", Password: "p"},
		"a ticket":        spent{},
		"a single ticket": spent{connectorauth.GrantTraits{SingleUse: true}},
	} {
		for code, want := range map[string]int{"invalid_grant": 1, "invalid_request": 1, "invalid_client": 2} {
			synctest.Test(t, func(t *testing.T) {
				e := &datedEndpoint{ahead: time.Minute, code: code, refuses: true}
				_, err := e.connector(t, grant, datedAuth{}).Token(t.Context())
				require.Error(t, err)
				assert.Len(t, e.requests, want, "%s, %s", name, code)
			})
		}
	}
	synctest.Test(t, func(t *testing.T) { // nothing but the client authentication was sent
		e := &datedEndpoint{ahead: time.Minute, code: "invalid_request"}
		_, err := e.connector(t, connectorauth.ClientCredentials{}, datedAuth{}).Token(t.Context())
		require.NoError(t, err)
		assert.Len(t, e.requests, 2)
	})
}

// The Date of a refusal can be wrong, as that of a cache. A correction that does not
// help is given up, so that an account that is good again works.
func TestCorrectionThatDoesNotHelpIsGivenUp(t *testing.T) {
	for _, auth := range []connectorauth.ClientAuth{nil, datedAuth{}} {
		synctest.Test(t, func(t *testing.T) {
			refuses := true
			var sent []int64
			base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
				r.ParseForm()
				iat, _ := strconv.ParseInt(r.PostForm.Get("iat"), 10, 64)
				off := iat - time.Now().Unix()
				sent = append(sent, off)
				resp := fakehttp.Respond(200, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`)
				if refuses || off != 0 {
					resp = fakehttp.Respond(400, `{"error":"invalid_client"}`)
				}
				resp.Header.Set("Date", time.Now().Add(-5*time.Hour).UTC().Format(http.TimeFormat))
				return resp, nil
			})
			var grant connectorauth.Grant = dated{}
			if auth != nil {
				grant = connectorauth.ClientCredentials{}
			}
			c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: grant, ClientAuth: auth,
				HTTPClient: &http.Client{Transport: base}, Shared: new(connectorauth.Shared),
			}))
			_, err := c.Token(t.Context())
			require.Error(t, err)
			assert.Equal(t, []int64{0, -5 * 3600}, sent)
			refuses = false
			require.NoError(t, c.Renew(t.Context()), "the administrator has approved the key")
		})
	}
}

// nonces is a proof that needs a value of the provider's.
type nonces struct {
	nonce string
	seen  int
}

func (*nonces) TokenTypes() []string                          { return []string{"DPoP"} }
func (*nonces) Bind(connectorauth.Secret) (url.Values, error) { return nil, nil }
func (*nonces) NewKey() (connectorauth.Secret, error)         { return "key", nil }
func (n *nonces) Prove(req *http.Request, _, _ connectorauth.Secret) error {
	req.Header.Set("DPoP", n.nonce)
	return nil
}
func (n *nonces) Again(resp *http.Response) bool {
	n.seen++
	again := n.nonce != resp.Header.Get("DPoP-Nonce")
	n.nonce = resp.Header.Get("DPoP-Nonce")
	return again
}

// One refusal may tell the time and ask for another proof.
func TestClockHidesNoRefusalFromTheProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
			requests++
			resp := fakehttp.Respond(200, `{"access_token":"a","token_type":"DPoP","expires_in":3600}`)
			if r.Header.Get("DPoP") == "" {
				resp = fakehttp.Respond(400, `{"error":"use_dpop_nonce"}`)
			}
			resp.Header.Set("DPoP-Nonce", "n1")
			resp.Header.Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			return resp, nil
		})
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: dated{}, Proof: new(nonces),
			HTTPClient: &http.Client{Transport: base}, Shared: new(connectorauth.Shared),
		}))
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, requests)
	})
}

func TestTransportThatIsNilIsRefused(t *testing.T) {
	_, err := connectorauth.NewCustom(connectorauth.CustomConfig{Transport: (*http.Transport)(nil)})
	assert.ErrorContains(t, err, "Transport: is a nil *http.Transport")
}
