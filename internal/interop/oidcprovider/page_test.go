package oidcprovider_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var write = flag.Bool("write", false, "write docs/wire.md")

// page is where the comparison is kept.
const page = "../../../docs/wire.md"

// A difference is what differs from the reference client, and why.
type difference struct {
	where        string // the beginning of the name of the request; empty: any request
	part         string // the beginning of the name
	ours, theirs string // empty: absent; "any": not empty
	why          string
}

// explains reports whether d is the difference of a part of a request.
func (d difference) explains(request, part, ours, theirs string) bool {
	fits := func(want, value string) bool { return want == value || want == "any" && value != "" }
	return strings.HasPrefix(request, d.where) && strings.HasPrefix(part, d.part) && fits(d.ours, ours) && fits(d.theirs, theirs)
}

// known are all differences.
var known = []difference{
	{
		part: "header Accept", theirs: "application/json",
		why: "no Accept means any type (RFC 9110 section 12.5.1), and the connector reads JSON and forms. TokenHeader of the dialect adds the header for a provider that needs the header",
	},
	{part: "header Accept", theirs: "*/*", why: "fetch adds the header, which means the same as none"},
	{
		part: "header Content-Type", ours: "application/x-www-form-urlencoded", theirs: "application/x-www-form-urlencoded;charset=UTF-8",
		why: "the media type has no parameters (RFC 6749 appendix B)",
	},
	{
		part: "assertion exp", ours: "180 s after iat", theirs: "60 s after iat",
		why: "a slow network and a clock that is wrong by some seconds do no harm; Claims.Lifetime makes the time shorter",
	},
	{part: "assertion nbf", theirs: "present", why: "optional (RFC 7523 section 3). A provider whose clock is late would refuse the assertion"},
	{part: "assertion header typ", ours: "JWT", why: "optional (RFC 7519 section 5.1), and some providers want the member"},
	{
		where: "device authorization request", part: "proof", ours: "any",
		why: "RFC 9449 asks for no proof here; with a proof, a provider can bind the device code to the key, as with a pushed authorization request",
	},
}

// keep compares the page with rows, or writes the page.
func keep(t *testing.T, rows []row) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	const begin = "| request |"
	head, _, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	var b strings.Builder
	b.WriteString(head + begin + " flows | the same | different |\n| --- | --- | --- | --- |\n")
	used := map[int]bool{}
	for i, r := range rows {
		alike := func(o row) bool { return o.request == r.request && o.text() == r.text() }
		if slices.IndexFunc(rows, alike) < i {
			continue
		}
		var among []string
		for _, o := range rows {
			if alike(o) {
				among = append(among, o.flow)
			}
		}
		for _, d := range r.differences {
			used[d] = true
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.request, strings.Join(among, ", "), r.text())
	}
	b.WriteString("\n| | what | connectorauth | openid-client | why |\n| --- | --- | --- | --- | --- |\n")
	for i, d := range known {
		assert.True(t, used[i], "nothing differs any more: %s", d.part)
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", i+1, d.part, value(d.ours), value(d.theirs), d.why)
	}
	if *write {
		require.NoError(t, os.WriteFile(page, []byte(b.String()), 0o644))
		return
	}
	assert.Equal(t, string(text), b.String(), "run the test with -write")
}

// text returns the two last cells of a row.
func (r row) text() string {
	var parts, numbers []string
	for _, name := range r.same {
		prefix, rest, _ := strings.Cut(name, " ")
		if last := len(parts) - 1; rest != "" && last >= 0 && strings.HasPrefix(parts[last], prefix+" (") {
			parts[last] = strings.TrimSuffix(parts[last], ")") + ", " + rest + ")"
		} else if rest != "" {
			parts = append(parts, prefix+" ("+rest+")")
		} else {
			parts = append(parts, name)
		}
	}
	for _, d := range slices.Compact(slices.Sorted(slices.Values(r.differences))) {
		numbers = append(numbers, fmt.Sprint(d+1))
	}
	return strings.Join(parts, ", ") + " | " + strings.Join(numbers, ", ")
}

// value is a value in a cell.
func value(text string) string {
	switch text {
	case "":
		return "none"
	case "any":
		return "present"
	}
	return "`" + text + "`"
}
