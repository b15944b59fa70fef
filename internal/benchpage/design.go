package main

import "fmt"

// design are the goals of the design, in its order. Figures whose names begin with
// worst-day are from the tests of the worst day.
var design = []goal{
	ratio("OAuth2, a valid token, 3 headers", "Ratio/bearer_to_floor", 1.4, "the floor").allocating("RoundTrip/bearer", "RoundTrip/floor"),
	ratio("the same with 2 `Hosts`, the last entry", "Ratio/hosts2_to_bearer", 1.1, "plain OAuth2"),
	ratio("with 20 `Hosts`, the last entry", "Ratio/hosts20_to_bearer", 1.15, "plain OAuth2"),
	ratio("with 1 wildcard", "Ratio/wildcard_to_bearer", 1.15, "plain OAuth2").allocating("Path/wildcard", "Path/bearer"),
	ratio("with 20 wildcards", "Ratio/wildcards20_to_bearer", 1.5, "plain OAuth2").allocating("Path/wildcards20", "Path/bearer"),
	ratio("with 1 wildcard, a host in upper case", "Ratio/wildcard,upper_to_bearer", 1.15, "plain OAuth2").
		allocating("Path/wildcard,upper", "Path/bearer"),
	ratio("with 20 wildcards, a host in upper case", "Ratio/wildcards20,upper_to_bearer", 1.5, "plain OAuth2").
		allocating("Path/wildcards20,upper", "Path/bearer"),
	ratio("8 request headers", "Ratio/bearer,8_to_floor,8", 1.4, "the floor").allocating("Path/bearer,8", "Path/floor,8"),
	ratio("API key in the query", "Ratio/query_to_floor", 1.5, "the floor"),
	ratio("API key in a cookie", "Ratio/cookie_to_floor,cookie", 1.5, "the floor"),
	ratio("API key in a field of the body", "Ratio/field_to_floor,form", 1.5, "the floor"),
	{"64 goroutines on one connector", "at most 1.2 x the floor", func(v *values) (string, bool) {
		r := v.median("internal/benchmarks.BearerParallel", "ours/floor")
		return fmt.Sprintf("%.2f x the floor", r), r <= 1.2
	}},
	signing("no parameters", "0"),
	signing("3 query parameters", "3"),
	signing("30 query parameters", "30"),
	signing("a form of 3", "form_3"),
	signing("a form of 30", "form_30"),
	intoJSON("57 kB", "57kB"),
	intoJSON("2 MB", "2MB"),
	intoJSON("60 kB of long strings", "long_strings"),
	{"AuthFields into XML, 39 kB", "at least 5 x as fast as decoding and encoding; as many allocations for each size", func(v *values) (string, bool) {
		faster := v.median("internal/benchmarks.XML/39kB", "decode_and_encode/ours")
		small, large := v.least("internal/benchmarks.XML/4kB", "ours-allocs"), v.least("internal/benchmarks.XML/390kB", "ours-allocs")
		return fmt.Sprintf("%.1f x as fast; %.0f allocations for 4 kB, %.0f for 390 kB", faster, small, large), faster >= 5 && large <= small+5
	}},
	{"an empty hook", "at most 1.6 x the floor, 6 allocations", func(v *values) (string, bool) {
		r, allocs := v.median("Ratio/hook_to_floor", "ratio"), v.least("Path/hook", "allocs/op")
		return fmt.Sprintf("%.2f x the floor, %.0f allocations", r, allocs), r <= 1.6 && allocs <= 6
	}},
	scripted("a script with `before_action` that sets a header", "before_action"),
	scripted("a script that sorts the headers", "sorted_headers"),
	scripted("a script that computes a checksum", "checksum"),
	{"10,000 messages with a script, resident memory", "flat: at most 1 MiB of heap, 16 MiB of the process", func(v *values) (string, bool) {
		heap, resident := v.least("script.Messages", "heap-MiB"), v.least("script.Messages", "resident-MiB")
		return fmt.Sprintf("%+.1f MiB of heap, %+.1f MiB of the process", heap, resident), heap <= 1 && resident <= 16
	}},
	{"10,000 goroutines, an expired token", "1 token request", func(v *values) (string, bool) {
		live, dead := v.most("Expired/live", "token-requests/op"), v.most("Expired/dead", "token-requests/op")
		return fmt.Sprintf("%g; %g for an account that is dead", live, dead), live == 1 && dead == 1
	}},
	inMemory("a live OAuth2 connector, plain", "plain", 700),
	inMemory("a live OAuth2 connector with Store", "store", 900),
	inMemory("a live OAuth2 connector with Dialect", "dialect", 900),
	{
		"1,000 connectors that wait for one account over 16 PostgreSQL connections, in one process",
		"at most 20 transactions a second, the last one through 0.5 s after the save", crowd("1"),
	},
	{"the same with 50 values of `Shared`", "the same", crowd("50")},
	{"a lock whose holder saved and vanished", "at most 0.3 s", func(v *values) (string, bool) {
		text, met := "", true
		for _, store := range stores {
			wait := v.least("worst-day.Abandoned/"+store.figure, "s-after-save")
			text += fmt.Sprintf("%s %.2f s, ", store.name, wait)
			met = met && wait <= 0.3
		}
		return text + "on " + v.worstDay, met
	}},
	{"SQLite, 16 connections: p99 of Lock", "as with 1 connection", func(v *values) (string, bool) {
		one := v.least("tokenstore/sqltest.SQLiteLocks/SQLite/1_connections", "p99-ms/lock")
		many := v.least("tokenstore/sqltest.SQLiteLocks/SQLite/16_connections", "p99-ms/lock")
		return fmt.Sprintf("%.0f ms; with 1 connection %.0f ms", many, one), many <= 1.2*one
	}},
	{"10,000 expired accounts at start, 50 ms for a token request, PostgreSQL, 1 process", "bounded: 16 token requests; all renewed, none twice", func(v *values) (string, bool) {
		took, most := v.least("worst-day.Start/1", "s"), v.least("worst-day.Start/1", "requests-at-a-time")
		return fmt.Sprintf("%.0f s, at most %.0f at a time, on %s", took, most, v.worstDay), most <= 16
	}},
	started(4),
	started(8),
	{"the files of an account in a File store", "1", func(v *values) (string, bool) {
		files := v.most("internal/benchmarks.FileStore", "files/account")
		return fmt.Sprintf("%g", files), files == 1
	}},
	{"p99 of API requests while tokens are renewed", "no worse than a plain client", func(v *values) (string, bool) {
		with, without := v.least("internal/benchmarks.Renewal", "ours-p99-ms"), v.least("internal/benchmarks.Renewal", "plain-p99-ms")
		return fmt.Sprintf("%.1f ms; the plain client %.1f ms", with, without), with <= 1.1*without
	}},
}

// scripted is the goal of a script: at most three times the time of goja.
func scripted(what, name string) goal {
	return goal{what, "at most 3 x the same script by goja alone", func(v *values) (string, bool) {
		r := v.median("internal/benchmarks.Script/"+name, "ours/goja")
		return fmt.Sprintf("%.2f x goja", r), r <= 3
	}}
}

// crowd measures what many connectors of one account cost, with so many values of Shared.
func crowd(programs string) func(*values) (string, bool) {
	return func(v *values) (string, bool) {
		name := "worst-day.Crowd/" + programs
		rate, wait := v.least(name, "transactions/s"), v.least(name, "s-after-save")
		return fmt.Sprintf("%.0f transactions a second, %.2f s, on %s", rate, wait, v.worstDay), rate <= 20 && wait <= 0.5
	}
}

// started is the goal that processes with the same accounts share the renewals. The tests
// fail if an account is renewed twice, or not at all.
func started(processes int) goal {
	what, want := fmt.Sprintf("the same, %d processes", processes), "all renewed, none twice"
	if processes == 4 {
		want = "half the time of 1 process; all renewed, none twice"
	}
	return goal{what, want, func(v *values) (string, bool) {
		name := fmt.Sprintf("worst-day.Start/%d", processes)
		one, took, bare := v.least("worst-day.Start/1", "s"), v.least(name, "s"), v.least(name, "s-without-the-library")
		return fmt.Sprintf("%.0f s, on %s; the token requests alone %.0f s", took, v.worstDay, bare), processes != 4 || 2*took <= one
	}}
}
