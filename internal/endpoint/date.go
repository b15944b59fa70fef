package endpoint

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The days and the clocks that parseDate reads, once the date is normal. Go reads
// fractions of a second after each clock.
var (
	days   = []string{"2006-1-2", "2006/1/2", "20060102", "2 Jan 2006", "2 January 2006", "2-Jan-2006", "2-Jan-06", "Jan 2 2006", "January 2 2006"}
	clocks = []string{" 15:04:05", " 15:04", " 150405", " 3:04:05 PM", ""}
)

// weekdays are the names of days, by which a date may begin.
var weekdays = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

// parseDate reads a date in the spellings of RFC 3339, ISO 8601, RFC 1123, RFC 850,
// C, Java, JavaScript and .NET. A date without a zone is in UTC. A date that people read in
// different ways, such as 1/2/2030, is not read, and neither is a zone that is a name
// other than UTC, GMT and Z.
func parseDate(s string) (at time.Time, ok bool) {
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, true
	}
	if len(s) == len("20060102150405") && strings.Trim(s, "0123456789") == "" {
		s = s[:8] + " " + s[8:]
	}
	if inner, isNET := strings.CutPrefix(s, "/Date("); isNET {
		inner, _, _ = strings.Cut(inner, ")")
		if sign := strings.LastIndexAny(inner, "+-"); sign > 0 {
			inner = inner[:sign] // the offset of a zone changes nothing
		}
		ms, err := strconv.ParseInt(inner, 10, 52)
		return time.UnixMilli(ms), err == nil
	}
	s, offset := normal(s)
	for _, day := range days {
		for _, clock := range clocks {
			if at, err := time.Parse(day+clock+offset, s); err == nil {
				return at, true
			}
		}
	}
	at, err := time.Parse("Jan 2 15:04:05 2006"+offset, s)
	return at, err == nil
}

// normal returns a date with its parts separated by single spaces, without the day of
// the week and without a zone that means UTC, and the layout of the offset at its
// end: empty if there is none.
func normal(s string) (date, offset string) {
	s = strings.ToUpper(s)
	s, _, _ = strings.Cut(s, "(") // the name of the zone, as JavaScript writes
	s = strings.NewReplacer("GMT", "", "UTC", "", ", ", " ").Replace(s)
	s = strings.TrimSuffix(strings.TrimSpace(s), "Z")
	parts := strings.Fields(s)
	if len(parts) > 0 && len(parts[0]) >= 3 && slices.Contains(weekdays, parts[0][:3]) {
		parts = parts[1:]
	}
	s = strings.Join(parts, " ")
	for i := 1; i < len(s)-1; i++ {
		if s[i] == 'T' && isDigit(s[i-1]) && isDigit(s[i+1]) {
			s = s[:i] + " " + s[i+1:]
			break
		}
	}
	sign := strings.LastIndexAny(s, "+-")
	if sign < 0 || !strings.Contains(strings.TrimRight(s[:sign], " "), " ") { // an offset comes after a clock
		return s, ""
	}
	zone := strings.ReplaceAll(s[sign:], ":", "")
	if len(zone) == len("-07") {
		zone += "00"
	}
	return strings.TrimRight(s[:sign], " ") + zone, "-0700"
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
