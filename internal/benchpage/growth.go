package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// grows are the rows of the table of growth: the benchmarks of BenchmarkGrowth.
var grows = []string{
	"hosts", "wildcards", "headers", "redirects before the request", "parameters of an OAuth1 request",
	"kB of JSON that get fields", "kB of XML that get fields", "kB of a form that get fields",
	"accounts, each in turn", "accounts that are renewed at once", "goroutines that wait for one renewal",
	"programs that wait for one renewal, over a File store",
}

// steps are the columns of the table of growth.
var steps = []int{1, 10, 100, 1000, 10_000}

// linear is the largest growth that counts as linear. Two bodies that fit into different
// caches of the processor differ by a bit more than their sizes.
const linear = 1.2

// A growth is a row of the table of growth.
type growth struct {
	What   string
	Times  []string // for each step; empty: not measured
	Growth string   // the exponent of the last step: 1 is linear, 2 is quadratic
	Met    string
}

// growth returns the table of growth. The error names each row without values.
func (v *values) growth() (table []growth, err error) {
	var missing []string
	for _, what := range grows {
		name := "internal/benchmarks.Growth/" + strings.ReplaceAll(what, " ", "_")
		row := growth{What: what}
		var before, last float64
		for _, step := range steps {
			unit := fmt.Sprintf("ns-at-%d", step)
			if len(v.measured[name][unit]) == 0 {
				row.Times = append(row.Times, "")
				continue
			}
			before, last = last, v.least(name, unit)
			row.Times = append(row.Times, duration(last))
		}
		if before == 0 {
			missing = append(missing, what)
			continue
		}
		exponent := math.Log10(last / before) // each step is ten times the one before
		row.Growth, row.Met = fmt.Sprintf("%.2f", exponent), "yes"
		if exponent > linear {
			row.Met = "**no**"
		}
		table = append(table, row)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the table of growth has no row %q", missing)
	}
	return table, nil
}

// duration writes nanoseconds with three digits.
func duration(nanoseconds float64) string {
	d := time.Duration(nanoseconds)
	for unit := time.Nanosecond; ; unit *= 10 {
		if d/unit < 1000 {
			return d.Round(unit).String()
		}
	}
}
