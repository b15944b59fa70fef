package zitadel_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// device is the config of the client without a browser.
func (p *provider) device() connectorauth.OAuth2Config {
	config := p.config(connectorauth.DeviceCode{DeviceURL: p.issuer + "device_authorization"}, "openid", "offline_access")
	config.ClientID = deviceClient
	return config
}

// decide takes the part of the admin, who opens the page of a prompt, signs in, and presses
// a button, whose action is "allowed" or "denied".
func decide(t *testing.T, prompt connectorauth.DevicePrompt, action string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	page, err := url.Parse(prompt.VerificationURI)
	require.NoError(t, err)
	ok := func(resp *http.Response, err error) {
		t.Helper()
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	ok(browser.Get(prompt.VerificationURIComplete))
	ok(browser.PostForm(page.JoinPath("login").String(), url.Values{
		"user_code": {prompt.UserCode}, "username": {adminName}, "password": {adminPassword},
	}))
	ok(browser.Get(page.JoinPath("confirm").String() + "?action=" + action))
}

func TestDeviceGrant(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		t.Parallel() // a device polls every five seconds
		c := newOAuth2(t, p.device())
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		decide(t, prompt, "allowed")
		require.NoError(t, c.FinishDevice(t.Context(), pending))
		assert.Len(t, p.sent(deviceGrant, "device_code"), 1)
		assert.Equal(t, admin, p.whoami(t, c))
		for range 2 {
			require.NoError(t, c.Renew(t.Context()))
			assert.Equal(t, admin, p.whoami(t, c))
		}
		requireNew(t, p.sent("refresh_token", "refresh_token"), 2)
		token, err := c.Token(t.Context())
		require.NoError(t, err)
		require.NoError(t, c.Revoke(t.Context()))
		assert.NotEqual(t, http.StatusOK, p.status(t, token.AccessToken))
	})
}

// The device waits while the owner has not decided, and learns of the refusal.
func TestDeviceThatTheOwnerRefuses(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		t.Parallel()
		c := newOAuth2(t, p.device())
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		for len(p.sent(deviceGrant, "device_code")) == 0 {
			poll, err := c.PollDevice(t.Context(), pending)
			require.NoError(t, err)
			require.False(t, poll.Done)
			pending = poll.Pending
			wait(t, poll.Wait)
		}
		decide(t, prompt, "denied")
		var refused *connectorauth.TokenError
		require.ErrorAs(t, c.FinishDevice(t.Context(), pending), &refused)
		assert.Equal(t, "access_denied", refused.Code)
		assert.Len(t, p.sent(deviceGrant, "device_code"), 2)
	})
}
