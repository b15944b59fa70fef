package inject_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/inject"
)

func TestQuery(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{"", "api_key=v"},
		{"a=1", "a=1&api_key=v"},
		{"api_key=old", "api_key=v"},
		{"api_key", "api_key=v"},
		{"api_key=old&a=1", "a=1&api_key=v"},
		{"a=1&api_key=old&b=2&api_key=older&c", "a=1&b=2&c&api_key=v"},
		{"api%5Fkey=old&api%5fkey=old", "api_key=v"},
		{"%61pi_key=old", "api_key=v"},
		{"API_KEY=1&api_keys=2&api_ke=3&api+key=4", "API_KEY=1&api_keys=2&api_ke=3&api+key=4&api_key=v"},
		{"a=%zz;b", "a=%zz;b&api_key=v"},
		{"a=%zz;b&api_key=%zz&x=%", "a=%zz;b&x=%&api_key=v"},
		{"%zz=1&%=2&%4=3&api_key%=4&api_key%5=5", "%zz=1&%=2&%4=3&api_key%=4&api_key%5=5&api_key=v"},
		{"a=api_key&b=api_key=1", "a=api_key&b=api_key=1&api_key=v"},
		{"&&a=1&", "&&a=1&&api_key=v"},
		{"&api_key=1&", "&&api_key=v"},
		{"q=caf%C3%A9+au%20lait&q=x&=y", "q=caf%C3%A9+au%20lait&q=x&=y&api_key=v"},
	} {
		assert.Equal(t, test.want, inject.Query(test.raw, "api_key", "v"), "of %q", test.raw)
		assert.Equal(t, strings.TrimSuffix(strings.TrimSuffix(test.want, "api_key=v"), "&"),
			inject.StripQuery(test.raw, "api_key"), "strip %q", test.raw)
	}
}

func TestQueryValueArrives(t *testing.T) {
	for _, value := range []string{"k+1/2=&", "", "a b", "%41", "é#?;", "\x00\xff", "-._~"} {
		raw := inject.Query("a=1", "the key[]", value)
		values, err := url.ParseQuery(raw)
		require.NoError(t, err)
		assert.Equal(t, url.Values{"a": {"1"}, "the key[]": {value}}, values)
		assert.NotContains(t, raw, "+", "a plus sign means a space to some servers and not to others")
	}
	assert.Equal(t, "k=k%2B1%2F2%3D%26%20", inject.Query("", "k", "k+1/2=& "))
}

func TestQueryRemovesSpacedNames(t *testing.T) {
	assert.Equal(t, "a=1&the%20key=v", inject.Query("the+key=1&a=1&the%20key=2", "the key", "v"))
}

func FuzzQuery(f *testing.F) {
	for _, raw := range []string{"", "page=2&per_page=100&sort=-created", "filter[name]=caf%C3%A9&filter%5Bid%5D=1", "a=%zz;b&api%5Fkey=x&&api_key", "q=a+b%20c&api_key=1&api_key=2"} {
		f.Add(raw, "k+1/2=&")
	}
	f.Fuzz(func(t *testing.T, raw, value string) {
		got := inject.Query(raw, "api_key", value)
		assert.Equal(t, got, inject.Query(got, "api_key", value), "a second time changes nothing")

		var kept []string
		for pair := range strings.SplitSeq(raw, "&") {
			name, _, _ := strings.Cut(pair, "=")
			if decoded, err := url.QueryUnescape(name); err != nil || decoded != "api_key" {
				kept = append(kept, pair)
			}
		}
		rest := strings.Join(kept, "&")
		assert.Equal(t, rest, inject.StripQuery(raw, "api_key"))
		added := strings.TrimPrefix(strings.TrimPrefix(got, rest), "&")
		decoded, err := url.QueryUnescape(strings.TrimPrefix(added, "api_key="))
		require.NoError(t, err)
		assert.Equal(t, value, decoded)
	})
}
