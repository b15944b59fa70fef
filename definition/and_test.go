package definition_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each credential of an account that renews has a record of its own in the store.
func TestCredentialsOfAnAccountDoNotShareARecord(t *testing.T) {
	d := parse(t, hostile(`"methods": [{"name": "m", "type": "OAuth2", "tokenUrl": "https://a.example.com/token", "grant": {"clientCredentials": {}}, "and": [
		{"type": "Session", "login": [{"method": "POST", "url": "https://a.example.com/login", "form": {"key": "{x}"}, "capture": {"token": "session"}}], "places": [{"name": "X-Session"}]}]}]`))
	network := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		body := strings.Join([]string{req.Header.Get("Authorization"), req.Header.Get("X-Session")}, " ")
		switch req.URL.Path {
		case "/token":
			body = `{"access_token": "token", "token_type": "Bearer", "expires_in": 3600}`
		case "/login":
			body = `{"session": "session"}`
		}
		resp := fakehttp.Respond(200, body)
		resp.Header.Set("Content-Type", "application/json")
		return resp, nil
	})}
	store := &tokenstore.Memory{}
	for range 2 {
		c, err := d.Connect(definition.Connection{Values: values{"x": "k"}, Client: definition.Client{ID: "program", Secret: "secret"}, HTTPClient: network, Store: store, Account: "ada"})
		require.NoError(t, err)
		resp, err := connectorauth.NewClient(c.Connector(), network).Get("https://api.example.com/")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "Bearer token session", string(body))
	}
}
