package main

import (
	"errors"
	"fmt"
	"strings"
)

// A goal is a row of the page's first tables.
type goal struct {
	what, goal string
	measure    func(*values) (measured string, met bool)
}

// A row is a measured goal.
type row struct{ What, Measured, Goal, Met string }

// rows measures the goals. The error names each goal without a value.
func (v *values) rows(goals []goal) ([]row, error) {
	var all []row
	var failures []error
	for _, g := range goals {
		v.missing = nil
		measured, met := g.measure(v)
		if len(v.missing) > 0 {
			failures = append(failures, fmt.Errorf("the row %q: there is no %s", g.what, strings.Join(v.missing, ", no ")))
		}
		verdict := "yes"
		if !met {
			verdict = "**no**"
		}
		all = append(all, row{g.what, measured, g.goal, verdict})
	}
	return all, errors.Join(failures...)
}

// ratio is the goal of a ratio of BenchmarkRatio: at most the limit. Than names what the
// first of the two is compared with.
func ratio(what, name string, limit float64, than string) goal {
	return goal{what, fmt.Sprintf("at most %g x %s", limit, than), func(v *values) (string, bool) {
		r := v.median(name, "ratio")
		return fmt.Sprintf("%.2f x %s", r, than), r <= limit
	}}
}

// allocating adds to a goal that the request allocates no more than another.
func (g goal) allocating(name, than string) goal {
	return goal{g.what, g.goal + ", no more allocations", func(v *values) (string, bool) {
		measured, met := g.measure(v)
		allocs := v.least(name, "allocs/op") - v.least(than, "allocs/op")
		return fmt.Sprintf("%s, %+.0f allocations", measured, allocs), met && allocs <= 0
	}}
}

// inMemory is the goal of a kind of live connector: at most so many bytes.
func inMemory(what, kind string, limit float64) goal {
	return goal{what, fmt.Sprintf("at most %g bytes of heap", limit), func(v *values) (string, bool) {
		heap := v.least("internal/benchmarks.Memory/"+kind, "heap-B")
		return fmt.Sprintf("%.0f bytes of heap", heap), heap <= limit
	}}
}

// signing is the goal of OAuth1: ten times as fast as dghubble/oauth1.
func signing(what, name string) goal {
	return goal{"OAuth1 HMAC-SHA1, " + what, "at least 10 x as fast as dghubble/oauth1, at most 8 allocations", func(v *values) (string, bool) {
		faster, allocs := v.median("internal/benchmarks.OAuth1/"+name, "dghubble/ours"), v.least("internal/benchmarks.OAuth1/"+name, "ours-allocs")
		return fmt.Sprintf("%.1f x as fast, %.0f allocations", faster, allocs), faster >= 10 && allocs <= 8
	}}
}

// intoJSON is the goal of fields in JSON: faster than other libraries.
func intoJSON(what, shape string) goal {
	return goal{"AuthFields into JSON, " + what, "faster than goccy/go-json and encoding/json/v2, with raw members", func(v *values) (string, bool) {
		goccy, v2 := v.median("internal/benchmarks.JSON/"+shape, "goccy/ours"), v.median("internal/benchmarks.JSONv2/"+shape, "jsonv2/ours")
		return fmt.Sprintf("%.1f x as fast as goccy/go-json, %.1f x as fast as encoding/json/v2", goccy, v2), goccy > 1 && v2 > 1
	}}
}
