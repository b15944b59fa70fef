package oauth1_test

import (
	"math"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

func TestServerTime(t *testing.T) {
	last := strconv.Itoa(math.MaxInt64)
	const date = "Thu, 01 Jan 1970 00:00:07 GMT"
	for _, test := range []struct {
		name, acceptable string
		want             int64
	}{
		{"a range", "100-300", 200},
		{"a range in quotes", `"100-300"`, 200},
		{"a range and more", "100-100&oauth_problem_advice=x", 100},
		{"the last time there is", last + "-" + last, math.MaxInt64},
		{"the widest range there is", "0-" + last, math.MaxInt64 / 2},
		{"no range", "100/300", 7},
		{"nothing", "", 7},
	} {
		h := http.Header{"Www-Authenticate": {"OAuth oauth_problem=timestamp_refused,oauth_acceptable_timestamps=" + test.acceptable}, "Date": {date}}
		seconds, ok := oauth1.ServerTime(&http.Response{Header: h})
		assert.True(t, ok, test.name)
		assert.Equal(t, test.want, seconds, test.name)
	}
	_, ok := oauth1.ServerTime(&http.Response{Header: http.Header{"Date": {"soon"}}})
	assert.False(t, ok)
}
