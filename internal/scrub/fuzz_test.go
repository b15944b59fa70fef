package scrub_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/stretchr/testify/require"
)

// spellings are the ways in which a server may write a value.
var spellings = []func(string) string{
	func(s string) string { return s },
	url.QueryEscape,
	url.PathEscape,
	everyByte,
	func(s string) string { return url.QueryEscape(url.PathEscape(s)) },
	func(s string) string { return everyByte(everyByte(url.QueryEscape(s))) },
}

// FuzzRedirect: whatever surrounds a credential, its name and value do not come
// out of a redirect, in no spelling. Locations without the credential stay.
func FuzzRedirect(f *testing.F) {
	for _, location := range []string{
		"/v2?a=1&KV&b=2#f", "https://u:p@h/?u=https%3A%2F%2Fh%2F%3FKV#KV", "?a;KV;b", "#/KV", "?%zzKV%", "KV", "//KV@h", "?a={\"u\":\"?KV\"}", "?xKVx", "?&&KV&",
	} {
		for n := range spellings {
			f.Add("0123456789abcdef", location, uint(n))
			f.Add("ab&c=d#e?f;g+h/%", location, uint(n))
			f.Add("a b%2Bc+d%20\"\x00\xff/", location, uint(n))
		}
	}
	f.Fuzz(func(t *testing.T, value, around string, n uint) {
		if len(value) < 16 {
			return
		}
		const name = "api_key"
		original, sent := parse(t, "https://h/v1?page=2"), parse(t, "https://h/v1?page=2&"+name+"="+url.QueryEscape(value))
		spell := spellings[n%uint(len(spellings))]
		for _, pair := range []string{name + "=" + spell(value), spell(name) + "=" + spell(value), spell(name + "=" + value)} {
			location := strings.ReplaceAll(around, "KV", pair)
			h := http.Header{"Location": {location}}
			if err := scrub.Redirect(h, original, sent); err != nil {
				require.Equal(t, location, h.Get("Location"))
				require.NotContains(t, err.Error(), value)
				continue
			}
			kept := h.Get("Location")
			for range 5 {
				require.NotContains(t, kept, name+"="+value, "of %q", location)
				decoded, err := url.QueryUnescape(kept)
				if err != nil {
					if decoded, err = url.PathUnescape(kept); err != nil {
						break
					}
				}
				kept = decoded
			}
			if !strings.Contains(around, "KV") && !strings.ContainsAny(around, "%+") && !strings.Contains(around, value) && !strings.Contains(around, name) {
				require.Equal(t, location, h.Get("Location"))
			}
		}
	})
}

func isNoLetter(r rune) bool { return r < '0' || r > 'z' || '9' < r && r < 'A' || 'Z' < r && r < 'a' }

// FuzzText: no secret, no control character, not too long.
func FuzzText(f *testing.F) {
	f.Add("words of a provider with abcd and abcdef", "abcd", "abcdef", 20)
	f.Add("\x00\xff\u202e", "[red", "acted]", 3)
	f.Fuzz(func(t *testing.T, text, a, b string, limit int) {
		if limit < 0 || len(a) < 4 || strings.Contains(scrub.Redacted, a) || strings.ContainsFunc(a, isNoLetter) {
			return
		}
		got := scrub.Text(text, limit, a, b)
		require.LessOrEqual(t, len(got), limit+3)
		require.False(t, strings.ContainsAny(got, "\r\n\x00\x1b\x7f"))
		if b == "" {
			require.NotContains(t, got, a)
		}
	})
}
