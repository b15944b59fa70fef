package inject_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

func TestNewPlaceIsChecked(t *testing.T) {
	for _, test := range []struct {
		in         dialect.Location
		name, want string
	}{
		{"", "", `Name: "" is not a header name`},
		{dialect.InHeader, "X Key", `Name: "X Key" is not a header name`},
		{dialect.InHeader, "X-Key:", "is not a header name"},
		{dialect.InHeader, "X-Kéy", "is not a header name"},
		{dialect.InHeader, "cookie", "Name: set In to InCookie for a cookie"},
		{dialect.InHeader, "content-length", "Name: the header Content-Length belongs to HTTP itself"},
		{"", "HOST", "Name: the header Host belongs to HTTP itself"},
		{dialect.InQuery, "", "Name: a query parameter needs a name"},
		{dialect.InQuery, "a\n", "Name: a query parameter needs a name"},
		{dialect.InCookie, "", `Name: "" is not a cookie name`},
		{dialect.InCookie, "a b", `Name: "a b" is not a cookie name`},
		{dialect.InBody, "a", "In: the value cannot go into the body"},
		{"Header", "X-Key", `In: unknown location "Header"`},
	} {
		place, err := inject.NewPlace(test.in, test.name)
		assert.ErrorContains(t, err, test.want)
		assert.Zero(t, place)
	}
}

func TestPlaceIsDescribed(t *testing.T) {
	for _, test := range []struct {
		in           dialect.Location
		name         string
		wantIn       dialect.Location
		want, header string
	}{
		{"", "x-api-key", dialect.InHeader, "X-Api-Key", "X-Api-Key"},
		{dialect.InHeader, "Authorization", dialect.InHeader, "Authorization", "Authorization"},
		{dialect.InQuery, "the key[]", dialect.InQuery, "the key[]", ""},
		{dialect.InCookie, "__Host-sid", dialect.InCookie, "__Host-sid", ""},
	} {
		place := newPlace(t, test.in, test.name)
		assert.Equal(t, test.wantIn, place.In())
		assert.Equal(t, test.want, place.Name())
		assert.Equal(t, test.header, place.Header())
	}
}

func TestSpellingsThatNetHTTPDoubles(t *testing.T) {
	for _, name := range []string{"user-agent", "accept-Encoding"} {
		assert.ErrorContains(t, inject.CheckSpelling("", name), "Exact: net/http adds a header")
		assert.NoError(t, inject.CheckSpelling("", http.CanonicalHeaderKey(name)))
		assert.NoError(t, inject.CheckSpelling(dialect.InQuery, name))
	}
	assert.NoError(t, inject.CheckSpelling(dialect.InHeader, "apiKey"))
}

func newPlace(t testing.TB, in dialect.Location, name string) inject.Place {
	t.Helper()
	place, err := inject.NewPlace(in, name)
	require.NoError(t, err)
	return place
}

func TestPlaceChecksValues(t *testing.T) {
	header, query, cookie := newPlace(t, "", "X-Key"), newPlace(t, dialect.InQuery, "k"), newPlace(t, dialect.InCookie, "k")
	for _, place := range []inject.Place{header, query, cookie} {
		assert.NoError(t, place.Check("abc+/="))
		assert.ErrorContains(t, place.Check(""), "is empty")
		for _, value := range []string{"SECRET\n", "\x00SECRET", "SEC\tRET", "SECRET\x7f"} {
			err := place.Check(value)
			require.ErrorContains(t, err, "has a control character")
			assert.NotContains(t, err.Error(), "SEC")
		}
	}
	for _, value := range []string{" a", "a ", "a\u00a0"} {
		assert.ErrorContains(t, header.Check(value), "begins or ends with a space")
		assert.NoError(t, query.Check(value))
		assert.ErrorContains(t, cookie.Check(value), "has a character that no cookie can carry")
	}
	assert.NoError(t, header.Check("a b; é"))
	assert.Error(t, cookie.Check("a;b"))
}

func TestPlacePutsTheValueOnce(t *testing.T) {
	for _, test := range []struct {
		in         dialect.Location
		name       string
		wantURL    string
		wantHeader http.Header
	}{
		{"", "x-key", "https://h/p?k=old&a=%zz", http.Header{"X-Key": {"v&+"}, "Cookie": {"k=old; c=1"}}},
		{dialect.InQuery, "k", "https://h/p?a=%zz&k=v%26%2B", http.Header{"X-Key": {"old"}, "Cookie": {"k=old; c=1"}}},
		{dialect.InCookie, "k", "https://h/p?k=old&a=%zz", http.Header{"X-Key": {"old"}, "Cookie": {"c=1; k=v&+"}}},
	} {
		original := &url.URL{Scheme: "https", Host: "h", Path: "/p", RawQuery: "k=old&a=%zz"}
		req := &http.Request{URL: original, Header: http.Header{"X-Key": {"old"}, "Cookie": {"k=old; c=1"}}}
		shared := maps.Clone(req.Header)
		place := newPlace(t, test.in, test.name)
		place.Put(req, place.Encode("v&+"), inject.Room{})
		assert.Equal(t, test.wantURL, req.URL.String())
		assert.Equal(t, test.wantHeader, req.Header)
		assert.Equal(t, "k=old&a=%zz", original.RawQuery, "other requests share the URL")
		assert.Equal(t, http.Header{"X-Key": {"old"}, "Cookie": {"k=old; c=1"}}, shared)
	}
}

// A header costs nothing beyond the copy of the request, which has room for the header and
// for the URL. A query costs a string, and so does a cookie beside other cookies.
func TestPlacesAllocateOnlyTheirResults(t *testing.T) {
	room := inject.Room{Value: new([1]string), URL: new(url.URL)}
	u := &url.URL{Scheme: "https", Host: "h", RawQuery: "page=2&sort=created"}
	cookies := []string{"theme=dark; lang=de"}
	req := &http.Request{URL: u, Header: http.Header{"Cookie": cookies}}
	for in, most := range map[dialect.Location]float64{dialect.InHeader: 0, dialect.InQuery: 1, dialect.InCookie: 1} {
		place := newPlace(t, in, "api_key")
		value := place.Encode("SECRET")
		assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			req.URL, req.Header["Cookie"] = u, cookies
			place.Put(req, value, room)
		}), most, in)
	}
}

func TestForbiddenHeaders(t *testing.T) {
	for _, name := range []string{"Connection", "Content-Length", "Content-Type", "Host", "Keep-Alive", "Proxy-Authorization",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		assert.True(t, inject.IsForbiddenHeader(name), name)
		assert.Error(t, inject.CheckHeaderName(name))
	}
	for _, name := range []string{"Authorization", "X-Api-Key", "Accept"} {
		assert.False(t, inject.IsForbiddenHeader(name), name)
		assert.NoError(t, inject.CheckHeaderName(name))
	}
}
