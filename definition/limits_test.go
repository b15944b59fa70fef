package definition_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A document can cost its reader 10 ms per kB at most, whatever the document repeats.
func TestDocumentsCannotKeepAProgramBusy(t *testing.T) {
	many := func(count int, format string) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, format, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	const begin = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", `
	for name, document := range map[string]string{
		"unknown members":      begin + many(50_000, `"member%d": 1,`) + "}",
		"equal members":        begin + strings.TrimSuffix(strings.Repeat(`"a": 1,`, 100_000), ",") + "}",
		"unknown values":       begin + `"inputs": [` + many(50, `{"name": "in%d"},`) + `], "methods": [{"name": "a", "type": "ApiKey", "key": "` + many(90_000, "{n%d}") + `"}]}`,
		"methods and headers":  begin + `"methods": [` + many(5000, `{"name": "m%d", "type": "None"},`) + `], "headers": {` + many(10_000, `"bad %d": "",`) + "}}",
		"many methods":         begin + `"methods": [` + many(50, `{"name": "m%d", "type": "None"},`) + `], "headers": {` + many(50, `"bad %d": "{x}{y}{z}",`) + "}}",
		"patterns":             begin + `"inputs": [` + many(50, `{"name": "i%d", "pattern": "`+strings.Repeat("(a{500})", 60)+`"},`) + "]}",
		"nested repetitions":   begin + `"inputs": [{"name": "a", "pattern": "((a{30}){30}){30}"}]}`,
		"enums in a host":      begin + `"inputs": [` + many(10, `{"name": "i%d", "enum": [`+strings.ReplaceAll(many(100, `"a%d",`), "%", "%%")+`]},`) + `], "baseUrls": {"x": "https://a{i0}{i1}{i2}{i3}{i4}{i5}{i6}{i7}{i8}{i9}"}, "methods": [{"name": "a", "type": "None"}]}`,
		"functions":            begin + `"methods": [{"name": "a", "type": "ApiKey", "key": "` + strings.Repeat("{lower(", 100_000) + `"}]}`,
		"braces":               begin + `"methods": [{"name": "a", "type": "ApiKey", "key": "` + strings.Repeat("{{", 300_000) + `{"}]}`,
		"lists":                begin + `"was": [` + many(200_000, "%d,") + "]}",
		"deep":                 strings.Repeat("[", 1<<20),
		"a text without a end": `"` + strings.Repeat(`\\`, 1<<18),
	} {
		began := time.Now()
		text := mistakes(document)
		took := time.Since(began)
		assert.NotEmpty(t, text, name)
		assert.LessOrEqual(t, len(text), 40_000, name)
		assert.Less(t, took, 30*time.Second, name)
		t.Logf("%s: %d kB in %s", name, len(document)/1000, took)
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// A document costs memory in proportion to its size, whatever the document repeats.
func TestDocumentsCannotTakeAllMemory(t *testing.T) {
	long := strings.Repeat("a", 60_000)
	repeats := func(names string) string {
		return `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "a", "format": "text", "default": "` + long + `"}, {"name": "b", "format": "label", "default": "b"}], ` + names + `}`
	}
	for name, document := range map[string]string{
		"value in a key":      repeats(`"baseUrl": "https://api.example.com", "methods": [{"name": "m", "type": "ApiKey", "key": "` + strings.Repeat("{a}", 3000) + `"}]`),
		"value in parameters": repeats(`"baseUrl": "https://api.example.com", "methods": [{"name": "m", "type": "OAuth2", "tokenUrl": "https://a.example.com/", "grant": {"clientCredentials": {}}, "dialect": {"tokenParams": {"x": [` + strings.TrimSuffix(strings.Repeat(`"{a}-",`, 900), ",") + `]}}}]`),
		"value in a host":     repeats(`"baseUrl": "https://` + strings.Repeat("{b}.", 20_000) + `example.com", "methods": [{"name": "m", "type": "None"}]`),
		"value in a path":     repeats(`"baseUrl": "https://api.example.com` + strings.Repeat("/{a}", 3000) + `", "methods": [{"name": "m", "type": "None"}]`),
	} {
		text := ""
		assert.Less(t, allocated(func() { text = mistakes(document) }), 32<<20, name)
		assert.NotEmpty(t, text, name)
		assert.LessOrEqual(t, len(text), 40_000, name)
	}
}
