package inject_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

// putCookie puts the cookie sid=v into h.
func putCookie(t testing.TB, h http.Header) {
	place := newPlace(t, dialect.InCookie, "sid")
	require.NoError(t, place.Put(&http.Request{Header: h}, place.Encode("v"), inject.Room{}))
}

func TestCookie(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  string
	}{
		{nil, "sid=v"},
		{[]string{""}, "sid=v"},
		{[]string{"a=1"}, "a=1; sid=v"},
		{[]string{"sid=old"}, "sid=v"},
		{[]string{"sid"}, "sid=v"},
		{[]string{"sid=old; a=1"}, "a=1; sid=v"},
		{[]string{"a=1; sid=old; b=2;sid=older ;c"}, "a=1; b=2;c; sid=v"},
		{[]string{"a=1;  b=\"x y\",=%; SID=2; sids=3"}, "a=1;  b=\"x y\",=%; SID=2; sids=3; sid=v"},
		{[]string{"a=1", "sid=old", " b=2; sid=3"}, "a=1; b=2; sid=v"},
		{[]string{"sid=1", "sid=2"}, "sid=v"},
		{[]string{" ; sid=1;b ; ", "\t", ";"}, ";b ;; ;; sid=v"},
		{[]string{strings.Repeat("a=1; ", 200) + "sid=1; b"}, strings.Repeat("a=1; ", 200) + "b; sid=v"},
	} {
		h := http.Header{"Accept": {"*/*"}}
		if test.lines != nil {
			h["Cookie"] = test.lines
		}
		putCookie(t, h)
		assert.Equal(t, http.Header{"Accept": {"*/*"}, "Cookie": {test.want}}, h, "of %q", test.lines)
	}
}

func TestCookieReplacesOddlyCasedHeaders(t *testing.T) {
	h := http.Header{"Cookie": {"a=1"}, "cookie": {"sid=old; b=2"}, "COOKIE": {"sid=old"}}
	putCookie(t, h)
	assert.Equal(t, http.Header{"Cookie": {"a=1; b=2; sid=v"}}, h)
}

func TestCookieLeavesSharedSlicesAlone(t *testing.T) {
	lines := make([]string, 2, 10)
	lines[0], lines[1] = "a=1; sid=old", "b=2"
	h := http.Header{"Cookie": lines}
	putCookie(t, maps.Clone(h))
	assert.Equal(t, http.Header{"Cookie": {"a=1; sid=old", "b=2"}}, h)
	assert.Empty(t, lines[:3][2], "nothing is written behind the slice either")
}

func FuzzCookie(f *testing.F) {
	for _, line := range []string{"", "theme=dark; lang=de", "sid=old; _ga=GA1.2.1234; sid = older", `a="x;sid=1"; b`, ";;sid;"} {
		f.Add(line)
	}
	cookies := func(line string) (others []string, values []string) {
		for cookie := range strings.SplitSeq(line, ";") {
			cookie = strings.Trim(cookie, " \t")
			if name, value, _ := strings.Cut(cookie, "="); strings.Trim(name, " \t") == "sid" {
				values = append(values, value)
			} else if cookie != "" {
				others = append(others, cookie)
			}
		}
		return others, values
	}
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Cookie": {line}}
		putCookie(t, h)
		require.Len(t, h["Cookie"], 1)
		before, _ := cookies(line)
		after, values := cookies(h["Cookie"][0])
		assert.Equal(t, []string{"v"}, values)
		assert.True(t, slices.Equal(before, after), "%q became %q", before, after)

		again := maps.Clone(h)
		putCookie(t, again)
		assert.Equal(t, h, again)
	})
}
