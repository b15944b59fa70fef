package main

import (
	"errors"
	"fmt"
	"strings"
)

// A line is a row of a table without goals.
type line []string

// peers are the RoundTrippers of BenchmarkBearer, by their names there.
var peers = [][2]string{
	{"the floor", "floor"}, {"this library", "ours"}, {"x/oauth2", "x.oauth2"},
	{"cloud.google.com/go/auth", "cloud.auth"}, {"azcore, with its pipeline", "azcore"},
}

// bearers compares requests with a bearer token: time, allocations, ratio to the floor.
func (v *values) bearers() (table []line) {
	for _, p := range peers {
		ratio := 1.0
		if p[1] != "floor" {
			ratio = v.median("internal/benchmarks.Bearer", p[1]+"/floor")
		}
		took, allocs := v.least("internal/benchmarks.Bearer", p[1]+"-ns"), v.least("internal/benchmarks.Bearer", p[1]+"-allocs")
		table = append(table, line{p[0], duration(took), fmt.Sprint(allocs), fmt.Sprintf("%.2f", ratio)})
	}
	return table
}

// editors compares ways to put fields into bodies: time of each, and the ratio to ours.
func (v *values) editors() (table []line) {
	for _, shape := range [][2]string{{"57 kB", "57kB"}, {"2 MB", "2MB"}, {"long strings", "long_strings"}} {
		for _, way := range [][3]string{
			{"this library", "JSON", "ours"}, {"goccy/go-json, raw members", "JSON", "goccy"}, {"encoding/json/v2, raw members", "JSONv2", "jsonv2"},
			{"encoding/json, raw members", "JSON", "rawmessage"}, {"encoding/json, a map", "JSON", "map"},
		} {
			table = append(table, v.editor("JSON, "+shape[0], way[0], "internal/benchmarks."+way[1]+"/"+shape[1], way[2]))
		}
	}
	for _, shape := range [][2]string{{"4 kB", "4kB"}, {"39 kB", "39kB"}, {"390 kB", "390kB"}} {
		for _, way := range [][2]string{{"this library", "ours"}, {"encoding/xml, a struct", "decode_and_encode"}} {
			table = append(table, v.editor("XML, "+shape[0], way[0], "internal/benchmarks.XML/"+shape[1], way[1]))
		}
	}
	return table
}

// editor returns the line of one way.
func (v *values) editor(body, name, benchmark, way string) line {
	ratio := 1.0
	if way != "ours" {
		ratio = v.median(benchmark, way+"/ours")
	}
	return line{body, name, duration(v.least(benchmark, way+"-ns")), fmt.Sprint(v.least(benchmark, way+"-allocs")), fmt.Sprintf("%.1f", ratio)}
}

// wire compares clients over TLS: requests a second, time of the processor, ratio.
func (v *values) wire() (table []line) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		name := "internal/benchmarks.Wire/" + protocol
		for _, way := range [][2]string{{"a plain client", "plain"}, {"this library", "ours"}, {"x/oauth2", "x.oauth2"}} {
			ratio := 1.0
			if way[1] != "plain" {
				ratio = v.median(name, way[1]+"/plain")
			}
			rate, used := v.most(name, way[1]+"-requests/s"), v.least(name, way[1]+"-cpu-us")
			table = append(table, line{protocol, way[0], fmt.Sprintf("%.0f", rate), fmt.Sprintf("%.1f µs", used), fmt.Sprintf("%.2f", ratio)})
		}
	}
	return table
}

// memory tells what a live connector takes: heap and resident memory.
func (v *values) memory() (table []line) {
	for _, kind := range [][2]string{
		{"plain", "plain"}, {"with Store, the records elsewhere", "store"}, {"with `tokenstore.Memory`, the record included", "records_in_memory"},
		{"with Dialect", "dialect"}, {"from a definition", "definition"},
	} {
		name := "internal/benchmarks.Memory/" + kind[1]
		table = append(table, line{kind[0], fmt.Sprintf("%.0f", v.least(name, "heap-B")), fmt.Sprintf("%.0f", v.least(name, "resident-B"))})
	}
	return table
}

// locks tells how many of 1,000 requests from 64 goroutines waited for a lock.
func (v *values) locks() (table []line) {
	for _, path := range []string{"bearer", "100 accounts", "API key", "OAuth1", "fields into JSON"} {
		table = append(table, line{path, fmt.Sprintf("%.3f", v.most("internal/benchmarks.Locks/"+strings.ReplaceAll(path, " ", "_"), "waits/1000"))})
	}
	return table
}

// others are the times of further requests.
func (v *values) others() (table []line) {
	for _, b := range [][2]string{
		{"a request with Basic", "RoundTrip/basic"},
		{"a request with an API key", "RoundTrip/apikey"},
		{"a request signed with HMAC-SHA1", "RoundTrip/oauth1"},
		{"the same by dghubble/oauth1", "RoundTrip/dghubble/oauth1"},
		{"the signature of OAuth1 alone", "internal/oauth1.Sign"},
		{"a value in a header, alone", "internal/inject.Place/header"},
		{"a value in the query, alone", "internal/inject.Place/query"},
		{"a value in a cookie, alone", "internal/inject.Place/cookie"},
		{"an API key and an empty hook", "script.Bearer/hook"},
		{"an API key and a script with `before_action`", "script.Bearer/script"},
		{"an API key and a script with a signature and the response", "script.Bearer/longer_script"},
	} {
		table = append(table, line{b[0], duration(v.least(b[1], "ns/op")), fmt.Sprint(v.least(b[1], "allocs/op"))})
	}
	return table
}

// complete returns what table makes, or an error that names the table and what it lacks.
func (v *values) complete(name string, table func() []line) ([]line, error) {
	v.missing = nil
	lines := table()
	if len(v.missing) > 0 {
		return nil, errors.New("the table " + name + ": there is no " + strings.Join(v.missing, ", no "))
	}
	return lines, nil
}
