// Package clock knows how far the clock of a server is ahead of the clock of this
// machine, from the server's refusals.
package clock

import (
	"net/http"
	"sync/atomic"
	"time"
)

const (
	tolerance = 60           // seconds; servers accept a difference of some minutes
	maxError  = 24 * 60 * 60 // seconds; a server's time further away is not credible
)

// A Clock knows how far the clock of a server is ahead of the clock of this
// machine. A Clock learns the difference from the refusals of the server. The
// zero Clock has no difference. A Clock is safe for concurrent use.
type Clock struct {
	ahead atomic.Int64
}

// Ahead returns by how many seconds the server's clock is ahead of the clock of
// this machine. Timestamps must be the time of this machine plus Ahead.
func (c *Clock) Ahead() int64 { return c.ahead.Load() }

// Correct sets the clock by theirs, the server's time in a refusal, in seconds since
// 1970. sent is the value of Ahead with which the refused request was signed. blamed
// tells that the time is the reason for the refusal. Without blamed, a difference of
// up to a minute changes nothing. A time more than a day away from the time of this
// machine never changes anything.
func (c *Clock) Correct(theirs, sent int64, blamed bool) {
	ahead := theirs - time.Now().Unix()
	if ahead < -maxError || ahead > maxError {
		return
	}
	if off := max(ahead-sent, sent-ahead); off > tolerance || blamed && off > 1 {
		c.ahead.Store(ahead)
	}
}

// Reset gives up a correction that did not help. was is the value of Ahead with
// which the refused request was signed. Reset does nothing if Ahead has another
// value by now.
func (c *Clock) Reset(was int64) { c.ahead.CompareAndSwap(was, 0) }

// Date returns the time of a response's Date header, in seconds since 1970. Without
// such a header, ok is false.
func Date(h http.Header) (seconds int64, ok bool) {
	date, err := http.ParseTime(h.Get("Date"))
	return date.Unix(), err == nil
}
