package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const worstDayLog = `=== RUN   TestCrowdCostsFewTransactions
=== RUN   TestCrowdCostsFewTransactions/1_values_of_Shared
    crowd.go:65: 1000 connectors, 1 values of Shared: the last one through 97ms after the save
    crowd_test.go:70: 1000 connectors: 10.4 transactions a second
=== RUN   TestCrowdCostsFewTransactions/50_values_of_Shared
    crowd.go:65: 1000 connectors, 50 values of Shared: the last one through 1.2s after the save
    crowd.go:67: the last connector had the token 1.2s after the save; the goal is 500ms
    crowd_test.go:70: 1000 connectors: 195.0 transactions a second
=== RUN   TestCrowdBehindAnAbandonedLock
=== RUN   TestCrowdBehindAnAbandonedLock/SQLite_with_WAL
    crowd.go:65: 100 connectors, 10 values of Shared: the last one through 20ms after the save
=== RUN   TestProgramsStartWithExpiredTokens/4_processes,_each_program_in_another_order
    start.go:239: 4 processes: at most 48 token requests at a time
    start.go:169: | PostgreSQL | 10000 | 4 | each program in another order | 51.2 | 8.1 |
    start.go:174: 4 processes need 51.2s, and one process 63s
=== RUN   TestProgramsStartWithExpiredTokens/4_processes,_all_programs_in_one_order
    start.go:239: 4 processes: at most 40 token requests at a time
    start.go:169: | PostgreSQL | 10000 | 4 | all programs in one order | 50.2 | 8.0 |
--- FAIL: TestProgramsStartWithExpiredTokens (100.00s)
=== RUN   TestFileCrowdBehindAnAbandonedLock
    crowd.go:65: 100 connectors, 10 values of Shared: the last one through 40ms after the save
=== RUN   TestCrowdBehindAnAbandonedLock
    crowd.go:65: 100 connectors, 10 values of Shared: the last one through 190ms after the save
`

func TestTheLogOfTheWorstDayIsRead(t *testing.T) {
	text, err := readWorstDay(worstDayLog, "2026-11-27")
	require.NoError(t, err)
	v := newValues("", text)
	assert.Equal(t, "2026-11-27", v.worstDay)
	for _, want := range []struct {
		name, unit string
		value      float64
	}{
		{"Crowd/1", "transactions/s", 10.4},
		{"Crowd/1", "s-after-save", 0.097},
		{"Crowd/50", "transactions/s", 195},
		{"Crowd/50", "s-after-save", 1.2},
		{"Abandoned/SQLite_with_WAL", "s-after-save", 0.02},
		{"Abandoned/File", "s-after-save", 0.04},
		{"Abandoned/Redis", "s-after-save", 0.19},
		{"Start/4", "s", 51.2},
		{"Start/4", "s-without-the-library", 8.1},
		{"Start/4", "requests-at-a-time", 48},
	} {
		assert.Equal(t, []float64{want.value}, v.sorted("worst-day."+want.name, want.unit), "%s of %s", want.unit, want.name)
	}
	assert.Empty(t, v.missing)
}

func TestFiguresOfAFailedTestAreRefused(t *testing.T) {
	for _, line := range []string{
		"    start.go:231: 9999 tokens were renewed, of 10000 accounts",
		"    start.go:234: 1 refresh tokens came twice",
		"    start.go:219: a program did not get 3 tokens; last error: closed",
		"    start.go:223: there were 100 token requests at a time",
		"    crowd.go:60: there were 2 token requests",
		"    crowd.go:56: a connector has another token",
		"    crowd.go:45: nobody renews the token",
	} {
		_, err := readWorstDay(worstDayLog+line+"\n", "2026-11-27")
		assert.Error(t, err, line)
	}
}

func TestTheFileOfTheWorstDayHasAllFigures(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", worstDayFile))
	require.NoError(t, err)
	v := newValues("", string(text))
	for _, store := range stores {
		v.least("worst-day.Abandoned/"+store.figure, "s-after-save")
	}
	for _, programs := range []string{"1", "50"} {
		crowd(programs)(v)
	}
	for _, processes := range []int{4, 8} {
		started(processes).measure(v)
	}
	assert.Empty(t, v.missing)
}
