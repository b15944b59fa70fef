package connectorauth_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
)

// However many headers a request has, a header of the connector's name is replaced in any
// letter case, and the other headers stay.
func TestHeadersAreReplacedAmongAnyNumber(t *testing.T) {
	c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "SECRET"})
	require.NoError(t, err)
	for n := range 20 {
		others := http.Header{}
		for i := range n {
			others[fmt.Sprintf("X-Header-%d", i)] = []string{fmt.Sprint(i), "second"}
		}
		want := maps.Clone(others)
		want["Authorization"] = []string{"SECRET"}
		for _, names := range [][]string{nil, {"Authorization"}, {"authorization"}, {"AUTHORIZATION", "authorizatioN", "Authorization"}} {
			req, err := http.NewRequest("GET", "https://api.example.com/", nil)
			require.NoError(t, err)
			maps.Copy(req.Header, others)
			for _, name := range names {
				req.Header[name] = []string{"old", "older"}
			}
			before := req.Header.Clone()
			resp, err := c.Wrap(fakehttp.RoundTripper(func(out *http.Request) (*http.Response, error) {
				assert.Equal(t, want, out.Header, "%d headers and %q", n, names)
				return wire{}.RoundTrip(out)
			})).RoundTrip(req)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, before, req.Header)
		}
	}
}
