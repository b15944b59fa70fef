//go:build !race

package connectorauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// A request costs the copy of the request and of its header map, which are three
// allocations, and the response of wire. A key in the query or in a cookie costs a string
// as well. A key in the body costs the new body, its Close, and GetBody.
func TestKeysAllocateOnlyTheirPlaces(t *testing.T) {
	for _, test := range []struct {
		in   dialect.Location
		want float64
	}{
		{dialect.InHeader, 4},
		{dialect.InQuery, 5},
		{dialect.InCookie, 5},
		{dialect.InBody, 7},
	} {
		c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "0123456789abcdef", In: test.in, Name: "api_key"})
		require.NoError(t, err)
		rt, req := c.Wrap(wire{}), formRequest(t)
		req.Header.Set("Cookie", "theme=dark; lang=de")
		assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			if _, err := rt.RoundTrip(req); err != nil {
				t.Error(err)
			}
		}), test.want, test.in)
	}
}

// A hook costs a copy of the values of the header, which the hook may change, beyond what
// a key in the header costs.
func TestHooksAllocateOnlyCopies(t *testing.T) {
	c, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "SECRET"})
	require.NoError(t, err)
	calls := 0
	count := func(*connectorauth.Exchange) error { calls++; return nil }
	rt, req := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeRequest: count, AfterResponse: count}).Wrap(wire{}), formRequest(t)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := rt.RoundTrip(req); err != nil {
			t.Error(err)
		}
	}), 5.0)
	assert.Equal(t, 2*101, calls)
}

// formRequest returns a request with a query and a form, which can be sent again and again.
func formRequest(t testing.TB) *http.Request {
	const form = "file=vacation.jpg&size=original"
	req, err := http.NewRequest("POST", "https://api.example.com/v1/photos?page=2", nil)
	require.NoError(t, err)
	req.Body, req.ContentLength = rewound{strings.NewReader(form)}, int64(len(form))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}
