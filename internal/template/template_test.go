package template_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTemplates(t *testing.T) {
	values := map[string]string{"user": "Ada", "password": "l/o", "empty": "", "default": ""}
	for text, want := range map[string]string{
		"":                                  "",
		"plain":                             "plain",
		"{user}":                            "Ada",
		"{{{user}}}":                        "{Ada}",
		"Basic {base64({user}:{password})}": "Basic QWRhOmwvbw==",
		"{url({password})}":                 "l%2Fo",
		"{lower({url({password})})}":        "l%2fo",
		"a)b":                               "a)b",
		"{default(user, nobody)}":           "Ada",
		"{default(empty, a, b)}":            "a, b",
		"{default(absent,{user}-{{x)}":      "Ada-{x",
		"{default(empty, )}":                "",
		"{default(absent, {default(empty, {lower({user})})})}": "ada",
		"{base64({default(empty, a)})}":                        "YQ==",
		"{default}{user}":                                      "Ada",
	} {
		parsed, err := template.Parse(text)
		require.NoError(t, err, text)
		filled, err := (&template.Filler{Values: values}).Fill(parsed, nil)
		require.NoError(t, err, text)
		assert.Equal(t, want, filled, text)
	}
	for _, text := range []string{"{", "}", "{}", "{user", "{us er}", "{rot13({user})}", "{base64({user}", "{default(user)}", "{default({user}, a)}", "{default(, a)}", "{default(user, a}", "{default(us er, a)}", "{default(", "\xff", strings.Repeat("{lower(", 9) + strings.Repeat(")}", 9)} {
		_, err := template.Parse(text)
		assert.Error(t, err, text)
	}
	alternative, err := template.Parse("{default(a, {b})}")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, alternative.Names())
	missing, err := template.Parse("{nobody}")
	require.NoError(t, err)
	_, err = (&template.Filler{Values: values}).Fill(missing, nil)
	assert.ErrorContains(t, err, "{nobody}")
}

// A server may decode a slash in a segment before the server follows the dots.
func TestDotsBetweenSlashesOfAValue(t *testing.T) {
	for text, wrong := range map[string][]string{
		"/{v}": {"../../admin", "a/..", `..\admin`, "a/./b"}, "/a{v}": {"b/..", "/../b"}, "/a?b={v}": {},
	} {
		parsed, err := template.ParseURL("https://api.example.test" + text)
		require.NoError(t, err)
		for _, value := range wrong {
			_, err = parsed.Fill(&template.Filler{Values: map[string]string{"v": value}})
			assert.Error(t, err, "%s with %s", text, value)
		}
		for _, value := range []string{"a/b", "a..b/c", "...", "x", ".x"} {
			_, err = parsed.Fill(&template.Filler{Values: map[string]string{"v": value}})
			assert.NoError(t, err, "%s with %s", text, value)
		}
	}
	parsed, err := template.ParseURL("https://api.example.test/%2e{v}")
	require.NoError(t, err)
	_, err = parsed.Fill(&template.Filler{Values: map[string]string{"v": "."}})
	assert.Error(t, err)
}

// A template that repeats a long value costs no more memory than any other.
func TestTextsThatAreTooLong(t *testing.T) {
	long := strings.Repeat("a", 64<<10)
	for _, text := range []string{strings.Repeat("{v}", 10_000), strings.Repeat("{default(v, )}", 10_000), strings.Repeat("{base64({base64({v})})}", 1000), "{lower(" + strings.Repeat("{v}", 10_000) + ")}"} {
		parsed, err := template.Parse(text)
		require.NoError(t, err)
		_, err = (&template.Filler{Values: map[string]string{"v": long}}).Fill(parsed, nil)
		assert.ErrorContains(t, err, "too long", text[:10])
	}
	parsed, err := template.ParseURL("https://api.example.test/" + strings.Repeat("{v}", 10_000))
	require.NoError(t, err)
	f := &template.Filler{Values: map[string]string{"v": long}}
	_, err = parsed.Fill(f)
	assert.ErrorContains(t, err, "too long")
	small, err := template.Parse("{v}")
	require.NoError(t, err)
	_, err = f.Fill(small, nil) // the limit is for all templates of a Filler together
	assert.ErrorContains(t, err, "too long")
}

// FuzzURL: whatever the template and the value, the URL keeps its origin and the number
// of its segments.
func FuzzURL(f *testing.F) {
	f.Add("/{v}/a?b={v}", "x")
	f.Add("/a{v}", "../b")
	f.Add("/a?{v}={v}", "&c#d")
	f.Add("/{default(v, a/../b)}", "")
	f.Fuzz(func(t *testing.T, rest, value string) {
		parsed, err := template.ParseURL("https://api.example.test" + rest)
		if err != nil {
			return
		}
		filled, err := parsed.Fill(&template.Filler{Values: map[string]string{"v": value}})
		if err != nil {
			return
		}
		u, err := url.Parse(filled)
		require.NoError(t, err)
		require.Equal(t, parsed.Shape.Scheme+"://"+parsed.Shape.Host, u.Scheme+"://"+u.Host)
		require.Nil(t, u.User)
		require.Empty(t, u.Fragment)
		require.Equal(t, strings.Count(parsed.Shape.EscapedPath(), "/"), strings.Count(u.EscapedPath(), "/"))
	})
}
