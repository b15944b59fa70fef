package replay_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTokenRequests sends token requests (RFC 6749 section 4.4.2) with one mistake each.
func TestTokenRequests(t *testing.T) {
	const good = "grant_type=client_credentials&client_id=" + replay.ClientID + "&client_secret=" + replay.ClientSecret
	for name, c := range map[string]struct {
		body   string
		change func(r *http.Request)
		want   []string
	}{
		"as the sources say": {},
		"another grant":      {body: strings.Replace(good, "client_credentials", "password", 1), want: []string{"token: want grant_type=client_credentials"}},
		"another secret":     {body: good + "x", want: []string{"token: want client_secret=" + replay.ClientSecret}},
		"one parameter more": {body: good + "&more=1", want: []string{`token: has parameters that the sources do not know: ["more"]`}},
		"a query":            {change: func(r *http.Request) { r.URL.RawQuery = "more=1" }, want: []string{`token URL: has parameters that the sources do not know: ["more"]`}},
		"Basic too":          {change: func(r *http.Request) { r.SetBasicAuth(replay.ClientID, replay.ClientSecret) }, want: []string{"token: want no header Authorization"}},
		"a bearer token too": {change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, want: []string{"token: want no header Authorization"}},
	} {
		server := replay.New(&facts.Source{Methods: map[string]facts.Method{"oauth": {
			Type: "OAuth2", Grant: "client_credentials", Token: &facts.Fact{Value: "https://id.example.com/token"}, Client: &facts.Fact{Value: "body"},
		}}}, "oauth", nil)
		body := c.body
		if body == "" {
			body = good
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://id.example.com/token", strings.NewReader(body))
		require.NoError(t, err, name)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.change != nil {
			c.change(r)
		}
		resp, err := (&http.Client{Transport: server}).Do(r)
		require.NoError(t, err, name)
		require.NoError(t, resp.Body.Close(), name)
		assert.Equal(t, c.want, server.Complaints(), name)
	}
}
