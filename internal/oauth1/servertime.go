package oauth1

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/clock"
)

// ServerTime returns the time of the server in a refusal, in seconds since 1970: the
// middle of oauth_acceptable_timestamps (OAuth Problem Reporting extension), or the
// Date header.
func ServerTime(resp *http.Response) (seconds int64, ok bool) {
	from, to, _ := strings.Cut(plainWord(challenge.Param(resp.Header, "oauth_acceptable_timestamps")), "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if err1 == nil && err2 == nil {
		return first + (last-first)/2, true
	}
	return clock.Date(resp.Header)
}
