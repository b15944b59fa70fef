package connectorauth_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withMembers returns pending with other members.
func withMembers(t *testing.T, pending connectorauth.Secret, members map[string]any) connectorauth.Secret {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(pending), &all))
	for name, value := range members {
		require.Contains(t, all, name)
		all[name] = value
	}
	return connectorauth.Secret(must(json.Marshal(all)))
}

func TestDevicePausesAreBounded(t *testing.T) {
	outage := authtest.Answer(503, nil, ``)
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		_, pending, err := open().BeginDevice(t.Context())
		require.NoError(t, err)
		p.Inject(p.TokenURL, authtest.Always, outage)
		for _, want := range []time.Duration{10, 20, 40, 60, 60} {
			time.Sleep(time.Minute)
			poll, err := open().PollDevice(t.Context(), pending)
			require.NoError(t, err)
			assert.Equal(t, want*time.Second, poll.Wait)
			pending = poll.Pending
		}
	})
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		_, begun, err := open().BeginDevice(t.Context())
		require.NoError(t, err)
		time.Sleep(5 * time.Second)
		p.Inject(p.TokenURL, authtest.Always, outage)
		for name, test := range map[string]struct {
			members map[string]any
			wait    time.Duration
		}{
			"a provider that wants longer pauses": {map[string]any{"interval": 2 * time.Minute}, 2 * time.Minute},
			"an interval of no use":               {map[string]any{"interval": -5}, 2 * time.Second},
			"an interval of days":                 {map[string]any{"interval": 100 * time.Hour}, 5 * time.Minute},
			"a clock that is days ahead":          {map[string]any{"next": time.Now().Add(100 * time.Hour)}, 10 * time.Second},
		} {
			poll, err := open().PollDevice(t.Context(), withMembers(t, begun, test.members))
			require.NoError(t, err, name)
			assert.Equal(t, test.wait, poll.Wait, name)
		}
		assert.Len(t, p.Requests(p.TokenURL), 4, "each has asked")
	})
}

func TestDeviceParametersOfTheConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, Resources: []string{"https://api.example.com"}})
		defer p.Close()
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Resources: []string{"https://api.example.com"},
			Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL}, Dialect: dialect.OAuth2{TokenParams: url.Values{"tenant": {"a"}}},
			HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
		}))
		lost := connectorauth.WithHooks(c, connectorauth.Hooks{AfterToken: func(*connectorauth.Exchange) error { return errBroken }}).(*connectorauth.OAuth2)
		prompt, pending, err := lost.BeginDevice(t.Context())
		require.NoError(t, err)
		require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
		require.ErrorIs(t, lost.FinishDevice(t.Context(), pending), errBroken)
		_, err = c.Token(t.Context())
		require.NoError(t, err, "a hook's failure loses no token")
		for place, wants := range map[string][]string{p.DeviceURL: {"https://api.example.com", ""}, p.TokenURL: {"https://api.example.com", "a"}} {
			require.Len(t, p.Requests(place), 1)
			form := must(url.ParseQuery(string(p.Requests(place)[0].Body)))
			assert.Equal(t, wants, []string{form.Get("resource"), form.Get("tenant")}, place)
		}
		poll, err := c.PollDevice(t.Context(), pending)
		require.NoError(t, err)
		assert.True(t, poll.Done, "the connector knows its code without a store")
	})
}

func TestDevicePagesAndCodesOfNoUse(t *testing.T) {
	for _, body := range []string{
		`{"device_code":"d","user_code":"` + strings.Repeat("A", 101) + `","verification_uri":"https://p.example/d"}`,
		`{"device_code":"d","user_code":"A","verification_uri":"https://p.example@evil.example/d"}`,
		`{"device_code":"d","user_code":"A","verification_uri":"https://p.example/\u0085d"}`,
		`{"device_code":"d","user_code":"A","verification_uri":"https:///d"}`,
		`{"device_code":"d","user_code":"A\u009b2J","verification_uri":"https://p.example/d"}`,
	} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, body))
			_, pending, err := open().BeginDevice(t.Context())
			require.Error(t, err, body)
			assert.Empty(t, pending)
		})
	}
}
