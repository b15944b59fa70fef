package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked returns values with a 1 for whatever the page asks for.
func asked(t *testing.T) *values {
	t.Helper()
	v := newValues("date: 2026-11-28\nmachine: a processor\n", "date: 2026-11-27\n")
	for _, g := range append(append([]goal{}, design...), more...) {
		v.missing = nil
		g.measure(v)
		v.give(1)
	}
	for _, table := range []func() []line{v.bearers, v.editors, v.wire, v.memory, v.locks, v.others} {
		v.missing = nil
		table()
		v.give(1)
	}
	for _, what := range grows {
		for i, step := range steps[:4] {
			v.missing = []string{fmt.Sprintf("ns-at-%d of internal/benchmarks.Growth/%s", step, strings.ReplaceAll(what, " ", "_"))}
			v.give(float64(int(100) << i))
		}
	}
	v.missing = nil
	return v
}

// give makes the missing values be there.
func (v *values) give(value float64) {
	for _, missing := range v.missing {
		unit, name, _ := strings.Cut(missing, " of ")
		if v.measured[name] == nil {
			v.measured[name] = map[string][]float64{}
		}
		v.measured[name][unit] = []float64{value}
	}
}

func TestThePageHasEachRow(t *testing.T) {
	page, err := asked(t).page("go1.26.8 linux/amd64\nbearer 3000\n")
	require.NoError(t, err)
	text := string(page)
	before, rest, found := strings.Cut(text, "## Why not") // the section repeats names of rows
	require.True(t, found)
	_, after, _ := strings.Cut(rest, "\n## ")
	for _, g := range append(append([]goal{}, design...), more...) {
		assert.Equal(t, 1, strings.Count(before+after, "\n| "+g.what+" |"), g.what)
	}
	for _, what := range grows {
		assert.Contains(t, text, "| "+what+" | 100ns | 200ns | 400ns | 800ns |  | 0.30 | yes |")
	}
	for _, want := range []string{"on 2026-11-28", "Machine: a processor.", "on 2026-11-27", "bearer 3000", "| azcore, with its pipeline | 1ns | 1 | 1.00 |"} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "<no value>")
	assert.NotContains(t, text, "NaN")
	columns := 0 // of the table
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		n := strings.Count(line, "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case columns == 0:
			columns = n
		default:
			assert.Equal(t, columns, n, line)
		}
	}
}

// A row, or a table, without its benchmark is an error that names the row.
func TestAPageWithoutAValueIsRefused(t *testing.T) {
	for benchmark, want := range map[string]string{
		"Ratio/hosts20_to_bearer":                      `the row "with 20 ` + "`Hosts`" + `, the last entry": there is no ratio of Ratio/hosts20_to_bearer`,
		"internal/benchmarks.Script/before_action":     "the row \"a script with `before_action` that sets a header\"",
		"worst-day.Start/8":                            `the row "the same, 8 processes"`,
		"internal/benchmarks.Growth/headers":           `the table of growth has no row ["headers"]`,
		"internal/benchmarks.Wire/HTTP/2":              `the table Wire: there is no plain-requests/s of internal/benchmarks.Wire/HTTP/2`,
		"internal/benchmarks.Memory/records_in_memory": "the table Memory",
		"internal/benchmarks.Locks/bearer":             "the table Locks",
		"internal/oauth1.Sign":                         "the table Others",
	} {
		t.Run(benchmark, func(t *testing.T) {
			v := asked(t)
			require.Contains(t, v.measured, benchmark)
			delete(v.measured, benchmark)
			_, err := v.page("")
			assert.ErrorContains(t, err, want)
		})
	}
	v := asked(t)
	v.date = ""
	_, err := v.page("")
	assert.ErrorContains(t, err, "date")
}

func TestGoalsAreMetOrNot(t *testing.T) {
	for _, test := range []struct {
		name string
		goal goal
		give map[string]float64 // by unit and name, as in values.missing
		want row
	}{
		{"at the limit", ratio("w", "R", 1.4, "the floor"), map[string]float64{"ratio of R": 1.4}, row{"w", "1.40 x the floor", "at most 1.4 x the floor", "yes"}},
		{"above", ratio("w", "R", 1.4, "the floor"), map[string]float64{"ratio of R": 1.41}, row{"w", "1.41 x the floor", "at most 1.4 x the floor", "**no**"}},
		{
			"more allocations", ratio("w", "R", 1.4, "f").allocating("A", "B"), map[string]float64{"ratio of R": 1, "allocs/op of A": 5, "allocs/op of B": 4},
			row{"w", "1.00 x f, +1 allocations", "at most 1.4 x f, no more allocations", "**no**"},
		},
		{
			"fewer allocations", ratio("w", "R", 1.4, "f").allocating("A", "B"), map[string]float64{"ratio of R": 1, "allocs/op of A": 3, "allocs/op of B": 4},
			row{"w", "1.00 x f, -1 allocations", "at most 1.4 x f, no more allocations", "yes"},
		},
		{"memory", inMemory("w", "plain", 700), map[string]float64{"heap-B of internal/benchmarks.Memory/plain": 701}, row{"w", "701 bytes of heap", "at most 700 bytes of heap", "**no**"}},
		{
			"half the time", started(4),
			map[string]float64{"s of worst-day.Start/1": 60, "s of worst-day.Start/4": 30, "s-without-the-library of worst-day.Start/4": 8},
			row{"the same, 4 processes", "30 s, on ; the token requests alone 8 s", "half the time of 1 process; all renewed, none twice", "yes"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := newValues("", "")
			for missing, value := range test.give {
				v.missing = []string{missing}
				v.give(value)
			}
			rows, err := v.rows([]goal{test.goal})
			require.NoError(t, err)
			assert.Equal(t, []row{test.want}, rows)
		})
	}
}

func TestGrowthAboveLinearIsNotMet(t *testing.T) {
	v := asked(t)
	v.measured["internal/benchmarks.Growth/hosts"]["ns-at-1000"] = []float64{400 * 100}
	table, err := v.growth()
	require.NoError(t, err)
	assert.Equal(t, growth{"hosts", []string{"100ns", "200ns", "400ns", "40µs", ""}, "2.00", "**no**"}, table[0])
}

func TestDurationsHaveThreeDigits(t *testing.T) {
	for nanoseconds, want := range map[float64]string{0: "0s", 7: "7ns", 999: "999ns", 1234: "1.23µs", 12_345: "12.3µs", 2_166_955: "2.17ms", 106_075_664: "106ms", 1_234_567_890: "1.23s"} {
		assert.Equal(t, want, duration(nanoseconds))
	}
}
