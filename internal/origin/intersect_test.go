package origin_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parsed returns the Set of a list of hosts.
func parsed(t *testing.T, hosts ...string) origin.Set {
	t.Helper()
	set, err := origin.Parse(hosts)
	require.NoError(t, err)
	return set
}

// Each set decides, whichever comes first.
func TestEachSetOfAnIntersectionMustAllowARequest(t *testing.T) {
	narrow, wide, any := parsed(t, "a.example.com"), parsed(t, "*.example.com"), origin.Set{}
	for _, sets := range [][]origin.Set{{narrow, wide}, {wide, narrow}, {narrow, wide, any}, {any, wide, narrow}, {wide, any, narrow}} {
		set := origin.Intersect(sets...)
		for _, nested := range []origin.Set{set, origin.Intersect(set, wide), origin.Intersect(wide, set)} {
			reach, err := nested.Check(chain(t, "https://a.example.com/"))
			require.NoError(t, err)
			assert.Equal(t, origin.Inside, reach)
			for _, foreign := range []string{"https://b.example.com/", "https://example.net/", "http://a.example.com/"} {
				reach, err = nested.Check(chain(t, foreign))
				require.Error(t, err, foreign)
				assert.Equal(t, origin.Refused, reach, foreign)
				hop := chain(t, foreign)
				hop.Response = &http.Response{Request: chain(t, "https://a.example.com/")}
				reach, err = nested.Check(hop)
				require.NoError(t, err)
				assert.Equal(t, origin.WithoutCredentials, reach, foreign)
				assert.Error(t, nested.Allows(hop.URL, hop.URL), foreign)
			}
			inside := chain(t, "https://a.example.com/x").URL
			assert.NoError(t, nested.Allows(inside, inside))
		}
	}
}

// Two intersections with one set have nothing of each other, however many sets the one has.
func TestIntersectionsWithOneSetAreApart(t *testing.T) {
	for n := range 12 {
		trunk := origin.Intersect(slices.Repeat([]origin.Set{parsed(t, "*.example.com")}, n+1)...)
		a, b := origin.Intersect(trunk, parsed(t, "a.example.com")), origin.Intersect(trunk, parsed(t, "b.example.com"))
		for host, set := range map[string]origin.Set{"a": a, "b": b} {
			for _, asked := range []string{"a", "b"} {
				reach, _ := set.Check(chain(t, "https://"+asked+".example.com/"))
				assert.Equal(t, asked == host, reach == origin.Inside, "%s of %s, %d sets", asked, host, n)
			}
		}
	}
}

func TestSetsMeetWhereAnOriginMayBeInBoth(t *testing.T) {
	for _, test := range []struct {
		a, b []string
		want bool
	}{
		{nil, []string{"a.com"}, true},
		{[]string{"a.com"}, []string{"b.com", "a.com"}, true},
		{[]string{"a.com"}, []string{"b.com"}, false},
		{[]string{"a.com"}, []string{"http://a.com"}, false},
		{[]string{"*.a.com"}, []string{"x.a.com"}, true},
		{[]string{"*.a.com"}, []string{"*.x.a.com"}, true},
		{[]string{"*.a.com"}, []string{"http://x.a.com"}, false},
		{[]string{"*.a.com"}, []string{"a.com"}, false},
		{[]string{"*.a.com"}, []string{"xa.com"}, false},
	} {
		a, b := parsed(t, test.a...), parsed(t, test.b...)
		assert.Equal(t, test.want, a.Meets(b), "%s and %s", test.a, test.b)
		assert.Equal(t, test.want, b.Meets(a), "%s and %s", test.b, test.a)
	}
}

// A wildcard stands for labels, and for nothing else that a program may write into a URL.
func TestAWildcardStandsForLabels(t *testing.T) {
	set := parsed(t, "*.example.com")
	for host, want := range map[string]origin.Reach{
		"a.example.com": origin.Inside, "a.b.example.com": origin.Inside, "a_b-1.example.com": origin.Inside,
		"example.com": origin.Refused, ".example.com": origin.Refused, "a..example.com": origin.Refused, ".a.example.com": origin.Refused,
		"evil.net/.example.com": origin.Refused, "evil.net#.example.com": origin.Refused, "evil.net?.example.com": origin.Refused,
		"evil.net:443.example.com": origin.Refused, "u@a.example.com": origin.Refused, "evil.net\\.example.com": origin.Refused, "evil.net%2f.example.com": origin.Refused,
	} {
		got, err := set.Check(&http.Request{URL: &url.URL{Scheme: "https", Host: host}})
		assert.Equal(t, want, got, "%q: %v", host, err)
	}
}
