package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

const output = `date: 2026-11-28
machine: a processor, 2 cores
goos: linux
pkg: github.com/connectorauth/connectorauth
cpu: Intel(R) Xeon(R) Processor
BenchmarkRatio/bearer_to_floor-2   100   1.30 ratio   0 B/op
BenchmarkRatio/bearer_to_floor-2   100   1.50 ratio   0 B/op
BenchmarkRatio/bearer_to_floor-2   100   1.20 ratio   0 B/op
BenchmarkRoundTrip/x/oauth2-16     100   250.5 ns/op  1152 B/op  8 allocs/op
--- BENCH: BenchmarkRoundTrip-2
    bench_test.go:1: BenchmarkLogged is a word of a log
PASS
ok  	github.com/connectorauth/connectorauth	1.2s
pkg: github.com/connectorauth/connectorauth/tokenstore/sqltest
BenchmarkSQLiteLocks/SQLite/16_connections-2   3   50.1 p99-ms/lock
BenchmarkMissingValue-2   3   many p99-ms/lock
BenchmarkWithoutValues
`

func TestOutputOfGoTestIsRead(t *testing.T) {
	v := newValues(output, "date: 2026-11-27\npkg: worst-day\nBenchmarkCrowd/1 1 10 transactions/s\n")
	assert.Equal(t, "2026-11-28", v.date)
	assert.Equal(t, "a processor, 2 cores", v.machine)
	assert.Equal(t, "2026-11-27", v.worstDay)
	for _, test := range []struct {
		what string
		got  float64
		want float64
	}{
		{"a median", v.median("Ratio/bearer_to_floor", "ratio"), 1.3},
		{"the least", v.least("Ratio/bearer_to_floor", "ratio"), 1.2},
		{"the most", v.most("Ratio/bearer_to_floor", "ratio"), 1.5},
		{"a name with a slash", v.least("RoundTrip/x/oauth2", "ns/op"), 250.5},
		{"the last unit", v.least("RoundTrip/x/oauth2", "allocs/op"), 8},
		{"another package", v.least("tokenstore/sqltest.SQLiteLocks/SQLite/16_connections", "p99-ms/lock"), 50.1},
		{"a figure of the worst day", v.least("worst-day.Crowd/1", "transactions/s"), 10},
	} {
		assert.InDelta(t, test.want, test.got, 1e-9, test.what)
	}
	assert.Empty(t, v.missing)
}

func TestMissingValuesAreKept(t *testing.T) {
	v := newValues(output, "")
	for _, test := range []struct{ name, unit string }{
		{"Ratio/none", "ratio"},                              // no such benchmark
		{"RoundTrip/x/oauth2", "ratio"},                      // no such unit
		{"SQLiteLocks/SQLite/16_connections", "p99-ms/lock"}, // the name of another package
		{"tokenstore/sqltest.MissingValue", "p99-ms/lock"},   // no number
		{"tokenstore/sqltest.WithoutValues", "p99-ms/lock"},  // no values at all
		{"is", "of"}, // a word of a log
	} {
		v.missing = nil
		assert.True(t, math.IsNaN(v.median(test.name, test.unit)))
		assert.Equal(t, []string{test.unit + " of " + test.name}, v.missing)
	}
}
