package oauth1

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/internal/challenge"
)

const (
	clockTolerance = 60           // seconds; servers accept a difference of some minutes
	maxClockError  = 24 * 60 * 60 // seconds; a server's time further away is not credible
)

// A Clock knows how far the clock of a service is ahead of the clock of this
// machine. A Clock learns the difference from the refusals of the service. The
// zero Clock has no difference. A Clock is safe for concurrent use.
type Clock struct {
	ahead atomic.Int64
}

// Ahead returns by how many seconds the service's clock is ahead of the clock of
// this machine. Timestamps must be the time of this machine plus Ahead.
func (c *Clock) Ahead() int64 { return c.ahead.Load() }

// Correct sets the clock by the time that a refusal shows. sent is the value of
// Ahead with which the refused request was signed. blamed tells that the service
// names the timestamp as the reason for the refusal. Without blamed, a difference
// of up to a minute changes nothing. A time more than a day away from the time of
// this machine never changes anything.
func (c *Clock) Correct(resp *http.Response, sent int64, blamed bool) {
	theirs, ok := serverTime(resp)
	if !ok {
		return
	}
	ahead := theirs - time.Now().Unix()
	if ahead < -maxClockError || ahead > maxClockError {
		return
	}
	if off := max(ahead-sent, sent-ahead); off > clockTolerance || blamed && off > 1 {
		c.ahead.Store(ahead)
	}
}

// Reset gives up a correction that did not help. was is the value of Ahead with
// which the refused request was signed. Reset does nothing if Ahead has another
// value by now.
func (c *Clock) Reset(was int64) { c.ahead.CompareAndSwap(was, 0) }

// serverTime returns the time of the server, in seconds since 1970: the middle
// of oauth_acceptable_timestamps (OAuth Problem Reporting extension), or the Date
// header.
func serverTime(resp *http.Response) (seconds int64, ok bool) {
	from, to, _ := strings.Cut(plainWord(challenge.Param(resp.Header, "oauth_acceptable_timestamps")), "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if err1 == nil && err2 == nil {
		return first + (last-first)/2, true
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	return date.Unix(), err == nil
}
