package wire_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// setPair returns pairs with name=value as the only pair called name.
func setPair(pairs, name, value string) string {
	return wire.SetPair(pairs, name, wire.NextPair(name, value))
}

func TestSetPairAndWithout(t *testing.T) {
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
		assert.Equal(t, test.want, setPair(test.raw, "api_key", "v"), "of %q", test.raw)
		rest := strings.TrimSuffix(strings.TrimSuffix(test.want, "api_key=v"), "&")
		assert.Equal(t, rest, wire.Without(test.raw, "api_key"), "without, of %q", test.raw)
		body := []byte(test.raw)
		assert.Equal(t, rest, string(wire.Without(body, "other", "api_key")), "as bytes, of %q", test.raw)
		assert.Equal(t, test.raw, string(body), "the argument stays as it is")
	}
}

func TestSetPairLongerThanTheStackBuffer(t *testing.T) {
	long := strings.Repeat("a=1&", 400)
	assert.Equal(t, long+"b&k=v", setPair(long+"k=old&b", "k", "v"))
}

func TestWithoutSeveralNames(t *testing.T) {
	assert.Equal(t, "c=3", wire.Without("a=1&b=2&c=3&b=4&=5&", "a", "b", ""))
	assert.Equal(t, "a=1", wire.Without("a=1"))
	assert.Equal(t, "a=1&the%20key=v", setPair("the+key=1&a=1&the%20key=2", "the key", "v"), "spaces in names")
	assert.Equal(t, "a", wire.Without("a&%00=1&\x00", "\x00"))
}

func TestPairValueArrives(t *testing.T) {
	for _, value := range []string{"k+1/2=&", "", "a b", "%41", "é#?;", "\x00\xff", "-._~"} {
		raw := setPair("a=1", "the key[]", value)
		values, err := url.ParseQuery(raw)
		require.NoError(t, err)
		assert.Equal(t, url.Values{"a": {"1"}, "the key[]": {value}}, values)
		assert.NotContains(t, raw, "+", "a plus sign means a space to some servers and not to others")
	}
	assert.Equal(t, "k=k%2B1%2F2%3D%26%20", setPair("", "k", "k+1/2=& "))
}

// Requests without a pair to remove are the rule.
func TestWithoutAllocatesOnlyForWhatItRemoves(t *testing.T) {
	query, body := "page=2&q=blue%20mountain&oauth%5Fx=1", []byte("page=2&sort")
	names := []string{"oauth_token", "oauth_nonce"}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if len(wire.Without(query, names...)) != len(query) || len(wire.Without(body, names...)) != len(body) {
			t.Error("something was removed")
		}
	}))
	next := wire.NextPair("k", "v")
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { wire.SetPair(query, "k", next) }), 1.0, "the result")
	assert.Zero(t, testing.AllocsPerRun(100, func() { wire.SetPair("", "k", next) }))
}

func FuzzPairs(f *testing.F) {
	for _, raw := range []string{"", "page=2&per_page=100&sort=-created", "filter[name]=caf%C3%A9&filter%5Bid%5D=1", "a=%zz;b&api%5Fkey=x&&api_key", "q=a+b%20c&api_key=1&api_key=2"} {
		f.Add(raw, "k+1/2=&")
	}
	f.Fuzz(func(t *testing.T, raw, value string) {
		got := setPair(raw, "api_key", value)
		assert.Equal(t, got, setPair(got, "api_key", value), "a second time changes nothing")

		var kept []string
		for pair := range strings.SplitSeq(raw, "&") {
			name, _, _ := strings.Cut(pair, "=")
			if decoded, err := url.QueryUnescape(name); err != nil || decoded != "api_key" {
				kept = append(kept, pair)
			}
		}
		rest := strings.Join(kept, "&")
		assert.Equal(t, rest, wire.Without(raw, "api_key"))
		assert.Equal(t, rest, string(wire.Without([]byte(raw), "api_key")))
		added := strings.TrimPrefix(strings.TrimPrefix(got, rest), "&")
		decoded, err := url.QueryUnescape(strings.TrimPrefix(added, "api_key="))
		require.NoError(t, err)
		assert.Equal(t, value, decoded)
	})
}

func TestAppendEscaped(t *testing.T) {
	for c := range 256 {
		want := fmt.Sprintf("%%%02X", c)
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", byte(c)) >= 0 {
			want = string([]byte{byte(c)})
		}
		once := wire.AppendEscaped([]byte("x"), []byte{byte(c)})
		assert.Equal(t, "x"+want, string(once))
		assert.Equal(t, want == string([]byte{byte(c)}), wire.IsUnreserved(byte(c)))
		twice := wire.AppendEscapedTwice([]byte("x"), byte(c))
		assert.Equal(t, "x"+strings.ReplaceAll(want, "%", "%25"), string(twice))
	}
}

func TestUnhex(t *testing.T) {
	for c := range 256 {
		assert.Equal(t, strings.IndexByte("0123456789abcdef", bytes.ToLower([]byte{byte(c)})[0]), wire.Unhex(byte(c)), "%q", c)
	}
}

// Unescape and url.QueryUnescape agree on all text that both accept.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{"", "a+b", "%41%zz%", "%4", "%%41", "caf%C3%a9", "%2B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var decoded, asBytes []byte
		for i := 0; i < len(s); {
			c, size := wire.Unescape(s[i:])
			fromBytes, _ := wire.Unescape([]byte(s[i:]))
			decoded, asBytes = append(decoded, c), append(asBytes, fromBytes)
			i += size
		}
		assert.Equal(t, decoded, asBytes)
		if want, err := url.QueryUnescape(s); err == nil {
			assert.Equal(t, want, string(decoded))
		}
	})
}

func BenchmarkSetPair(b *testing.B) {
	const raw = "page=2&per_page=100&q=blue%20mountain&sort=created"
	b.Run("pair", func(b *testing.B) {
		b.ReportAllocs()
		next := wire.NextPair("api_key", "k+1/2=&")
		for b.Loop() {
			wire.SetPair(raw, "api_key", next)
		}
	})
	b.Run("values", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v, _ := url.ParseQuery(raw)
			v.Set("api_key", "k+1/2=&")
			_ = v.Encode()
		}
	})
}

func BenchmarkWithout(b *testing.B) {
	names := []string{
		"oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_signature",
		"oauth_timestamp", "oauth_nonce", "oauth_version", "oauth_body_hash",
	}
	form := []byte(strings.Repeat("name%5B%5D=some+value&", 30))
	b.ReportAllocs()
	for b.Loop() {
		wire.Without(form, names...)
	}
}
