package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inDevice runs test in a bubble, with a provider and the config of a device.
func inDevice(t *testing.T, test func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		store := new(tokenstore.Memory)
		test(t, p, func() *connectorauth.OAuth2 {
			return must(connectorauth.NewOAuth2(config2{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Scopes: []string{"read"},
				Grant:      connectorauth.DeviceCode{DeviceURL: p.DeviceURL, Params: url.Values{"audience": {"x"}}},
				HTTPClient: p.Client(), Shared: new(connectorauth.Shared), Store: store, Account: "alice",
			}))
		})
	})
}

func TestDeviceGrant(t *testing.T) {
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		c := open()
		_, err := c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		assert.Equal(t, p.URL+"/device", prompt.VerificationURI)
		assert.Contains(t, prompt.VerificationURIComplete, prompt.UserCode)
		assert.Equal(t, 10*time.Minute, time.Until(prompt.Expires))
		form := must(url.ParseQuery(string(p.Requests(p.DeviceURL)[0].Body)))
		assert.Equal(t, url.Values{"audience": {"x"}, "scope": {"read"}}, form)

		poll, err := c.PollDevice(t.Context(), pending)
		require.NoError(t, err)
		assert.Equal(t, 5*time.Second, poll.Wait, "the first poll is not at once")
		assert.Empty(t, p.Requests(p.TokenURL))
		time.Sleep(poll.Wait)
		poll, err = c.PollDevice(t.Context(), poll.Pending)
		require.NoError(t, err)
		assert.False(t, poll.Done)

		done := make(chan error)
		c = open() // after a restart
		go func() { done <- c.FinishDevice(t.Context(), poll.Pending) }()
		time.Sleep(62 * time.Second)
		require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
		require.NoError(t, <-done)
		assert.Equal(t, 1+12+1, p.Stats().TokenRequests, "each five seconds")
		token, err := open().Token(t.Context())
		require.NoError(t, err)
		assert.NotEmpty(t, token.AccessToken)
		time.Sleep(2 * time.Hour)
		_, err = open().Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, p.Stats().Issued["refresh_token"])
		_, err = c.PollDevice(t.Context(), poll.Pending)
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "expired_token", failed.Code)
	})
}

func TestDeviceIsRefused(t *testing.T) {
	for want, act := range map[string]func(p *authtest.Provider, prompt connectorauth.DevicePrompt){
		"access_denied": func(p *authtest.Provider, prompt connectorauth.DevicePrompt) { must(0, p.DenyDevice(prompt.UserCode)) },
		"expired_token": func(*authtest.Provider, connectorauth.DevicePrompt) {},
	} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			prompt, pending, err := open().BeginDevice(t.Context())
			require.NoError(t, err)
			act(p, prompt)
			began := time.Now()
			err = open().FinishDevice(t.Context(), pending)
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, want, failed.Code)
			assert.LessOrEqual(t, time.Since(began), 10*time.Minute+5*time.Second)
			assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
		})
	}
}

// What a provider says or fails to say makes polls slower, and does not end them.
func TestDevicePollsSlowDown(t *testing.T) {
	for name, test := range map[string]struct {
		fault authtest.Fault
		wait  time.Duration
	}{
		"pending":       {authtest.Answer(400, nil, `{"error":"authorization_pending"}`), 5 * time.Second},
		"slow_down":     {authtest.Answer(400, nil, `{"error":"slow_down"}`), 10 * time.Second},
		"an outage":     {authtest.Answer(503, nil, ``), 10 * time.Second},
		"no OAuth":      {authtest.Answer(400, nil, `<html>`), 10 * time.Second},
		"a pause":       {authtest.Answer(429, http.Header{"Retry-After": {"40"}}, ``), 40 * time.Second},
		"a long pause":  {authtest.Answer(429, http.Header{"Retry-After": {"99999999999"}}, ``), 5 * time.Minute},
		"no connection": {authtest.DropBefore(), 10 * time.Second},
	} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			prompt, pending, err := open().BeginDevice(t.Context())
			require.NoError(t, err)
			time.Sleep(5 * time.Second)
			p.Inject(p.TokenURL, 1, test.fault)
			poll, err := open().PollDevice(t.Context(), pending)
			require.NoError(t, err, name)
			assert.Equal(t, test.wait, poll.Wait, name)
			require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
			early, err := open().PollDevice(t.Context(), poll.Pending)
			require.NoError(t, err)
			assert.Equal(t, test.wait, early.Wait, name)
			assert.Len(t, p.Requests(p.TokenURL), 1, name)
			require.NoError(t, open().FinishDevice(t.Context(), early.Pending), name)
		})
	}
}

func TestDeviceResponses(t *testing.T) {
	const rest = `"device_code":"secret-device","user_code":"AB-CD"`
	for body, want := range map[string]string{
		`{` + rest + `,"verification_uri":"https://p.example/d","expires_in":"1800","interval":0}`:                  "",
		`{` + rest + `,"verification_uri":"https://p.example/d","interval":-1e300,"expires_in":1e300}`:              "",
		`{` + rest + `,"verification_url":"https://p.example/d","verification_uri_complete":"javascript:alert(1)"}`: "",
		`{` + rest + `,"verification_uri":"javascript:alert(1)"}`:                                                   "no verification_uri",
		`{` + rest + `}`: "no verification_uri",
		`{"user_code":"A","verification_uri":"https://p.example/d"}`:                                  "no device_code",
		`{"device_code":"secret-device","verification_uri":"https://p.example/d"}`:                    "no user_code",
		`{"device_code":"secret-device","user_code":"\u001b[2J","verification_uri":"https://p.ex/d"}`: "no user_code",
		`secret-device`: "not the JSON",
	} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, body))
			prompt, pending, err := open().BeginDevice(t.Context())
			if want != "" {
				var failed *connectorauth.TokenError
				require.ErrorAs(t, err, &failed)
				require.ErrorContains(t, err, want)
				assert.NotContains(t, err.Error(), "secret-device")
				return
			}
			require.NoError(t, err, body)
			assert.Equal(t, "https://p.example/d", prompt.VerificationURI)
			assert.Empty(t, prompt.VerificationURIComplete)
			poll, err := open().PollDevice(t.Context(), pending)
			require.NoError(t, err)
			assert.Equal(t, 5*time.Second, poll.Wait, body)
		})
	}
}

func TestDeviceOfAnotherConnector(t *testing.T) {
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		_, pending, err := open().BeginDevice(t.Context())
		require.NoError(t, err)
		other := must(connectorauth.NewOAuth2(config2{ClientID: "other", TokenURL: p.TokenURL, Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL}}))
		for _, text := range []connectorauth.Secret{pending, "", "{}"} {
			require.ErrorContains(t, other.FinishDevice(t.Context(), text), "BeginDevice")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, open().FinishDevice(ctx, pending), context.Canceled)
		c := must(connectorauth.NewOAuth2(config2{ClientID: "c", TokenURL: p.TokenURL, Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}}))
		_, _, err = c.BeginDevice(t.Context())
		require.ErrorContains(t, err, "DeviceCode grant")
		require.ErrorContains(t, c.FinishDevice(t.Context(), pending), "DeviceCode grant")
		p.Inject(p.DeviceURL, 1, authtest.Answer(401, nil, `{"error":"invalid_client"}`))
		_, _, err = open().BeginDevice(t.Context())
		require.ErrorContains(t, err, "the device authorization request for \"alice\"")
		_, err = connectorauth.NewOAuth2(config2{ClientID: "c", TokenURL: p.TokenURL, Grant: connectorauth.DeviceCode{Params: url.Values{"scope": {"x"}}}})
		require.ErrorContains(t, err, "DeviceURL")
		require.ErrorContains(t, err, "scope is set by the library")
		require.False(t, errors.Is(err, connectorauth.ErrReauthRequired))
	})
}
