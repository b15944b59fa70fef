package connectorauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRedirectThatEchoesTheQueryKeyLosesIt(t *testing.T) {
	n := fakehttp.NewInternet(t)
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "api_key"}))
	encoded := url.QueryEscape(secretKey)
	tests := []struct{ name, location, want string }{
		{"foreign host", foreign + "/end?api_key=" + encoded + "&page=2", foreign + "/end?page=2"},
		{"nothing else", foreign + "/end?api_key=" + encoded, foreign + "/end"},
		{"percent-encoded name", foreign + "/end?a=1&api%5Fkey=" + encoded, foreign + "/end?a=1"},
		{"with a fragment", foreign + "/end?api_key=" + encoded + "#part", foreign + "/end#part"},
		{"relative", "/end?b=%zz;c&api_key=" + encoded, home + "/end?b=%zz;c"},
		{"twice", foreign + "/end?api_key=" + encoded + "&api_key=" + encoded + "&x", foreign + "/end?x"},
		{"without it", foreign + "/end?x=%20y#api_key", foreign + "/end?x=%20y#api_key"},
	}
	for _, test := range tests {
		for _, status := range redirectStatuses {
			t.Run(fmt.Sprintf("%s/%d", test.name, status), func(t *testing.T) {
				n.Redirect(status, home+"/start", test.location)
				n.Routes[foreign+"/end"] = nil
				resp := visit(t, n, key, home+"/start")

				assert.Equal(t, test.want, resp.Request.URL.String())
				assert.NotContains(t, resp.Request.URL.String(), encoded)
				for _, hop := range n.Seen[foreign] {
					assert.Empty(t, canary.Found(hop.String(), secretKey), "%v", hop)
				}
				if strings.HasPrefix(test.want, home) {
					require.Len(t, n.Seen[home], 2)
					assert.Equal(t, []string{secretKey}, n.Seen[home][1].URL.Query()["api_key"], "sent once on its own origin")
					assert.NotContains(t, n.Seen[home][1].Referer(), "api_key")
				}
			})
		}
	}
}

func TestRedirectThatRepeatsTheKeyElsewhereLosesThat(t *testing.T) {
	n := fakehttp.NewInternet(t)
	for _, s := range subjects(tokenEndpoint()) {
		if s.name != "query key" && s.name != "Custom" {
			continue // nothing in their URLs
		}
		t.Run(s.name, func(t *testing.T) {
			for _, nested := range []func(string) string{
				url.QueryEscape,
				func(u string) string { return url.QueryEscape(url.QueryEscape(u)) },
				func(u string) string { return strings.ReplaceAll(url.QueryEscape(u), "%2F", "%2f") },
			} {
				n.Redirect(302, home+"/start", foreign+"/login")
				n.Routes[home+"/start"] = func(w http.ResponseWriter, r *http.Request) { // as to a login page
					w.Header().Set("Location", foreign+"/login?a=%zz&next="+nested(home+r.URL.String())+"&b=1#part")
					w.WriteHeader(http.StatusFound)
				}
				resp := visit(t, n, s.connector, home+"/start?page=2")
				require.Len(t, n.Seen[foreign], 1)
				assert.Empty(t, canary.Found(n.Seen[foreign][0].String(), s.traces...), "%v", n.Seen[foreign][0])
				assert.Empty(t, canary.Found(resp.Request.URL.String(), s.traces...))
				assert.Contains(t, resp.Request.URL.String(), "/login?a=%zz&")
				assert.Contains(t, resp.Request.URL.String(), "b=1#part")
			}
		})
	}
}

func TestRefererHasNoInjectedQueryKey(t *testing.T) {
	n := fakehttp.NewInternet(t)
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "api_key"}))
	n.Redirect(302, home+"/start", foreign+"/end")
	visit(t, n, key, home+"/start?page=1")

	require.Len(t, n.Seen[foreign], 1)
	assert.Equal(t, home+"/start?page=1", n.Seen[foreign][0].Referer())
}

func TestEchoedKeyIsTakenOutBesideAMalformedEscape(t *testing.T) {
	const key = "abc/def+ghi="
	for _, query := range []string{"q=100%25", "q=100%"} {
		var foreign string
		base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "api.example.com" {
				resp := fakehttp.Respond(302, "")
				resp.Header.Set("Location", "https://login.example/?next="+url.QueryEscape(req.URL.String()))
				return resp, nil
			}
			foreign = req.URL.String()
			return fakehttp.Respond(200, ""), nil
		})
		c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InQuery, Name: "key"}))
		get(t, c, &http.Client{Transport: base}, "https://api.example.com/x?"+query)
		assert.NotContains(t, foreign, "abc", query)
		assert.NotEmpty(t, foreign)
	}
}
