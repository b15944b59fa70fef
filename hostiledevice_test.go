package connectorauth_test

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a person sees, in a terminal perhaps, is text that a person can read.
func TestDevicePromptCannotTrickATerminal(t *testing.T) {
	for name, body := range map[string]string{
		"a control sequence of eight bits": `"user_code":"A\u009b2J","verification_uri":"https://p.example/d"`,
		"text that is turned around":       `"user_code":"AB\u202eCD","verification_uri":"https://p.example/d"`,
		"invisible text":                   `"user_code":"AB\u200bCD","verification_uri":"https://p.example/d"`,
		"bytes that are no text":           "\"user_code\":\"A\xffB\",\"verification_uri\":\"https://p.example/d\"",
		"no text at all":                   `"user_code":"  ","verification_uri":"https://p.example/d"`,
		"a page with a control sequence":   `"user_code":"AB","verification_uri":"https://p.example/d\u009b2J"`,
		"a page that is turned around":     `"user_code":"AB","verification_uri":"https://p.example/\u202ed"`,
		"a page and a sentence":            `"user_code":"AB","verification_uri":"https://p.example/d and type your password"`,
		"a page without end":               `"user_code":"AB","verification_uri":"https://p.example/` + string(make36k()) + `"`,
	} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, `{"device_code":"c",`+body+`}`))
			prompt, _, err := open().BeginDevice(t.Context())
			require.ErrorContains(t, err, "the response has no", name)
			assert.Zero(t, prompt)
		})
	}
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, `{"device_code":"c","user_code":"ÄÖ 12","verification_uri":"https://p.example/d","verification_uri_complete":"https://p.example/d?c=\u202e"}`))
		prompt, _, err := open().BeginDevice(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "ÄÖ 12", prompt.UserCode)
		assert.Empty(t, prompt.VerificationURIComplete)
	})
}

func make36k() []byte {
	text := make([]byte, 36<<10)
	for i := range text {
		text[i] = 'a'
	}
	return text
}

// A step-up works on a device too: otherwise the same token would come back for ever.
func TestDeviceAsksForMore(t *testing.T) {
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		age := 10 * time.Minute
		asking := open().Asking(connectorauth.Authorization{Prompt: "login", MaxAge: &age, ACRValues: []string{"mfa"}, Scopes: []string{"read", "pay"}})
		prompt, pending, err := asking.BeginDevice(t.Context())
		require.NoError(t, err)
		form := must(url.ParseQuery(string(p.Requests(p.DeviceURL)[0].Body)))
		assert.Equal(t, url.Values{"audience": {"x"}, "scope": {"read pay"}, "prompt": {"login"}, "max_age": {"600"}, "acr_values": {"mfa"}}, form)
		require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
		require.NoError(t, open().FinishDevice(t.Context(), pending), "either connector finishes")
		resp, err := connectorauth.NewClient(open(), p.Client()).Get(p.StepUpURL("mfa", age))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)

		_, _, err = open().Asking(connectorauth.Authorization{Prompt: "a\nb"}).BeginDevice(t.Context())
		require.ErrorContains(t, err, "Authorization: Prompt")
	})
}

// Polls of a slow provider that wants still slower polls are not early either.
func TestSlowestDevicePollIsNotEarly(t *testing.T) {
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, `{"device_code":"c","user_code":"AB","verification_uri":"https://p.example/d","interval":300,"expires_in":1800}`))
		_, pending, err := open().BeginDevice(t.Context())
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		p.Inject(p.TokenURL, authtest.Always, authtest.Answer(400, nil, `{"error":"slow_down"}`))
		for range 3 {
			poll, err := open().PollDevice(t.Context(), pending)
			require.NoError(t, err)
			pending = poll.Pending
			assert.GreaterOrEqual(t, poll.Wait, 5*time.Minute-time.Second)
		}
		assert.Len(t, p.Requests(p.TokenURL), 1)
	})
}

// A device that never reached the provider does not blame the account owner.
func TestExpiredDeviceTellsTheLastFailure(t *testing.T) {
	inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
		_, pending, err := open().BeginDevice(t.Context())
		require.NoError(t, err)
		p.Inject(p.TokenURL, authtest.Always, authtest.Answer(503, nil, ``))
		err = open().FinishDevice(t.Context(), pending)
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "expired_token", failed.Code)
		assert.Contains(t, err.Error(), "status 503")
	})
}

// A lifetime that cannot be read is an event, never silence (I15).
func TestDeviceTellsWhatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		var events []connectorauth.Event
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL},
			HTTPClient: p.Client(), Shared: new(connectorauth.Shared), Observe: func(e connectorauth.Event) { events = append(events, e) },
		}))
		_, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		p.Inject(p.TokenURL, 1, authtest.Answer(200, nil, `{"access_token":"device-token","token_type":"Bearer","expires_in":"soon"}`))
		require.NoError(t, c.FinishDevice(t.Context(), pending))
		require.Len(t, events, 1)
		require.ErrorContains(t, events[0].Err, "expir")
	})
}

// The token of a device is not lost with the store, and the next poll is of no use.
func TestDeviceTokenOutlivesAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		store := &fullStore{}
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL},
			HTTPClient: p.Client(), Shared: new(connectorauth.Shared), Store: store, Account: "alice",
		}))
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
		store.down.Store(true)
		require.ErrorContains(t, c.FinishDevice(t.Context(), pending), "the disk is full")
		_, err = c.Token(t.Context())
		require.NoError(t, err)
		store.down.Store(false)
		time.Sleep(10 * time.Minute)
		_, ok, err := store.Load(t.Context(), "alice")
		require.NoError(t, err)
		assert.True(t, ok)
	})
}

// fullStore fails to save while it is down.
type fullStore struct {
	tokenstore.Memory
	down atomic.Bool
}

func (s *fullStore) Save(ctx context.Context, key string, value []byte) error {
	if s.down.Load() {
		return errors.New("the disk is full")
	}
	return s.Memory.Save(ctx, key, value)
}

func (s *fullStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if s.down.Load() {
		return false, errors.New("the disk is full")
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// Times that cannot be read are those of the standard, and a quoted code is a secret.
func TestDeviceResponseWithOddTimes(t *testing.T) {
	for _, odd := range []string{`""`, `"soon"`, `"NaN"`, `"-Inf"`, `null`, `{}`, `[5]`, `true`, `1e400`, `-1e400`, `"PT5S"`} {
		inDevice(t, func(t *testing.T, p *authtest.Provider, open func() *connectorauth.OAuth2) {
			p.Inject(p.DeviceURL, 1, authtest.Answer(200, nil, `{"device_code":"device-code-1a2b","user_code":"AB","verification_uri":"https://p.example/d","interval":`+odd+`,"expires_in":`+odd+`}`))
			prompt, pending, err := open().BeginDevice(t.Context())
			require.NoError(t, err, odd)
			left := time.Until(prompt.Expires)
			assert.True(t, left >= 10*time.Minute, "%s: %v", odd, left)
			poll, err := open().PollDevice(t.Context(), pending)
			require.NoError(t, err)
			assert.True(t, poll.Wait >= 5*time.Second && poll.Wait <= 5*time.Minute, "%s: %v", odd, poll.Wait)
			time.Sleep(poll.Wait)
			p.Inject(p.TokenURL, 1, authtest.Answer(400, nil, `{"error":"invalid_grant","error_description":"unknown: device-code-1a2b"}`))
			_, err = open().PollDevice(t.Context(), poll.Pending)
			require.ErrorContains(t, err, "invalid_grant")
			assert.NotContains(t, err.Error(), "1a2b")
		})
	}
}
