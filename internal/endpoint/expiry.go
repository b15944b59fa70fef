package endpoint

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
)

// MaxLifetime keeps a lifetime representable. Real lifetimes are far shorter.
const MaxLifetime = 100 * 365 * 24 * time.Hour

// maxExpiry is the length in bytes of the longest expiry that is read.
const maxExpiry = 100

// errExpiry does not quote what the provider wrote, which may be anything.
var (
	errExpiry = errors.New("is neither a time nor a lifetime")
	errPast   = errors.New("has passed when the token was issued, so a clock is wrong")
)

// Ends returns when the life of a token ends that was issued at a time. value is the
// expiry as encoding/json decoded the response: a lifetime or a point in time, as a
// number or as text. format says what a number without a unit means. No end is the zero
// time: an absent or empty value, a number that is not positive, a lifetime of 0, and the
// zero time itself. An error means that value is of no use.
func Ends(value any, format dialect.ExpiryFormat, issued time.Time) (time.Time, error) {
	s := strings.TrimSpace(text(value))
	if _, isText := value.(string); value == nil || isText && s == "" {
		return time.Time{}, nil
	}
	if len(s) > maxExpiry {
		return time.Time{}, errExpiry
	}
	number, isNumber := parseNumber(s)
	if isNumber && number <= 0 {
		return time.Time{}, nil
	}
	if isNumber && format != dialect.ExpiryUnix && format != dialect.ExpiryRFC3339 {
		if format == dialect.ExpiryMilliseconds {
			number /= 1000
		}
		return issued.Add(seconds(number)), nil
	}
	lifetime, isLifetime := parseLifetime(s)
	at, ok := parseDate(s)
	if !ok && isNumber {
		at, ok = fromEpoch(number), true
	}
	switch {
	case isLifetime && lifetime > 0:
		return issued.Add(lifetime), nil
	case isLifetime:
		return time.Time{}, nil
	case !ok:
		return time.Time{}, errExpiry
	case at.IsZero():
		return time.Time{}, nil
	case !at.After(issued):
		return time.Time{}, errPast
	case at.Sub(issued) > MaxLifetime:
		at = issued.Add(MaxLifetime)
	}
	return at.UTC(), nil
}

// parseNumber reads a number in any spelling of JSON or Go. A number that is too
// large is infinite.
func parseNumber(s string) (number float64, ok bool) {
	number, err := strconv.ParseFloat(s, 64)
	return number, (err == nil || errors.Is(err, strconv.ErrRange)) && !math.IsNaN(number)
}

// seconds returns a lifetime of at most MaxLifetime.
func seconds(number float64) time.Duration {
	return time.Duration(min(number, MaxLifetime.Seconds()) * float64(time.Second))
}

// maxEpoch is the largest number that fromEpoch takes for seconds. In seconds, 3e11
// is after the year 9999, by which some providers mean never; in milliseconds, the
// year 1979.
const maxEpoch = 3e11

// fromEpoch reads seconds, milliseconds, microseconds or nanoseconds since 1970.
func fromEpoch(number float64) time.Time {
	for range 3 {
		if number > maxEpoch {
			number /= 1000
		}
	}
	return time.UnixMilli(int64(min(number, maxEpoch) * 1000))
}

// units are the names of units of time, in lower case, and their lengths in seconds.
// Months differ in length.
var units = []struct {
	names  string
	length float64
}{
	{"ms msec msecs millisecond milliseconds", 0.001},
	{"s sec secs second seconds", 1},
	{"m min mins minute minutes", 60},
	{"h hr hrs hour hours", 60 * 60},
	{"d day days", 24 * 60 * 60},
	{"w week weeks", 7 * 24 * 60 * 60},
}

// parseLifetime reads a lifetime with units: 1h30m, 7 days, PT1H (ISO 8601),
// 01:00:00, 240:00:00.
func parseLifetime(s string) (lifetime time.Duration, ok bool) {
	hours, clock, _ := strings.Cut(s, ":") // Tableau has 177:05:38
	if clock, err := time.Parse("04:05", clock); err == nil && hours != "" && strings.Trim(hours, "0123456789") == "" {
		number, _ := parseNumber(hours)
		return seconds(number*60*60 + clock.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)).Seconds()), true
	}
	s = strings.ToLower(s)
	if iso, ok := strings.CutPrefix(s, "p"); ok {
		days, clock, _ := strings.Cut(iso, "t")
		if strings.Contains(days, "m") { // months
			return 0, false
		}
		s = days + clock
	}
	total := 0.0
	for first := true; first || s != ""; first = false {
		end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 {
			return 0, false
		}
		number, err := strconv.ParseFloat(s[:end], 64)
		s = strings.TrimLeft(s[end:], " ")
		end = strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' })
		if end < 0 {
			end = len(s)
		}
		length := unitLength(s[:end])
		if err != nil || length == 0 {
			return 0, false
		}
		total += number * length
		s = strings.TrimLeft(s[end:], " ,")
	}
	return seconds(total), true
}

// unitLength returns the length of a unit in seconds, and 0 for an unknown unit.
func unitLength(name string) float64 {
	for _, unit := range units {
		if slices.Contains(strings.Fields(unit.names), name) {
			return unit.length
		}
	}
	return 0
}
