package endpoint_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// never is the end of the longest life.
var never = issued.Add(endpoint.MaxLifetime)

func TestLifetimesAsProvidersWriteThem(t *testing.T) {
	for written, want := range map[string]time.Duration{
		`3600`: time.Hour, `"3600"`: time.Hour, `3600.0`: time.Hour, `3.6e3`: time.Hour, `"3.6E+3"`: time.Hour,
		`"3600.5"`: time.Hour + time.Second/2, `" 3600 "`: time.Hour, `[3600]`: time.Hour, `1`: time.Second,
		`"3600s"`: time.Hour, `"1h"`: time.Hour, `"1h0m0s"`: time.Hour, `"60 minutes"`: time.Hour, `"1 Hour"`: time.Hour, `"7d"`: 7 * 24 * time.Hour,
		`"1 day, 2 hours"`: 26 * time.Hour, `"2w"`: 14 * 24 * time.Hour, `"3600000ms"`: time.Hour, `"1.5h"`: 90 * time.Minute,
		`"PT1H"`: time.Hour, `"PT3600S"`: time.Hour, `"P1DT2H30M"`: 26*time.Hour + 30*time.Minute, `"p30d"`: 30 * 24 * time.Hour, `"PT1M"`: time.Minute,
		`"01:00:00"`: time.Hour, `"1:00:00.5"`: time.Hour + time.Second/2, `"177:05:38"`: 177*time.Hour + 5*time.Minute + 38*time.Second, // Tableau
		`"240:00:00"`: 240 * time.Hour, `"99999999999999999999999:00:00"`: endpoint.MaxLifetime,
		`9223372036854775807`: endpoint.MaxLifetime, `1e300`: endpoint.MaxLifetime, `1e400`: endpoint.MaxLifetime, `"99999999999999999999999"`: endpoint.MaxLifetime,
		`"Inf"`: endpoint.MaxLifetime, `"99999999999999999999999 days"`: endpoint.MaxLifetime,
	} {
		token, err := ask(t, reply{body: `{"access_token":"a","refresh_token":"r","expires_in":` + written + `,"refresh_expires_in":` + written + `}`}, request{})
		require.Nil(t, err, written)
		assert.Equal(t, issued.Add(want), token.Expiry, written)
		assert.Equal(t, issued.Add(want), token.RefreshExpiry, written)
		assert.NoError(t, token.Unread, written)
		assert.Equal(t, "r", token.RefreshToken, "whatever the lifetime is, the tokens are not lost")
	}
}

// A provider that names no end has said so in one of these ways.
func TestExpiriesThatAreNone(t *testing.T) {
	for _, written := range []string{`""`, `" "`, `0`, `"0"`, `"0s"`, `"00:00:00"`, `-1`, `"-1"`, `-1e400`, `"-Inf"`, `null`, `"0001-01-01T00:00:00Z"`, `"0001-01-01T00:00:00"`} {
		for _, format := range []dialect.ExpiryFormat{"", dialect.ExpirySeconds, dialect.ExpiryMilliseconds, dialect.ExpiryUnix, dialect.ExpiryRFC3339} {
			token, err := ask(t, reply{body: `{"access_token":"a","expires_in":` + written + `}`}, request{paths: []paths{{ExpiryFormat: format}}})
			require.Nil(t, err, written)
			assert.Zero(t, token.Expiry, written)
			assert.NoError(t, token.Unread, "%s %s", written, format)
		}
	}
	token, err := ask(t, reply{body: `{"access_token":"a"}`}, request{})
	require.Nil(t, err)
	assert.Zero(t, token.Expiry)
	assert.NoError(t, token.Unread)
}

func TestExpiriesOfNoUseAreTold(t *testing.T) {
	for _, written := range []string{
		`"soon"`, `"NaN"`, `true`, `false`, `{}`, `{"$date":1}`, `[]`, `[""]`, `"3,600"`, `"3600 fortnights"`, `"P1M"`, `"P1Y"`, `"P"`, `"PT"`, `"1h-30m"`, `"h"`, `"1.2.3h"`, `".h"`, `"25:60:00"`, `"1:00"`, `"-1:00:00"`, `":00:00"`, `"1.00:00:00"`,
		`"1/2/2030"`, `"02.01.2030"`, `"2030-13-02T15:04:05Z"`, `"2030-02-30"`, `"2030-01-02T15:04:05 EST"`, `"Wed Jan 02 15:04:05 CET 2030"`, `"2030-01-02T15:04:05+2"`,
		`"` + strings.Repeat("1s", 51) + `"`, `"2030-01-02T15:04:05 Etc/GMT+5"`, `"2030-01-02T15:04:05+99:00"`, `"T"`, `"+"`, `"2030-01-02T"`, `"/Date(x)/"`,
		`"2001-01-01T00:00:00Z"`, `"2029-01-02T15:04:05Z"`, // when the token was issued
	} {
		for _, format := range []dialect.ExpiryFormat{"", dialect.ExpiryMilliseconds, dialect.ExpiryUnix, dialect.ExpiryRFC3339} {
			for _, name := range []string{"expires_in", "refresh_token_expires_in"} {
				token, err := ask(t, reply{body: `{"access_token":"a","` + name + `":` + written + `}`}, request{paths: []paths{{ExpiryFormat: format}}})
				require.Nil(t, err, written)
				assert.Zero(t, token.Expiry, written)
				assert.Zero(t, token.RefreshExpiry, written)
				assert.Error(t, token.Unread, "%s %s", written, format)
			}
		}
	}
	for _, written := range []string{`1`, `1700000000`, `"1700000000000"`} {
		token, err := ask(t, reply{body: `{"access_token":"a","expires_in":` + written + `}`}, request{paths: []paths{{ExpiryFormat: dialect.ExpiryUnix}}})
		require.Nil(t, err, written)
		assert.Zero(t, token.Expiry, written)
		assert.ErrorContains(t, token.Unread, "has passed", written)
	}
}

// The spellings of 2030-01-02 15:04:05 UTC, wherever a date stands.
func TestDatesAsProvidersWriteThem(t *testing.T) {
	at := time.Date(2030, 1, 2, 15, 4, 5, 0, time.UTC)
	dates := map[string]time.Time{
		"9999-12-31T23:59:59Z": never, "2030-01-02": at.Truncate(24 * time.Hour), "2030-01-02T15:04Z": at.Truncate(time.Minute),
		"2030-01-02T15:04:05.1234567Z": at.Add(123456700), "2030-01-02T15:04:05,5": at.Add(time.Second / 2), "2030-01-02 15:04:05.123456789123+00:00": at.Add(123456789),
	}
	for _, date := range []string{
		"2030-01-02T15:04:05Z", "2030-01-02T15:04:05z", "2030-01-02t15:04:05Z", "2030-01-02T15:04:05+0000", "2030-01-02T15:04:05+00", "2030-01-02T15:04:05-00:00",
		"2030-01-02T17:04:05+02:00", "2030-01-02T17:04:05+0200", "2030-01-02T17:04:05+02", "2030-01-02T07:34:05-0730", "2030-01-02 17:04:05 +0200",
		"2030-01-02T15:04:05", "2030-01-02 15:04:05", "  2030-01-02  15:04:05\t", "2030-1-2 15:04:05", "2030/01/02 15:04:05", "2030-01-02 15:04:05 UTC", "2030-01-02 15:04:05 GMT",
		"2030-01-02 15:04:05 +0000 UTC", "2030-01-02T15:04:05.000", "2030-01-02T15:04:05.0000000", "20300102T150405Z", "20300102T150405", "20300102T170405+0200", "20300102 15:04:05", "20300102150405",
		"Wed, 02 Jan 2030 15:04:05 GMT", "Wed, 2 Jan 2030 15:04:05 GMT", "Wed, 02 Jan 2030 15:04:05 +0000", "Wed, 02 Jan 2030 10:04:05 -0500", "02 Jan 2030 15:04:05 GMT",
		"Wednesday, 02-Jan-30 15:04:05 GMT", "Wed, 02-Jan-2030 15:04:05 GMT", "wed, 02 jan 2030 15:04:05 gmt", "2 January 2030 15:04:05",
		"Wed Jan  2 15:04:05 2030", "Wed Jan 02 15:04:05 UTC 2030", "Wed Jan 02 2030 15:04:05 GMT+0000 (Coordinated Universal Time)", "Wed Jan 02 2030 17:04:05 GMT+0200 (CEST)",
		"Jan 2, 2030 3:04:05 PM", "Jan 2, 2030, 3:04:05\u202fPM", "January 2, 2030 15:04:05",
	} {
		dates[date] = at
	}
	for date, want := range dates {
		for _, format := range []dialect.ExpiryFormat{dialect.ExpiryRFC3339, dialect.ExpiryUnix, dialect.ExpirySeconds, dialect.ExpiryMilliseconds} {
			if strings.Trim(date, "0123456789") == "" && format != dialect.ExpiryRFC3339 && format != dialect.ExpiryUnix {
				continue // a number
			}
			got, err := endpoint.Ends(date, format, issued)
			require.NoError(t, err, date)
			assert.Equal(t, want, got, date)
		}
	}
}

// A number where a date is expected counts from 1970.
func TestPointsInTime(t *testing.T) {
	soon := issued.Add(time.Hour)
	for written, want := range map[string]time.Time{
		fmt.Sprint(soon.Unix()):                            soon,
		fmt.Sprintf(`"%d"`, soon.Unix()):                   soon,
		fmt.Sprintf(`"%d"`, soon.UnixMilli()):              soon,
		fmt.Sprint(soon.UnixMilli()):                       soon,
		fmt.Sprintf("%d.5", soon.Unix()):                   soon.Add(time.Second / 2),
		fmt.Sprintf("%e", float64(soon.Unix())):            soon.Truncate(1000 * time.Second), // %e has six digits
		fmt.Sprintf(`"%.9E"`, float64(soon.Unix())):        soon,
		fmt.Sprintf(`"/Date(%d)/"`, soon.UnixMilli()):      soon,
		fmt.Sprintf(`"/Date(%d+0200)/"`, soon.UnixMilli()): soon,
		fmt.Sprintf(`"/Date(%d-0700)/"`, soon.UnixMilli()): soon,
		fmt.Sprint(soon.UnixMicro()):                       soon,
		fmt.Sprint(soon.UnixNano()):                        soon,
		"253402300799":                                     never, // the end of the year 9999
		"253402300799999":                                  never,
		"1e300":                                            never,
	} {
		for _, format := range []dialect.ExpiryFormat{dialect.ExpiryUnix, dialect.ExpiryRFC3339} {
			var value any
			dec := json.NewDecoder(strings.NewReader(written))
			dec.UseNumber()
			require.NoError(t, dec.Decode(&value))
			got, err := endpoint.Ends(value, format, issued)
			require.NoError(t, err, written)
			assert.WithinDuration(t, want, got, map[bool]time.Duration{true: 1000 * time.Second}[strings.Contains(written, "e+")], written)
		}
	}
}
