package connectorauth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEventIsLoggedByItsFields(t *testing.T) {
	for _, test := range []struct {
		event connectorauth.Event
		want  string
	}{
		{connectorauth.Event{Kind: connectorauth.EventRenewing}, `{"kind":"renewing"}`},
		{connectorauth.Event{
			Kind: connectorauth.EventRenewFailed, Account: "alice", Err: errors.New("it broke"), Expiry: time.Unix(0, 0).UTC(), Duration: time.Second,
		}, `{"kind":"renewal_failed","account":"alice","error":"it broke","expiry":"1970-01-01T00:00:00Z","duration":1000000000}`},
		{connectorauth.Event{
			Kind: connectorauth.EventRenewed, Service: "acme", Endpoint: "login.acme.example", Cause: "response", Waited: 2, Background: true,
		}, `{"kind":"renewed","service":"acme","endpoint":"login.acme.example","cause":"response","waited":2,"background":true}`},
	} {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("token", "event", test.event)
		var line struct{ Event json.RawMessage }
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		assert.JSONEq(t, test.want, string(line.Event))
	}
}

func TestLoggedEventsShowNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		text, jsonl := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Account: "alice", Observe: func(e connectorauth.Event) {
			text.Info("token", "event", e)
			jsonl.Info("token", "event", e)
		}}, func(int, *http.Request) (int, string) {
			return 503, `{"error":"server_error","error_description":"` + clientSecret + `"}`
		})
		_, err := c.Token(t.Context())
		require.Error(t, err)
		assert.Contains(t, out.String(), "event.kind=renewal_failed event.endpoint=login.example.test event.account=alice event.cause=server_error")
		assert.Empty(t, canary.Found(out.String(), clientSecret))
	})
}

// A TokenSource knows nothing of the responses that its user gets.
func TestTokenIsReturnedAlthoughTheAPIRejectsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}}, func(n int, _ *http.Request) (int, string) {
			return 200, `{"access_token":"a` + string(rune('0'+n)) + `","expires_in":3600}`
		})
		assert.Equal(t, "a1", must(c.Token(t.Context())).AccessToken)
		resp, err := c.Wrap(&fakehttp.Base{Answer: fakehttp.Statuses(401)}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.NoError(t, err)
		require.Error(t, connectorauth.RenewalError(resp))
		assert.Equal(t, "a2", must(c.Token(t.Context())).AccessToken, "renewed once")
		assert.Equal(t, "a2", must(c.TokenSource(t.Context()).Token()).AccessToken, "and rejected again")
	})
}
