package attack_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

// A response of the API that rejects the token costs one renewal, whatever the challenge
// looks like. Other responses cost none.
func TestNegativeAPIResponses(t *testing.T) {
	refuse := func(status int, challenges ...string) authtest.Fault {
		return authtest.Answer(status, http.Header{"Www-Authenticate": challenges}, "")
	}
	for _, test := range []struct {
		name     string
		fault    authtest.Fault
		times    int // how often; authtest.Always
		status   int // that the caller sees
		sent     int // requests to the API
		renewals int
	}{
		{"client-refresh-token-test", refuse(401, `Bearer error="invalid_token"`), 1, 200, 2, 1},
		{"API: 401 for ever", refuse(401, `Bearer error="invalid_token"`), authtest.Always, 401, 2, 1},
		{"API: 403", refuse(403), authtest.Always, 403, 1, 0},
		{"API: insufficient_scope with status 401", refuse(401, `Bearer error="insufficient_scope"`), authtest.Always, 401, 1, 0},
		{"API: another challenge with status 200", refuse(200, `Key realm="kong"`), authtest.Always, 200, 1, 0},
		{"challenge: none", refuse(401), 1, 200, 2, 1},
		{"challenge: lower case", refuse(401, `bearer ERROR=invalid_token`), 1, 200, 2, 1},
		{"challenge: two in one field", refuse(401, `Basic realm="r", Bearer error="invalid_token"`), 1, 200, 2, 1},
		{"challenge: two fields", refuse(401, `Basic realm="r"`, `Bearer error="invalid_token"`), 1, 200, 2, 1},
		{"challenge: no scheme", refuse(401, `error="invalid_token"`), 1, 200, 2, 1},
		{"challenge: no equals sign", refuse(401, `Bearer error "invalid_token"`), 1, 200, 2, 1},
		{"challenge: an open quote", refuse(401, `Bearer error="invalid_token`), 1, 200, 2, 1},
		{"challenge: a quote within quotes", refuse(401, `Bearer error_description="the \"insufficient_scope\", error=\"insufficient_scope\"", error="invalid_token"`), 1, 200, 2, 1},
		{"challenge: insufficient_scope of another quote", refuse(401, `Bearer realm="error=insufficient_scope"`), 1, 200, 2, 1},
		{"challenge: token68", refuse(401, `Negotiate YII=, Bearer error="invalid_token"`), 1, 200, 2, 1},
		{"challenge: insufficient_scope after token68", refuse(401, `Negotiate YII=, Bearer error="insufficient_scope"`), authtest.Always, 401, 1, 0},
		{"challenge: insufficient_scope in upper-case parameters", refuse(401, `BEARER Error = "insufficient_scope"`), authtest.Always, 401, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, config := negativeCode(t, authtest.Config{})
			c := must(connectorauth.NewOAuth2(config))
			require.NoError(t, negativeConnect(t, p, c))
			p.Inject(p.BearerURL, test.times, test.fault)
			resp, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, test.status, resp.StatusCode)
			assert.Len(t, p.Requests(p.BearerURL), test.sent)
			assert.Equal(t, test.renewals, p.Stats().Issued["refresh_token"])
			assert.Equal(t, test.renewals > 0 && test.status == 401, connectorauth.RenewalError(resp) != nil)
			for _, r := range p.Requests(p.BearerURL) {
				assert.Len(t, r.Header["Authorization"], 1)
				assert.Regexp(t, "^Bearer ", r.Header.Get("Authorization"))
			}
		})
	}
}
