package oauth1_test

import (
	"fmt"
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// dated is a refusal by a server with a clock that is off by so many seconds.
func dated(off int64) *http.Response {
	date := time.Now().Add(time.Duration(off) * time.Second).UTC().Format(http.TimeFormat)
	return &http.Response{StatusCode: 401, Header: http.Header{"Date": {date}}}
}

// accepting is a refusal that names the timestamps that the server accepts.
func accepting(format string, first, last int64) *http.Response {
	challenge := fmt.Sprintf(`OAuth oauth_problem=timestamp_refused,oauth_acceptable_timestamps=`+format, first, last)
	return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {challenge}}}
}

func TestClockLearnsFromRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		for _, test := range []struct {
			name   string
			resp   *http.Response
			sent   int64
			blamed bool
			want   int64
		}{
			{"Date ahead", dated(3600), 0, false, 3600},
			{"Date behind", dated(-3600), 0, true, -3600},
			{"just less than a day", dated(86400), 0, false, 86400},
			{"more than a day", dated(86401), 0, true, 7},
			{"more than a day behind", dated(-86401), 0, true, 7},
			{"no Date", &http.Response{Header: http.Header{}}, 0, true, 7},
			{"a Date that is none", &http.Response{Header: http.Header{"Date": {"soon"}}}, 0, true, 7},
			{"the tolerance", dated(60), 0, false, 7},
			{"beyond the tolerance", dated(61), 0, false, 61},
			{"beyond the tolerance behind", dated(-61), 0, false, -61},
			{"a small difference that is to blame", dated(2), 0, true, 2},
			{"no difference although to blame", dated(1), 0, true, 7},
			{"the clock was corrected too far", dated(0), 3600, false, 0},
			{"the correction was right", dated(3600), 3590, false, 7},
			{"acceptable range", accepting("%d-%d", now+3300, now+3900), 0, true, 3600},
			{"acceptable range in quotes", accepting(`"%d-%d"`, now-3900, now-3300), 0, true, -3600},
			{"acceptable range and more", accepting("%d-%d&oauth_problem_advice=x", now+100, now+100), 0, true, 100},
			{"acceptable range that is none", accepting("%d/%d", now, now), 0, true, 7},
			{"first timestamp there is", accepting("%d-%d", math.MinInt64, math.MinInt64), 0, true, 7},
			{"last timestamp there is", accepting("%d-%d", math.MaxInt64, math.MaxInt64), 0, true, 7},
			{"widest range there is", accepting("%d-%d", 0, math.MaxInt64), 0, true, 7},
		} {
			var clock oauth1.Clock
			clock.Correct(dated(7), 0, true)
			assert.EqualValues(t, 7, clock.Ahead())
			clock.Correct(test.resp, test.sent, test.blamed)
			assert.Equal(t, test.want, clock.Ahead(), test.name)
		}
	})
}

func TestClockGivesUpACorrectionThatDidNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock oauth1.Clock
		assert.Zero(t, clock.Ahead())
		clock.Correct(dated(100), 0, true)
		clock.Reset(99) // of a request that was signed before
		assert.EqualValues(t, 100, clock.Ahead())
		clock.Reset(100)
		assert.Zero(t, clock.Ahead())
	})
}

func TestClockIsSafeForConcurrentUse(t *testing.T) {
	var clock oauth1.Clock
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			clock.Correct(dated(3600), clock.Ahead(), false)
			clock.Reset(clock.Ahead() + 1)
		})
	}
	all.Wait()
	assert.InDelta(t, 3600, clock.Ahead(), 2)
}
