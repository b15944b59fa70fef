// Benchpage runs the benchmarks and writes the page with the results. The benchmarks
// compare the library with golang.org/x/oauth2, with dghubble/oauth1, and with the
// floor: the least work of any authenticating RoundTripper.
//
//	go run ./internal/benchpage > docs/benchmarks.md
//
// Run the program in the root folder of the repository, on a machine without other
// work.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// runs are the arguments of the go test commands.
var runs = [][]string{
	{"-bench", "^(BenchmarkRoundTrip|BenchmarkParallel)$", "-benchtime", "200ms", "-count", "8", "."},
	{"-bench", "^BenchmarkRatio$", "-benchtime", "2s", "-count", "5", "."},
	{"-bench", "^BenchmarkAssertion$", "-benchtime", "2s", "-count", "5", "./assertion"},
	{"-bench", "^BenchmarkJSON57kB$", "-benchtime", "200ms", "-count", "8", "./internal/inject"},
	{"-bench", "^BenchmarkJSONSizes$", "-benchtime", "100ms", "-count", "1", "./internal/inject"},
	{"-bench", "^BenchmarkExpired$", "-benchtime", "5x", "-count", "1", "."},
	{"-bench", "^BenchmarkMemory$", "-benchtime", "1x", "-count", "1", "."},
	{"-bench", "^(BenchmarkLoad|BenchmarkConnect)$", "-benchtime", "2s", "-count", "5", "./definition"},
	{"-bench", "^BenchmarkBearer$", "-benchtime", "1s", "-count", "3", "./script"},
	{"-bench", "^(BenchmarkTenants|BenchmarkHostile|BenchmarkMessages)$", "-benchtime", "1x", "-count", "1", "./script"},
}

// results are the measured values, by name of the benchmark and by unit. A benchmark
// that ran several times has several values.
type results map[string]map[string][]float64

var suffix = regexp.MustCompile(`-\d+$`) // GOMAXPROCS

// measure runs the benchmarks, and copies their output to standard error.
func measure() (results, error) {
	all := results{}
	for _, args := range runs {
		var out bytes.Buffer
		command := exec.Command("go", append([]string{"test", "-run", "^$", "-benchmem"}, args...)...)
		command.Stdout, command.Stderr = &out, os.Stderr
		err := command.Run()
		os.Stderr.Write(out.Bytes())
		if err != nil {
			return nil, fmt.Errorf("go test %s: %w", strings.Join(args, " "), err)
		}
		all.add(&out)
	}
	return all, nil
}

// add parses the output of go test.
func (r results) add(out *bytes.Buffer) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(suffix.ReplaceAllString(fields[0], ""), "Benchmark")
		if r[name] == nil {
			r[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
				r[name][fields[i+1]] = append(r[name][fields[i+1]], value)
			}
		}
	}
}

// get returns the value of a benchmark: the median for the unit "ratio", otherwise
// the smallest value. If there is no value, get ends the program: runs and rows do
// not fit together.
func (r results) get(name, unit string) float64 {
	values := r[name][unit]
	if len(values) == 0 {
		log.Fatalf("no %s of Benchmark%s", unit, name)
	}
	slices.Sort(values)
	if unit == "ratio" {
		return values[len(values)/2]
	}
	return values[0]
}

// A row of the page's first table.
type row struct{ What, Ours, Goal, Met string }

// rows returns the table of the goals.
func (r results) rows() (rows []row) {
	add := func(what, goal string, met bool, ours string, args ...any) {
		verdict := "yes"
		if !met {
			verdict = "**no**"
		}
		rows = append(rows, row{what, fmt.Sprintf(ours, args...), goal, verdict})
	}
	floor := r.get("RoundTrip/floor", "allocs/op")
	for what, name := range map[string]string{"OAuth2, a valid token": "bearer", "OAuth2 with `Hosts`": "bearer+hosts", "API key": "apikey", "Basic": "basic"} {
		ratio, allocs := r.get("Ratio/"+name+"_to_floor", "ratio"), r.get("RoundTrip/"+name, "allocs/op")
		// The floor includes an allocation for the benchmark's response.
		add(what, "1.25 x the floor, no more allocations", ratio <= 1.25 && allocs <= floor, "%.2f x the floor, %+.0f allocations", ratio, allocs-floor)
	}
	slices.SortFunc(rows, func(a, b row) int { return -strings.Compare(a.What, b.What) })
	parallel := r.get("Parallel/bearer", "ns/op") / r.get("Parallel/floor", "ns/op")
	add("64 goroutines on one connector", "1.3 x the floor", parallel <= 1.3, "%.2f x the floor", parallel)
	signing := 1 / r.get("Ratio/oauth1_to_dghubble.oauth1", "ratio")
	allocs := r.get("RoundTrip/oauth1", "allocs/op")
	add("OAuth1, HMAC-SHA1, 3 query parameters", "8 x as fast as dghubble/oauth1, 12 allocations", signing >= 8 && allocs <= 12, "%.1f x as fast, %.0f allocations", signing, allocs)
	fields := r.get("JSON57kB/map", "ns/op") / r.get("JSON57kB/apply", "ns/op")
	least, most := math.Inf(1), 0.0
	for name := range r {
		if strings.HasPrefix(name, "JSONSizes/") {
			least, most = min(least, r.get(name, "allocs/op")), max(most, r.get(name, "allocs/op"))
		}
	}
	add("AuthFields into 57 kB of JSON", "5 x as fast as decoding and encoding a map; about the same allocations for every size", fields >= 5 && most <= 2*least,
		"%.1f x as fast; %.0f to %.0f allocations for 200 bytes to 2 MB", fields, least, most)
	for _, way := range [][2]string{{"a JWT bearer grant", "JWTBearer"}, {"private_key_jwt", "ClientAuth"}, {"a self-signed JWT", "JWT"}} {
		signatures, ratio := r.get("Assertion/"+way[1], "signatures/op"), r.get("Assertion/"+way[1], "ratio")
		add("A live token of "+way[0], "no signature", signatures == 0, "%g signatures, %.2f x plain OAuth2", signatures, ratio)
	}
	load := r.get("Load", "ratio")
	add("Reading 1,000 definitions", "4 x json.Unmarshal of the same documents", load <= 4, "%.2f x json.Unmarshal, %.0f ms", load, r.get("Load", "ms"))
	for _, kind := range []string{"APIKey", "Basic", "OAuth2", "Session"} {
		ratio := r.get("Connect/"+kind, "ratio")
		add("A connector of a definition, "+kind, "3 x the constructor with the same config", ratio <= 3, "%.2f x the constructor", ratio)
	}
	for _, kind := range []string{"live", "dead"} {
		requests := r.get("Expired/"+kind, "token-requests/op")
		add("10,000 goroutines, an expired token, a "+kind+" account", "1 token request", requests == 1, "%g token request", requests)
	}
	heap := r.get("Memory", "heap-B/connector")
	add("A live OAuth2 connector, of 100,000", "1024 bytes of heap", heap <= 1024, "%.0f bytes of heap", heap)
	alone, beside := r.get("Tenants/alone", "ms-p99"), r.get("Tenants/beside_seven", "ms-p99")
	// Eight tenants share two processors: a fair share is a fourth of one.
	add("A message with a script, beside seven hostile tenants", "p99: 8 x the p99 of a tenant alone", beside <= 8*alone, "p99: %.1f ms, alone %.1f ms", beside, alone)
	over := r.get("Hostile", "ms-over-limit")
	add("A hostile script", "100 ms longer than its time limit", over <= 100, "%.0f ms longer", over)
	live, resident := r.get("Messages", "heap-MiB"), r.get("Messages", "resident-MiB")
	add("10,000 messages with a script", "no growth: 1 MiB of heap, 16 MiB of the process", live <= 1 && resident <= 16, "%.1f MiB of heap, %.1f MiB of the process", live, resident)
	return rows
}

// machine describes the machine: processor, cores, operating system, Go version.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if match := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(text); match != nil {
			model = string(match[1])
		}
	}
	system := runtime.GOOS
	if text, err := os.ReadFile("/etc/os-release"); err == nil {
		if match := regexp.MustCompile(`(?m)^PRETTY_NAME="?([^"\n]*)`).FindSubmatch(text); match != nil {
			system = string(match[1])
		}
	}
	version, _ := exec.Command("go", "env", "GOVERSION").Output()
	return fmt.Sprintf("%s, %d cores, %s, %s", model, runtime.NumCPU(), system, strings.TrimSpace(string(version)))
}

const page = `# Benchmarks

Written by ` + "`go run ./internal/benchpage > docs/benchmarks.md`" + ` on {{.Date}}: do not edit it by hand.

Machine: {{.Machine}}.

The *floor* is the least work of any authenticating RoundTripper: copy the request and the header, set a header, send.
The base transport of the benchmarks returns an empty response at once. Each time is the best of eight runs. A ratio to
the floor, x/oauth2 or dghubble/oauth1 is the median of five runs. In each run, the two programs take turns, and the
ratio compares their best rounds: other work on the machine disturbs this ratio least.

## Goals

| what | measured | at most, or at least | met |
| --- | --- | --- | --- |
{{range .Rows}}| {{.What}} | {{.Ours}} | {{.Goal}} | {{.Met}} |
{{end}}
## Side by side

| a request with | time | bytes | allocations |
| --- | ---: | ---: | ---: |
{{range .Side}}| {{.Name}} | {{.Time}} | {{.Bytes}} | {{.Allocs}} |
{{end}}
One OAuth2 request takes {{printf "%.2f" .ToOAuth2}} of the time of x/oauth2's Transport with a ReuseTokenSource.

## Where the time goes

A request with an OAuth2 token has three steps above the floor. The library checks the host against ` + "`Hosts`" + `, or against
the origins of the redirect chain. It reads the token with one atomic load. It computes the time until the expiry, and
` + "`time.Until`" + ` reads the clock. The three steps need no lock and no allocation. API keys and Basic only check the host,
because the constructor has made the header value. OAuth1 encodes and sorts the parameters and signs them. Fields go into
JSON with one scan of the body and one copy. A self-signed JWT is a credential of ` + "`NewCustom`" + `, whose functions
get copies of the URL and of the header.

A real request takes much longer: a request of ` + "`connectorauth.TestSoak`" + ` over loopback, without TLS, takes tens of
microseconds. A renewal costs most. The rows with 10,000 goroutines count the renewals.

## Renewals over processes

These tests log their numbers. ` + "`CONNECTORAUTH_TEST_WORST_DAY=1`" + ` gives the full size. The numbers below are of 2026-11-27,
on a machine of 2 cores on which other tests ran at the same time (load 15 to 30), so times are upper bounds.

| what | measured | goal | met | test |
| --- | --- | --- | --- | --- |
| 1,000 connectors, made anew, of one account; one ` + "`Shared`" + `, 16 PostgreSQL connections; the token request takes 3 s | 10 transactions a second; the last one through 0.10 s after the save | 20 transactions a second, 0.5 s | yes | ` + "`tokenstore/sqltest.TestCrowdCostsFewTransactions`" + ` |
| the same with 50 values of ` + "`Shared`" + ` | 195 transactions a second; 0.06 s | 20 transactions a second, 0.5 s | **no**: each ` + "`Shared`" + ` looks at the lock by itself | the same |
| a lock whose holder saved and never unlocks | SQLite 0.01 s, with WAL 0.02 s, PostgreSQL 0.02 s, MariaDB 0.04 s, File 0.04 s, Redis 0.19 s | 0.3 s | yes | ` + "`tokenstore/sqltest.TestCrowdBehindAnAbandonedLock`" + `, ` + "`tokenstore.TestFileCrowdBehindAnAbandonedLock`" + `, ` + "`tokenstore/redisstore.TestCrowdBehindAnAbandonedLock`" + ` |
| 10,000 expired accounts at start, PostgreSQL, 1 process | 63 s, at most 16 token requests at a time, all renewed, none twice (33 s for token requests alone) | all renewed, none twice | yes | ` + "`tokenstore/sqltest.TestProgramsStartWithExpiredTokens`" + ` |
| the same, 4 processes | 51 s, at most 48 at a time, all renewed, none twice (8 s for token requests alone) | half the time of 1 process | **no**, on this machine | the same |
`

// A side is a row of the page's second table.
type side struct{ Name, Time, Bytes, Allocs string }

func main() {
	log.SetFlags(0)
	r, err := measure()
	if err != nil {
		log.Fatal(err)
	}
	var table []side
	for _, benchmark := range [][2]string{
		{"the floor", "RoundTrip/floor"}, {"OAuth2", "RoundTrip/bearer"}, {"OAuth2 with `Hosts`", "RoundTrip/bearer+hosts"}, {"API key", "RoundTrip/apikey"},
		{"Basic", "RoundTrip/basic"}, {"x/oauth2", "RoundTrip/x/oauth2"}, {"OAuth1", "RoundTrip/oauth1"}, {"dghubble/oauth1", "RoundTrip/dghubble/oauth1"},
		{"the floor, 64 goroutines", "Parallel/floor"}, {"OAuth2, 64 goroutines", "Parallel/bearer"}, {"x/oauth2, 64 goroutines", "Parallel/x/oauth2"},
		{"an API key, an empty hook", "Bearer/hook"}, {"an API key, a script with `before_action`", "Bearer/script"},
		{"an API key, a script with a signature and the response", "Bearer/longer_script"},
		{"AuthFields, 57 kB of JSON", "JSON57kB/apply"}, {"the same through a map", "JSON57kB/map"}, {"the same through json.RawMessage", "JSON57kB/rawmessage"},
	} {
		table = append(table, side{
			benchmark[0], time.Duration(r.get(benchmark[1], "ns/op")).String(), fmt.Sprint(r.get(benchmark[1], "B/op")), fmt.Sprint(r.get(benchmark[1], "allocs/op")),
		})
	}
	err = template.Must(template.New("").Parse(page)).Execute(os.Stdout, map[string]any{
		"Date": time.Now().UTC().Format(time.DateOnly), "Machine": machine(), "Rows": r.rows(), "Side": table,
		"ToOAuth2": r.get("Ratio/bearer_to_x.oauth2", "ratio"),
	})
	if err != nil {
		log.Fatal(err)
	}
}
