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
	"golang.org/x/oauth2"
)

// dated adds the time of an assertion to token requests, as a grant or a client
// authentication.
type dated struct {
	connectorauth.ClientCredentials
}

func (dated) Parameters(_ context.Context, r *connectorauth.TokenRequest) error {
	r.Params.Set("iat", strconv.FormatInt(r.Now().Unix(), 10))
	return nil
}

func (d dated) Authenticate(ctx context.Context, r *connectorauth.TokenRequest) error {
	return d.Parameters(ctx, r)
}

// datedEndpoint is a token endpoint whose clock is ahead. It refuses assertions of
// another time with code.
type datedEndpoint struct {
	ahead    time.Duration
	code     string
	refuses  bool // refuses whatever comes
	requests []url.Values
}

func (e *datedEndpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	r.ParseForm()
	e.requests = append(e.requests, r.PostForm)
	now := time.Now().Add(e.ahead)
	resp := fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r2","token_type":"Bearer","expires_in":3600}`)
	iat, err := strconv.ParseInt(r.PostForm.Get("iat"), 10, 64)
	if off := now.Sub(time.Unix(iat, 0)); e.refuses || err == nil && off.Abs() > 5*time.Second {
		resp = fakehttp.Respond(400, `{"error":"`+e.code+`"}`)
	}
	resp.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	return resp, nil
}

func (e *datedEndpoint) connector(t *testing.T, grant connectorauth.Grant, auth connectorauth.ClientAuth) *connectorauth.OAuth2 {
	return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: grant, ClientAuth: auth,
		HTTPClient: &http.Client{Transport: e}, Shared: new(connectorauth.Shared),
	}))
}

func TestAssertionOfAWrongClockIsMadeAnewAtOnce(t *testing.T) {
	for _, code := range []string{"invalid_grant", "invalid_client", "invalid_request"} {
		for _, ahead := range []time.Duration{6 * time.Second, -time.Hour, 20 * time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				e := &datedEndpoint{ahead: ahead, code: code}
				c := e.connector(t, dated{}, nil)
				_, err := c.Token(t.Context())
				require.NoError(t, err)
				assert.Len(t, e.requests, 2)
				require.NoError(t, c.Renew(t.Context()))
				assert.Len(t, e.requests, 3, "the clock is remembered")
			})
		}
	}
}

func TestRefusedClientAuthenticationOfAWrongClockIsMadeAnewAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &datedEndpoint{ahead: time.Hour, code: "invalid_client"}
		c := e.connector(t, connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/authorize"}, dated{})
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r1"}))
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		require.Len(t, e.requests, 2)
		assert.Equal(t, "r1", e.requests[1].Get("refresh_token"), "the provider has not looked at it")
	})
}

func TestRefreshTokenThatTheProviderMayHaveSeenIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &datedEndpoint{ahead: time.Hour, code: "server_busy"}
		c := e.connector(t, connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/authorize"}, dated{})
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r1"}))
		_, err := c.Token(t.Context())
		require.Error(t, err)
		assert.Len(t, e.requests, 1)
	})
}

func TestClockThatIsRightCostsNoSecondRequest(t *testing.T) {
	for name, test := range map[string]struct {
		ahead time.Duration
		grant connectorauth.Grant
	}{
		"the same time":            {0, dated{}},
		"a time beyond belief":     {48 * time.Hour, dated{}},
		"a request without a time": {time.Hour, connectorauth.ClientCredentials{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			e := &datedEndpoint{ahead: test.ahead, code: "invalid_grant", refuses: true}
			_, err := e.connector(t, test.grant, nil).Token(t.Context())
			assert.ErrorContains(t, err, "invalid_grant", name)
			assert.Len(t, e.requests, 1, name)
		})
	}
}

func TestCorrectionThatDoesNotHelpIsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &datedEndpoint{ahead: time.Hour, code: "invalid_client", refuses: true}
		_, err := e.connector(t, dated{}, nil).Token(t.Context())
		assert.ErrorContains(t, err, "invalid_client")
		assert.Len(t, e.requests, 2)
		assert.NotEqual(t, e.requests[0].Get("iat"), e.requests[1].Get("iat"))
	})
}
