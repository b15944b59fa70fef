package connectorauth_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
)

// A short key stands in the path as surely as a long one.
func TestShortKeyInThePathGoesToNoOtherOrigin(t *testing.T) {
	for _, key := range []string{"k1y2", "abc-1234", "0123456789a"} {
		for _, location := range []string{
			foreign + "/bot" + key + "/start", foreign + "/x/bot" + key, foreign + "/?next=/bot" + key + "/start", foreign + "/?next=%2Fbot" + key + "%2Fstart", foreign + "/#/bot" + key + "/start", foreign + "/a?bot" + key, "https://x:bot" + key + "@other.example.test/",
		} {
			var seen []*http.Request
			client := connectorauth.NewClient(pathKey(t, key, "bot"), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				if seen = append(seen, req); len(seen) > 1 {
					return fakehttp.Respond(200, ""), nil
				}
				resp := fakehttp.Respond(307, "")
				resp.Header.Set("Location", location)
				return resp, nil
			})})
			resp, err := client.Get(home + "/{token}/start")
			if err != nil {
				assert.Zero(t, mentions(err.Error(), key), err)
			} else {
				resp.Body.Close()
			}
			for _, req := range seen[1:] {
				assert.Zero(t, mentions(req.URL.String(), key), "%q: %s", location, req.URL)
				assert.Zero(t, mentions(req.Header.Get("Referer"), key), location)
			}
		}
	}
}
