package main

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// values are what benchmarks have printed. A benchmark that ran several times has several
// values.
type values struct {
	measured      map[string]map[string][]float64 // by name of the benchmark, and by unit
	date, machine string                          // of the benchmarks
	worstDay      string                          // the date of the figures of the worst day
	missing       []string                        // values for which the page has asked in vain
}

// module begins the path of each package.
const module = "github.com/connectorauth/connectorauth"

// processors ends the name of a benchmark: GOMAXPROCS.
var processors = regexp.MustCompile(`-\d+$`)

// newValues reads the output of go test, and the figures of the worst day. The name of a
// benchmark has its package, as in internal/inject.Place/header, or is in the root package.
func newValues(output, figures string) *values {
	v := &values{measured: map[string]map[string][]float64{}}
	v.date, v.machine = v.read(output)
	v.worstDay, _ = v.read(figures)
	return v
}

// read adds the values of lines such as
//
//	pkg: github.com/connectorauth/connectorauth/script
//	BenchmarkBearer/plain-2    1000    250 ns/op    864 B/op
//
// and returns the values of the lines date and machine.
func (v *values) read(output string) (date, machine string) {
	prefix := ""
	for line := range strings.Lines(output) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), ": "); found {
			switch key {
			case "date":
				date = value
			case "machine":
				machine = value
			case "pkg":
				if prefix = strings.TrimPrefix(strings.TrimPrefix(value, module), "/"); prefix != "" {
					prefix += "."
				}
			}
		}
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := prefix + strings.TrimPrefix(processors.ReplaceAllString(fields[0], ""), "Benchmark")
		if v.measured[name] == nil {
			v.measured[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				v.measured[name][fields[i+1]] = append(v.measured[name][fields[i+1]], value)
			}
		}
	}
	return date, machine
}

// sorted returns the values of a benchmark in a unit. If there is none, the value is
// missing.
func (v *values) sorted(name, unit string) []float64 {
	list := slices.Clone(v.measured[name][unit])
	if len(list) == 0 {
		v.missing = append(v.missing, unit+" of "+name)
		return []float64{math.NaN()}
	}
	slices.Sort(list)
	return list
}

// least returns the smallest value: for times and allocations, which other work on the
// machine makes larger.
func (v *values) least(name, unit string) float64 { return v.sorted(name, unit)[0] }

// most returns the largest value: for requests a second.
func (v *values) most(name, unit string) float64 {
	list := v.sorted(name, unit)
	return list[len(list)-1]
}

// median returns the value in the middle: for ratios.
func (v *values) median(name, unit string) float64 {
	list := v.sorted(name, unit)
	return list[len(list)/2]
}
