package attack_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

// A pushed authorization request without a usable response begins no consent.
func TestNegativePushResponses(t *testing.T) {
	created := func(body string) authtest.Fault {
		return authtest.Answer(201, http.Header{"Content-Type": {"application/json"}}, body)
	}
	for _, test := range []struct {
		name  string
		fault authtest.Fault
		want  string // part of the error; empty: the consent goes on
		code  string
	}{
		{"push: status 404", authtest.Answer(404, nil, ""), "status 404", ""},
		{"push: a redirect", authtest.Answer(307, http.Header{"Location": {"https://another.example/par"}}, ""), "redirect", ""},
		{"push: torn JSON", created(`{"`), "no request_uri", ""},
		{"push: null", created(`null`), "no request_uri", ""},
		{"push: a list", created(`[]`), "no request_uri", ""},
		{"push: no request_uri", without("request_uri"), "no request_uri", ""},
		{"push: request_uri null", with("request_uri", nil), "no request_uri", ""},
		{"push: request_uri a number", with("request_uri", 1), "no request_uri", ""},
		{"push: invalid_client", authtest.Answer(401, nil, `{"error":"invalid_client"}`), "invalid_client", "invalid_client"},
		{"push: expires_in null", with("expires_in", nil), "", ""},
		{"push: no expires_in", without("expires_in"), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, config := negativeCode(t, authtest.Config{RequirePushed: true})
			p.Inject(p.PushedAuthorizationRequestURL, authtest.Always, test.fault)
			c := must(connectorauth.NewOAuth2(config))
			authURL, pending, err := c.Begin(t.Context(), negativeRedirect)
			assert.Len(t, p.Requests(p.PushedAuthorizationRequestURL), 1)
			if test.want == "" {
				require.NoError(t, err)
				callback, err := p.Authorize(authURL)
				require.NoError(t, err)
				require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
				return
			}
			require.ErrorContains(t, err, test.want)
			requireHarmless(t, err)
			failed := new(connectorauth.TokenError)
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, test.code, failed.Code)
			assert.Empty(t, authURL+string(pending), "the request does not go through the browser instead")
		})
	}
}

// inDevice runs test in a bubble, with a device that has not begun.
func inDevice(t *testing.T, test func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		config := oauth2Config(p, p.Client(), connectorauth.DeviceCode{DeviceURL: p.DeviceURL})
		config.Shared = new(connectorauth.Shared)
		test(t, p, must(connectorauth.NewOAuth2(config)))
	})
}

func TestNegativeDeviceResponses(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault authtest.Fault
		want  string // part of the error; empty: the device waits for the account owner
	}{
		{"device: status 404", authtest.Answer(404, nil, ""), "status 404"},
		{"device: a redirect", authtest.Answer(307, http.Header{"Location": {"https://another.example/device"}}, ""), "redirect"},
		{"device: torn JSON", json200(`{"`), "not the JSON"},
		{"device: null", json200(`null`), "no device_code"},
		{"device: a list", json200(`[]`), "not the JSON"},
		{"device: no device_code", without("device_code"), "no device_code"},
		{"device: no user_code", without("user_code"), "no user_code"},
		{"device: no verification_uri", without("verification_uri"), "no verification_uri"},
		{"device: verification_uri a script", with("verification_uri", "javascript:alert(1)"), "no verification_uri"},
		{"device: expires_in a word", with("expires_in", "soon"), ""},
		{"device: no expires_in", without("expires_in"), ""},
		{"device: no verification_uri_complete", without("verification_uri_complete"), ""},
		{"device: verification_uri_complete null", with("verification_uri_complete", nil), ""},
		{"device: no interval", without("interval"), ""},
		{"device: interval null", with("interval", nil), ""},
		{"device: interval 0", with("interval", 0), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inDevice(t, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2) {
				p.Inject(p.DeviceURL, authtest.Always, test.fault)
				prompt, pending, err := c.BeginDevice(t.Context())
				assert.Len(t, p.Requests(p.DeviceURL), 1)
				if test.want != "" {
					require.ErrorContains(t, err, test.want)
					requireHarmless(t, err)
					require.ErrorAs(t, err, new(*connectorauth.TokenError))
					assert.Empty(t, pending)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, 10*time.Minute, time.Until(prompt.Expires))
				require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
				began := time.Now()
				require.NoError(t, c.FinishDevice(t.Context(), pending))
				assert.Equal(t, 5*time.Second, time.Since(began))
				assert.Len(t, p.Requests(p.TokenURL), 1)
			})
		})
	}
}

// What the suite tests with CIBA, polls of a device do too.
func TestNegativeDevicePolls(t *testing.T) {
	refusal := func(code string) authtest.Fault { return authtest.Answer(400, nil, `{"error":"`+code+`"}`) }
	for _, test := range []struct {
		name   string
		faults []authtest.Fault // of the first polls
		took   time.Duration
		code   string // of the error; empty: the account is connected
	}{
		{"slow-down-test", []authtest.Fault{refusal("authorization_pending"), refusal("slow_down"), refusal("authorization_pending")}, 30 * time.Second, ""},
		{"invalid-access-denied-test", []authtest.Fault{refusal("authorization_pending"), refusal("access_denied")}, 10 * time.Second, "access_denied"},
		{"invalid-expired-token-test", []authtest.Fault{refusal("authorization_pending"), refusal("expired_token")}, 10 * time.Second, "expired_token"},
		{"device: invalid_grant", []authtest.Fault{refusal("invalid_grant")}, 5 * time.Second, "invalid_grant"},
		{"device: a page between polls", []authtest.Fault{authtest.Answer(502, nil, "<html>")}, 15 * time.Second, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inDevice(t, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2) {
				prompt, pending, err := c.BeginDevice(t.Context())
				require.NoError(t, err)
				require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
				for _, fault := range test.faults {
					p.Inject(p.TokenURL, 1, fault)
				}
				began := time.Now()
				err = c.FinishDevice(t.Context(), pending)
				assert.Equal(t, test.took, time.Since(began))
				if test.code == "" {
					require.NoError(t, err)
					assert.Len(t, p.Requests(p.TokenURL), len(test.faults)+1)
					return
				}
				failed := new(connectorauth.TokenError)
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, test.code, failed.Code)
				assert.Len(t, p.Requests(p.TokenURL), len(test.faults))
			})
		})
	}
	t.Run("respects-interval-test", func(t *testing.T) {
		inDevice(t, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2) {
			p.Inject(p.DeviceURL, 1, with("interval", 31))
			prompt, pending, err := c.BeginDevice(t.Context())
			require.NoError(t, err)
			require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
			began := time.Now()
			require.NoError(t, c.FinishDevice(t.Context(), pending))
			assert.Equal(t, 31*time.Second, time.Since(began))
		})
	})
}
