package scrub_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse(t testing.TB, raw string) *url.URL {
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

// redirected returns what is left of a Location after a request to original that
// was sent to sent.
func redirected(t testing.TB, original, sent, location string) (string, error) {
	h := http.Header{"Location": {location}}
	err := scrub.Redirect(h, parse(t, original), parse(t, sent))
	return h.Get("Location"), err
}

func TestRedirect(t *testing.T) {
	const original = "https://api.example/v1?page=2"
	for name, test := range map[string]struct{ key, location, want string }{
		"nothing repeated":                {"s3cret-key", "/next?page=2#top", "/next?page=2#top"},
		"by the same name":                {"s3cret-key", "/next?api_key=s3cret-key&page=2", "/next?page=2"},
		"alone":                           {"s3cret-key", "/next?api_key=s3cret-key", "/next"},
		"by another name":                 {"s3cret-key", "/next?a=1&k=s3cret-key&b=2#f", "/next?a=1&b=2#f"},
		"a value that contains a word":    {"demo", "/next?file=%2Fdemos%2Freport.csv&X-Amz-Signature=abc", "/next?file=%2Fdemos%2Freport.csv&X-Amz-Signature=abc"},
		"a path that contains a word":     {"demo", "/demo/next?a=1", "/demo/next?a=1"},
		"a short value by its name":       {"demo", "/next?api_key=demo&a=1", "/next?a=1"},
		"three bytes by the name":         {"abc", "/next?api_key=abc&b=abc", "/next?b=abc"},
		"encoded":                         {"s+cr/t&key", "/next?k=s%2Bcr%2Ft%26key&a=1", "/next?a=1"},
		"encoded twice":                   {"s+cr/t&key", "/next?k=s%252Bcr%252Ft%2526key&a=1", "/next?a=1"},
		"in a nested URL":                 {"s3cret-key", "/login?next=https%3A%2F%2Fapi.example%2Fv1%3Fapi_key%3Ds3cret-key%26page%3D2&a=1", "/login?a=1"},
		"in a nested URL, not encoded":    {"s3cret-key", "/login?next=/v1?api_key=s3cret-key&a=1", "/login?a=1"},
		"a nested URL with a longer name": {"s3cret-key", "/login?next=%3Fxapi_key%3Ds3cret-key1", "/login?next=%3Fxapi_key%3Ds3cret-key1"},
		"after a semicolon":               {"s3cret-key", "/next?a=1;api_key=s3cret-key;b=2", "/next?a=1;b=2"},
		"beside a broken escape":          {"s3cret-key", "/next?x=%zz&api_key=s3cret-key", "/next?x=%zz"},
		"in the fragment":                 {"s3cret-key", "/next?a=1#api_key=s3cret-key", "/next?a=1"},
		"as the user name":                {"s3cret-key", "https://s3cret-key@api.example/next?a=1", "https://api.example/next?a=1"},
		"in a password":                   {"s3cret-key", "https://u:s3cret-key@api.example/next", "https://api.example/next"},
		"another user name":               {"s3cret-key", "https://bob@api.example/next", "https://bob@api.example/next"},
		"an empty query":                  {"s3cret-key", "/next?", "/next?"},
		"a relative query":                {"s3cret-key", "?api_key=s3cret-key&page=3", "?page=3"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := redirected(t, original, original+"&api_key="+url.QueryEscape(test.key), test.location)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestRedirectWithTheCredentialInItsPathIsRefused(t *testing.T) {
	for _, location := range []string{"/v1/s3cret-key", "/v1/s3cret-key/x?a=1", "https://api.example/%733cret-key", "/v1;api_key=s3cret-key"} {
		_, err := redirected(t, "https://api.example/", "https://api.example/?api_key=s3cret-key", location)
		require.ErrorContains(t, err, "not followed", location)
		assert.NotContains(t, err.Error(), "s3cret")
	}
}

func TestRedirectOfOAuth1KeepsWhatIsNoSecret(t *testing.T) {
	params := "oauth_consumer_key=client&oauth_token=token-1&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1700000000&oauth_nonce=nonce-1&oauth_version=1.0&oauth_signature=c2lnbmF0dXJl%3D"
	got, err := redirected(t, "https://api.example/?a=1", "https://api.example/?a=1&"+params,
		"/next?st=1700000000&alg=HMAC-SHA1&user=client&t=token-1&"+params+"&b=2")
	require.NoError(t, err)
	assert.Equal(t, "/next?st=1700000000&alg=HMAC-SHA1&user=client&b=2", got)
}

func TestParametersOfTheCallerStay(t *testing.T) {
	got, err := redirected(t, "https://api.example/?token=mine-mine", "https://api.example/?token=mine-mine&api_key=s3cret-key", "/next?token=mine-mine")
	require.NoError(t, err)
	assert.Equal(t, "/next?token=mine-mine", got)
}

// A secret never comes back, however often it was encoded.
func FuzzRedirect(f *testing.F) {
	for _, location := range []string{"/a?b=c#d", "https://u:p@h/p;x=y?a;b&c=%zz", "//h?#", "?&&;;"} {
		f.Add(location, uint8(0), uint8(2))
	}
	const secret = "Zq7+/=&%;? #x9Kw"
	f.Fuzz(func(t *testing.T, location string, encodings, at uint8) {
		repeated := "api_key=" + url.QueryEscape(secret)
		for range encodings % 4 {
			repeated = url.QueryEscape(repeated)
		}
		if encodings%4 > 0 {
			repeated = "next=" + repeated
		}
		before, after, found := strings.Cut(location, "?")
		if found {
			after = "&" + after
		}
		h := http.Header{"Location": {before + "?" + repeated + after}}
		original := &url.URL{Scheme: "https", Host: "h", Path: "/"}
		sent := *original
		sent.RawQuery = wire.SetPair("", "api_key", secret)
		if scrub.Redirect(h, original, &sent) != nil {
			return
		}
		left := h.Get("Location")
		for range 6 {
			assert.NotContains(t, left, "api_key="+secret)
			decoded, err := url.QueryUnescape(left)
			if err != nil {
				return
			}
			left = decoded
		}
	})
}
