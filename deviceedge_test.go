package connectorauth_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the library sets, Params cannot set.
func TestDeviceParamsOfTheLibrary(t *testing.T) {
	for _, name := range []string{"client_id", "client_secret", "scope", "resource"} {
		_, err := connectorauth.NewOAuth2(config2{
			ClientID: "c", TokenURL: "https://p.example/t", Grant: connectorauth.DeviceCode{DeviceURL: "https://p.example/d", Params: url.Values{name: {"x"}}},
		})
		require.ErrorContains(t, err, name+" is set by the library")
	}
}

// A pending value serves the connector that has begun, and no other one.
func TestDevicePendingIsOfOneConnector(t *testing.T) {
	base := config2{
		ClientID: "c", TokenURL: "https://p.example/t", Grant: connectorauth.DeviceCode{DeviceURL: "https://p.example/d"}, Account: "alice",
	}
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		base.HTTPClient = p.Client()
		base.TokenURL, base.Grant, base.ClientID = p.TokenURL, connectorauth.DeviceCode{DeviceURL: p.DeviceURL}, p.ClientID
		base.ClientSecret = connectorauth.Secret(p.ClientSecret)
		_, pending, err := open().BeginDevice(t.Context())
		require.NoError(t, err)
		for name, change := range map[string]func(*config2){
			"the same":   func(*config2) {},
			"client":     func(c *config2) { c.ClientID = "other" },
			"device URL": func(c *config2) { c.Grant = connectorauth.DeviceCode{DeviceURL: p.DeviceURL + "2"} },
			"token URL":  func(c *config2) { c.TokenURL += "2" },
			"account":    func(c *config2) { c.Account = "bob" },
		} {
			config := base
			change(&config)
			_, err := must(connectorauth.NewOAuth2(config)).PollDevice(t.Context(), pending)
			if name == "the same" {
				require.NoError(t, err)
				continue
			}
			require.ErrorContains(t, err, "pending is not a value", name)
		}
		_, err = open().PollDevice(t.Context(), withMembers(t, pending, map[string]any{"device_code": ""}))
		require.ErrorContains(t, err, "pending is not a value")
	})
}

// Asking wins over Params, and a request without scopes has no scope.
func TestDeviceAskingWinsOverParams(t *testing.T) {
	inDevice(t, func(t *testing.T, p *authtest.Provider, _ func() *connectorauth.OAuth2) {
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
			Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL, Params: url.Values{"prompt": {"none"}}},
		}))
		_, _, err := c.Asking(connectorauth.Authorization{Prompt: "login"}).BeginDevice(t.Context())
		require.NoError(t, err)
		sent := p.Requests(p.DeviceURL)
		form := must(url.ParseQuery(string(sent[0].Body)))
		assert.Equal(t, []string{"login"}, form["prompt"])
		assert.False(t, form.Has("scope"))
	})
}

// A response has a lifetime and a pause, or those of the library.
func TestDeviceTimesOfAResponse(t *testing.T) {
	const rest = `{"device_code":"secret-device","user_code":"AB-CD","verification_uri":"https://p.example/d"`
	for members, want := range map[string]struct{ expires, wait time.Duration }{
		`}`:                                     {10 * time.Minute, 5 * time.Second},
		`,"expires_in":0.001,"interval":0.001}`: {time.Second, time.Second},
		`,"expires_in":7200,"interval":86400}`:  {2 * time.Hour, 5 * time.Minute},
	} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, rest+members))
			prompt, pending, err := open().BeginDevice(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want.expires, time.Until(prompt.Expires), members)
			poll, err := open().PollDevice(t.Context(), pending)
			require.NoError(t, err)
			assert.Equal(t, want.wait, poll.Wait, members)
		})
	}
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, `{"device_code":"d","user_code":"A","verification_uri":"ftp://p.example/d"}`))
		_, _, err := open().BeginDevice(t.Context())
		require.ErrorContains(t, err, "no verification_uri")
	})
}

// The end of a code tells the last failure, unless a later poll had a decision to wait for.
func TestDeviceForgetsAFailureThatIsOver(t *testing.T) {
	for _, code := range []string{"authorization_pending", "slow_down"} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			prompt, pending, err := open().BeginDevice(t.Context())
			require.NoError(t, err)
			for _, answer := range []authtest.Fault{authtest.Answer(429, nil, `{"error":"busy"}`), authtest.Answer(400, nil, `{"error":"`+code+`"}`)} {
				time.Sleep(15 * time.Second)
				p.Inject(p.TokenURL, 1, answer)
				poll, err := open().PollDevice(t.Context(), pending)
				require.NoError(t, err)
				pending = poll.Pending
			}
			time.Sleep(time.Until(prompt.Expires))
			before := len(p.Requests(p.TokenURL))
			_, err = open().PollDevice(t.Context(), pending)
			require.ErrorContains(t, err, "took too long")
			assert.Len(t, p.Requests(p.TokenURL), before, "a code serves until the time that it ends, and no longer")
		})
	}
}
