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

// negativeGrants obtain a token each, with the fault at the token URL.
var negativeGrants = []struct {
	grant  string
	before int // token requests before that with the fault
	obtain func(t *testing.T, p *authtest.Provider, config connectorauth.OAuth2Config, fault authtest.Fault) (*connectorauth.OAuth2, error)
}{
	{"authorization code", 0, func(t *testing.T, p *authtest.Provider, config connectorauth.OAuth2Config, fault authtest.Fault) (*connectorauth.OAuth2, error) {
		c := must(connectorauth.NewOAuth2(config))
		p.Inject(p.TokenURL, authtest.Always, fault)
		return c, negativeConnect(t, p, c)
	}},
	{"refresh token", 1, func(t *testing.T, p *authtest.Provider, config connectorauth.OAuth2Config, fault authtest.Fault) (*connectorauth.OAuth2, error) {
		c := must(connectorauth.NewOAuth2(config))
		require.NoError(t, negativeConnect(t, p, c))
		p.Inject(p.TokenURL, authtest.Always, fault)
		return c, c.Renew(t.Context())
	}},
	{"client credentials", 0, func(t *testing.T, p *authtest.Provider, config connectorauth.OAuth2Config, fault authtest.Fault) (*connectorauth.OAuth2, error) {
		config.Grant = connectorauth.ClientCredentials{}
		c := must(connectorauth.NewOAuth2(config))
		p.Inject(p.TokenURL, authtest.Always, fault)
		_, err := c.Token(t.Context())
		return c, err
	}},
	{"device code", 0, func(t *testing.T, p *authtest.Provider, config connectorauth.OAuth2Config, fault authtest.Fault) (*connectorauth.OAuth2, error) {
		config.Grant = connectorauth.DeviceCode{DeviceURL: p.DeviceURL}
		c := must(connectorauth.NewOAuth2(config))
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		require.NoError(t, p.AuthorizeDevice(prompt.UserCode))
		time.Sleep(time.Until(prompt.Expires) - time.Second) // the last poll
		p.Inject(p.TokenURL, authtest.Always, fault)
		return c, c.FinishDevice(t.Context(), pending)
	}},
}

// eachGrant runs test in a bubble for each grant.
func eachGrant(t *testing.T, fault authtest.Fault, test func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2, err error)) {
	t.Helper()
	for _, grant := range negativeGrants {
		t.Run(grant.grant, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				config := oauth2Config(p, p.Client(), connectorauth.AuthorizationCode{AuthURL: p.AuthURL})
				config.Shared, config.Scopes = new(connectorauth.Shared), []string{"read"}
				c, err := grant.obtain(t, p, config, fault)
				test(t, p, c, err)
				if err != nil {
					assert.Len(t, p.Requests(p.TokenURL), grant.before+1, "nothing is sent again")
				}
			})
		})
	}
}

// without returns a response without a member.
func without(name string) authtest.Fault {
	return authtest.EditAnswer(func(response map[string]any) { delete(response, name) })
}

// with returns a response with a member.
func with(name string, value any) authtest.Fault {
	return authtest.EditAnswer(func(response map[string]any) { response[name] = value })
}

// json200 is a response of the right type whose body is not.
func json200(body string) authtest.Fault {
	return authtest.Answer(200, http.Header{"Content-Type": {"application/json"}}, body)
}

// No grant takes a token of such a response, and none sends its code or refresh token
// again by itself.
func TestNegativeTokenResponses(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault authtest.Fault
		want  string
	}{
		{"token response: status 404", authtest.Answer(404, nil, ""), "status 404"},
		{"token response: a redirect", authtest.Answer(307, http.Header{"Location": {"https://another.example/token"}}, ""), "redirect"},
		{"token response: torn JSON", json200(`{"`), "not complete JSON"},
		{"token response: null", json200(`null`), "neither a JSON object nor a form"},
		{"token response: a list", json200(`[]`), "neither a JSON object nor a form"},
		{"token response: a page", authtest.Answer(200, http.Header{"Content-Type": {"text/html"}}, "<html>"), "neither a JSON object nor a form"},
		{"token response: no access_token", without("access_token"), "no access_token"},
		{"token response: access_token null", with("access_token", nil), "no access_token"},
		{"token response: access_token an object", with("access_token", map[string]any{"a": "b"}), "no access_token"},
		{"token response: access_token with a line break", with("access_token", "a\r\nX: y"), "access token"},
		{"token response: token_type of another scheme", with("token_type", "mac"), `the token type is "mac", not Bearer`},
		{"token response: token_type N_A", with("token_type", "N_A"), "N_A"},
		{"token response: token_type DPoP without a proof", with("token_type", "DPoP"), `the token type is "DPoP", not Bearer`},
		{"token response: invalid_grant", authtest.Answer(400, nil, `{"error":"invalid_grant"}`), "invalid_grant"},
		{"token response: a challenge with status 400", authtest.Answer(400, http.Header{"Www-Authenticate": {`Key realm="kong"`}}, `{"access_token":"foo","token_type":"bearer"}`), "status 400"},
		{"token response: an error with status 200", json200(`{"error":"invalid_scope"}`), "invalid_scope"},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachGrant(t, test.fault, func(t *testing.T, _ *authtest.Provider, _ *connectorauth.OAuth2, err error) {
				require.Error(t, err)
				requireHarmless(t, err)
				failed := new(connectorauth.TokenError)
				require.ErrorAs(t, err, &failed)
				if failed.Code != "expired_token" { // the last poll of a device may be repeated
					require.ErrorContains(t, err, test.want)
				}
			})
		})
	}
}

// All grants take a token of such a response.
func TestTokenResponsesThatAreOdd(t *testing.T) {
	for _, test := range []struct {
		name    string
		fault   authtest.Fault
		forEver bool // the token is taken until the API rejects it
		missing []string
	}{
		{"token-type-case-insensitivity", with("token_type", "bEARER"), false, nil},
		{"no-scope-in-token-endpoint-response", without("scope"), false, nil},
		{"token-endpoint-response-without-expires_in", without("expires_in"), true, nil},
		{"token response: no token_type", without("token_type"), false, nil},
		{"token response: token_type null", with("token_type", nil), false, nil},
		{"token response: expires_in a date of now", authtest.EditAnswer(func(r map[string]any) { r["expires_in"] = time.Now().UTC().Format(http.TimeFormat) }), true, nil},
		{"token response: expires_in a word", with("expires_in", "soon"), true, nil},
		{"token response: expires_in null", with("expires_in", nil), true, nil},
		{"token response: expires_in negative", with("expires_in", -3600), true, nil},
		{"token response: expires_in a text", with("expires_in", "3600"), false, nil},
		{"token response: expires_in too large", with("expires_in", 1e300), false, nil},
		{"token response: scope null", with("scope", nil), false, nil},
		{"token response: scope empty", with("scope", ""), false, nil},
		{"token response: scope another", with("scope", "write"), false, []string{"read"}},
		{"token response: refresh_token null", with("refresh_token", nil), false, nil},
		{"token response: id_token null", with("id_token", nil), false, nil},
		{"token response: id_token that nobody signed", with("id_token", "eyJhbGciOiJub25lIn0.e30."), false, nil},
		{"token response: a challenge with status 200", authtest.EditHeader(func(_ int, h http.Header) { h.Set("WWW-Authenticate", `Key realm="kong"`) }), false, nil},
		{"token response: another content type", authtest.EditHeader(func(_ int, h http.Header) { h.Set("Content-Type", "text/html") }), false, nil},
		{"token response: no content type", authtest.EditHeader(func(_ int, h http.Header) { h["Content-Type"] = nil }), false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachGrant(t, test.fault, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2, err error) {
				require.NoError(t, err)
				status, err := c.Status(t.Context())
				require.NoError(t, err)
				assert.Equal(t, connectorauth.StateOK, status.State)
				assert.Equal(t, test.forEver, status.Expiry.IsZero())
				assert.Equal(t, test.missing, status.Missing, "no scope means the scope that was asked for")
				resp, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, http.StatusOK, resp.StatusCode)
			})
		})
	}
}
