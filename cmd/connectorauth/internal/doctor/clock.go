package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How far a clock may be off. Signatures of OAuth1, assertions and certificates bear a minute
// or more.
const (
	clockFine  = 5 * time.Second
	clockFault = time.Minute
)

// A sample is what a response says of the clock: the service's clock is ahead of this
// machine's by least at least, and by most at most.
type sample struct {
	host        string
	least, most time.Duration
}

// off returns how far the clocks are apart for certain. Positive means: the service is
// ahead.
func (s sample) off() time.Duration {
	switch {
	case s.least > 0:
		return s.least
	case s.most < 0:
		return s.most
	}
	return 0
}

// sampled reads the Date of a response (RFC 9110 section 6.6.1). The response was made after
// the request was sent and before the response arrived, so the time on the way counts for
// neither. Date has whole seconds. A cache has kept the response for Age (RFC 9111 section 5.1).
func sampled(e exchange) (s sample, ok bool) {
	date, err := http.ParseTime(e.header.Get("Date"))
	if e.status == 0 || err != nil {
		return s, false
	}
	if age, err := strconv.Atoi(strings.TrimSpace(e.header.Get("Age"))); err == nil && age > 0 {
		date = date.Add(time.Duration(min(age, 1<<30)) * time.Second)
	}
	s.host = e.req.URL.Host
	s.least, s.most = date.Sub(e.received.Round(0)), date.Add(time.Second).Sub(e.sent.Round(0))
	return s, true
}

// clock compares this machine's clock with the clocks of the services.
func (x *examination) clock(context.Context) bool {
	var samples []sample
	for _, v := range x.visits {
		if s, ok := sampled(v.exchange); ok {
			samples = append(samples, s)
		}
	}
	s := Step{Name: "clock", Outcome: Skipped, Detail: "no response has a Date"}
	if len(samples) > 0 {
		nearest, farthest := samples[0], samples[0]
		for _, sample := range samples[1:] {
			if sample.off().Abs() < nearest.off().Abs() {
				nearest = sample
			}
			if sample.off().Abs() > farthest.off().Abs() {
				farthest = sample
			}
		}
		s.Outcome, s.Detail = OK, "agrees with "+nearest.host
		if off := nearest.off(); off.Abs() > clockFine {
			s.Outcome, s.Cause = Warning, CauseClock
			if off.Abs() > clockFault {
				s.Outcome = Fault
			}
			s.Detail = "this machine's clock is " + skew(off) + ", as " + nearest.host + " says"
			s.advice = "Set the clock of this machine, which is " + skew(off)
		} else if off := farthest.off(); off.Abs() > clockFault {
			s.Outcome, s.Cause = Warning, CauseTheirClock
			s.Detail += fmt.Sprintf(", and the clock of %s is off by %s", farthest.host, off.Abs().Round(time.Second))
			s.advice = "Tell whoever runs " + farthest.host + " that the clock there is wrong, because other services agree with this machine"
		}
	}
	x.step(s)
	return true
}

// skew says how a clock is off by d.
func skew(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Second).String() + " ahead"
	}
	return d.Round(time.Second).String() + " behind"
}
