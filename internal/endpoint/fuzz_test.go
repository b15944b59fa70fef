package endpoint_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/require"
)

// FuzzToken feeds the reader of responses: it must not panic, its errors quote
// no secret and no control character, and what it returns is bounded.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":3600}`, `access_token=a&expires_in=3600`, `{"error":{"code":1}}`,
		`error=invalid_grant&error_description=%0d%0a`, "\xef\xbb\xbf{}", `{"access_token":["a",["b"]],"scope":[1,2]}`, `[`, `{"a":`, "", "null",
		`{"expires_in":1e999,"access_token":1}`, `{"error_description":"s3cret-s3cret","error":"s3cret"}`,
	} {
		f.Add(200, seed, "1")
		f.Add(400, seed, "Fri, 31 Dec 1999 23:59:59 GMT")
	}
	f.Fuzz(func(t *testing.T, status int, body, retry string) {
		if status < 200 || status > 599 {
			return
		}
		token, err := ask(t, reply{status: status, body: body, header: http.Header{"Retry-After": {retry}}}, request{clientID: "client", clientSecret: "s3cret"})
		if err == nil {
			require.NotEmpty(t, token.AccessToken)
			checkExpiry(t, token.Expiry)
			checkExpiry(t, token.RefreshExpiry)
			return
		}
		require.GreaterOrEqual(t, err.RetryAfter, time.Duration(0))
		checkWords(t, err)
	})
}

// checkWords checks what a failure quotes of a response.
func checkWords(t *testing.T, err *endpoint.Failure) {
	t.Helper()
	for _, said := range []string{err.Code, err.Description} {
		require.NotContains(t, said, "s3cret")
		require.True(t, utf8.ValidString(said))
		require.LessOrEqual(t, len(said), 203)
		require.False(t, strings.ContainsFunc(said, unicode.IsControl), "%q", said)
	}
}

// checkExpiry checks that an expiry is absent, or in the future and representable.
func checkExpiry(t *testing.T, at time.Time) {
	t.Helper()
	if at.IsZero() {
		return
	}
	require.False(t, at.Before(issued))
	require.LessOrEqual(t, at.Sub(issued), endpoint.MaxLifetime)
	_, err := at.MarshalJSON()
	require.NoError(t, err)
}

// FuzzEnds: whatever a provider writes is an end, no end, or an error.
func FuzzEnds(f *testing.F) {
	for _, written := range []string{
		"2030-01-02T15:04:05+0000", "2030-01-02 15:04:05.1234567", "Wed, 02 Jan 2030 15:04:05 GMT", "1h30m", "P1DT2H", "01:00:00", "1893596645000",
		"Wed Jan 02 2030 15:04:05 GMT+0000 (UTC)", "20300102150405", "3.6e3", "-1", "NaN", "Inf", "1e999", "9999-12-31T23:59:59Z", "+-", "PT", "T1",
	} {
		for _, format := range []string{"", "unix", "milliseconds", "rfc3339"} {
			f.Add(written, format)
		}
	}
	f.Fuzz(func(t *testing.T, written, format string) {
		at, err := endpoint.Ends(written, dialect.ExpiryFormat(format), issued)
		if err != nil {
			require.Zero(t, at)
			require.NotEmpty(t, strings.TrimSpace(written))
			return
		}
		checkExpiry(t, at)
		if at.After(issued) && at.Sub(issued) < endpoint.MaxLifetime { // what was read is read again
			again, err := endpoint.Ends(at.Format(time.RFC3339Nano), dialect.ExpiryRFC3339, issued)
			require.NoError(t, err)
			require.True(t, at.Equal(again), "%v, %v", at, again)
		}
	})
}

func FuzzTokenByPath(f *testing.F) {
	for _, body := range []string{
		`{"data":{"token":"a","refresh":"r","exp":1e400,"code":0}}`, `[[[[`, `data.token=a&data.code=b`, "\xef\xbb\xbf{}",
		`{"data":[{"token":"a"}],"exp":"9999-12-31T23:59:59Z"}`, `{"access_token":"a","expires_in":9e99}`,
	} {
		f.Add(200, body, "data.token", "data.exp", "")
		f.Add(400, body, "data.0.token", "exp", "rfc3339")
		f.Add(200, body, "data.0.token", "exp", "rfc3339")
		f.Add(200, body, "", "", "unix")
		f.Add(200, body, "", "", "milliseconds")
	}
	f.Fuzz(func(t *testing.T, status int, body, path, expiry, format string) {
		by := paths{AccessToken: path, RefreshToken: "data.refresh", Expiry: expiry, Error: "data.code", ExpiryFormat: dialect.ExpiryFormat(format)}
		token, err := ask(t, reply{status: status, body: body}, request{paths: []paths{by, {}}, clientSecret: "s3cret"})
		if err != nil {
			require.Empty(t, token.AccessToken)
			checkWords(t, err)
			return
		}
		require.NotEmpty(t, token.AccessToken)
		checkExpiry(t, token.Expiry)
		_, merr := json.Marshal(token.Extra)
		require.NoError(t, merr)
	})
}
