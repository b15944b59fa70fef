package clock_test

import (
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/clock"
)

func TestClockLearnsFromRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		for _, test := range []struct {
			name   string
			off    int64
			sent   int64
			blamed bool
			want   int64
		}{
			{"ahead", 3600, 0, false, 3600},
			{"behind", -3600, 0, true, -3600},
			{"just less than a day", 86400, 0, false, 86400},
			{"more than a day", 86401, 0, true, 7},
			{"more than a day behind", -86401, 0, true, 7},
			{"the tolerance", 60, 0, false, 7},
			{"beyond the tolerance", 61, 0, false, 61},
			{"beyond the tolerance behind", -61, 0, false, -61},
			{"a small difference that is to blame", 2, 0, true, 2},
			{"no difference although to blame", 1, 0, true, 7},
			{"the clock was corrected too far", 0, 3600, false, 0},
			{"the correction was right", 3600, 3590, false, 7},
			{"the first time there is", math.MinInt64 - now, 0, true, 7},
			{"the last time there is", math.MaxInt64 - now, 0, true, 7},
		} {
			var c clock.Clock
			c.Correct(now+7, 0, true)
			assert.EqualValues(t, 7, c.Ahead())
			c.Correct(now+test.off, test.sent, test.blamed)
			assert.Equal(t, test.want, c.Ahead(), test.name)
		}
	})
}

func TestClockGivesUpACorrectionThatDidNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Clock
		assert.Zero(t, c.Ahead())
		c.Correct(time.Now().Unix()+100, 0, true)
		c.Reset(99) // of a request that was signed before
		assert.EqualValues(t, 100, c.Ahead())
		c.Reset(100)
		assert.Zero(t, c.Ahead())
	})
}

func TestClockIsSafeForConcurrentUse(t *testing.T) {
	var c clock.Clock
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			c.Correct(time.Now().Unix()+3600, c.Ahead(), false)
			c.Reset(c.Ahead() + 1)
		})
	}
	all.Wait()
	assert.InDelta(t, 3600, c.Ahead(), 2)
}

func TestDateHeader(t *testing.T) {
	seconds, ok := clock.Date(http.Header{"Date": {"Thu, 01 Jan 1970 00:01:40 GMT"}})
	assert.True(t, ok)
	assert.EqualValues(t, 100, seconds)
	for _, h := range []http.Header{nil, {}, {"Date": {""}}, {"Date": {"soon"}}} {
		_, ok = clock.Date(h)
		assert.False(t, ok, h)
	}
}
