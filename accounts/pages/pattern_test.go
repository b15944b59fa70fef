package pages

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// agrees reports whether a pattern and what is written for browsers take the same value. RE2
// reads the latter too, but for the spelling of characters.
func agrees(t *testing.T, pattern, value string) {
	t.Helper()
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	require.NoError(t, err)
	written, ok := javaScript(parsed)
	if !ok {
		return
	}
	original, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return
	}
	again, err := regexp.Compile("^(?:" + strings.ReplaceAll(written, `\u{`, `\x{`) + ")$")
	require.NoError(t, err, "%s became %s", pattern, written)
	assert.Equal(t, original.MatchString(value), again.MatchString(value), "%q: %s became %s", value, pattern, written)
}

func TestPatternsForBrowsers(t *testing.T) {
	for pattern, want := range map[string]string{
		`ak_[0-9a-f]{32}`: `(?:ak_)(?:(?:[0-9a-f]){32,32})`, `[\w-]+`: `(?:[\u{2d}0-9A-Z_a-z])+`, `(?i)ab`: `[Aa][Bb]`, `\Qa.b\E`: `a[\u{2e}]b`,
		`[[:alpha:]]`: `[A-Za-z]`, `a&&b`: `a[\u{26}][\u{26}]b`, `.`: `[^\n]`,
	} {
		parsed, err := syntax.Parse(pattern, syntax.Perl)
		require.NoError(t, err)
		got, ok := javaScript(parsed)
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	values := []string{"", "a", "ab", "AB", "aB", "a.b", "a&b", "ak_" + strings.Repeat("0", 32), "-", "ſ", "K", "a\nb", "é", "_", "]", "a]b", "0", "ab0"}
	for _, pattern := range []string{`ak_[0-9a-f]{32}`, `[\w-]+`, `(?i)ab`, `(?i)[a-k]+`, `a|b+?`, `\Qa.b\E`, `[^a]*`, `(?s).*`, `.*`, `(a)(b)?`, `a{2,}`, `[\]a]+`, `\bab\b`, `\x{e9}`, `\pL+`, `(?:)`, `[a&&b]+`, `[^\x00-\x{10FFFF}]`, `a(?:b|c)d|e`, `^a$b?`, `b?^a`} {
		for _, value := range values {
			agrees(t, pattern, value)
		}
	}
}

func FuzzPatternsForBrowsers(f *testing.F) {
	f.Add(`ak_[0-9a-f]{3}`, "ak_012")
	f.Add(`(?i)[^\w-]+|\bA(b|c)*?`, "abc")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if parsed, err := syntax.Parse(pattern, syntax.Perl); err != nil || len(pattern) > 100 || parsed == nil {
			return
		}
		agrees(t, pattern, value)
	})
}

// A browser refuses no value that the definition takes.
func TestFormatsForBrowsers(t *testing.T) {
	values := map[definition.Format][]string{
		definition.FormatLabel: {"a", "a-b", "0", "my-company9", strings.Repeat("a", 63)}, definition.FormatHost: {"a.b", "www.example.com", "xn--bcher-kva.example"},
		definition.FormatOrigin: {"https://a.example.com", "https://a.example.com:8443"}, definition.FormatURL: {"https://a.example.com", "https://a.example.com/", "https://a.example.com:8443/mcp/a%20b;c=1"}, definition.FormatUUID: {"123e4567-e89b-12d3-a456-426614174000", "123E4567-e89b-12d3-a456-426614174000"},
		definition.FormatEmail: {"ada@example.com", "a+b@é.example"}, definition.FormatInteger: {"0", "-7", "123456789012345678"}, definition.FormatText: {"anything, really"},
	}
	for format, list := range values {
		d, err := definition.Parse("x.json", []byte(`{"connectorauth": 1, "name": "x", "baseUrl": "https://api.example.com", "inputs": [{"name": "x", "format": "`+string(format)+`"}],
			"params": {"x": "{x}"}, "methods": [{"name": "open", "type": "None"}]}`), definition.Options{})
		require.NoError(t, err)
		pattern := regexp.MustCompile("^(?:" + browserPattern(d.Inputs[0].Limits) + ")$")
		for _, value := range list {
			require.NoError(t, d.Validate("", map[string]connectorauth.Secret{"x": connectorauth.Secret(value)}), value)
			assert.True(t, format == definition.FormatText || pattern.MatchString(value), value)
		}
	}
	both := browserPattern(definition.Limits{Format: definition.FormatLabel, Pattern: "a+"})
	assert.Equal(t, "(?=(?:"+formats[definition.FormatLabel]+")$)(?:(?:a)+)", both)
	assert.Empty(t, browserPattern(definition.Limits{Pattern: "a+", Enum: []definition.Choice{{Value: "a"}}}))
}
