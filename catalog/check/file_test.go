package check_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/check"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// acme returns the file that the README shows to contributors.
func acme(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "```json\n")
	require.True(t, ok)
	block, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	return []byte(block)
}

// changed returns acme after a change.
func changed(t *testing.T, change func(d object)) []byte {
	t.Helper()
	var d object
	require.NoError(t, json.Unmarshal(acme(t), &d))
	change(d)
	text, err := json.Marshal(d)
	require.NoError(t, err)
	return text
}

func TestTheFileOfTheReadmeHasNoProblems(t *testing.T) {
	assert.Empty(t, check.File(check.Service, "acme.json", acme(t)))
}

// TestFileSaysWhatIsMissing is what a contributor reads.
func TestFileSaysWhatIsMissing(t *testing.T) {
	sources := func(d object) object { return d["x-sources"].(object) }
	for name, c := range map[string]struct {
		file   string
		shelf  check.Shelf
		change func(d object)
		want   string
	}{
		"no JSON":                     {change: func(d object) { d["baseUrl"] = 1 }, want: `acme.json:1:12: baseUrl: is a number; want text in quotes`},
		"another file":                {file: "other.json", want: "other.json: name: the file of acme is called acme.json"},
		"no sources":                  {change: func(d object) { delete(d, "x-sources") }, want: "acme.json: x-sources is missing; say who says what of the service, and when"},
		"a text for a fact":           {change: func(d object) { sources(d)["base"] = "https://api.example.com/v1" }, want: `acme.json: x-sources.base: is a string; want a fact, such as {"v": "https://api.example.com", "by": ["documentation"]}`},
		"a text for a list":           {change: func(d object) { in(sources(d), "base")["by"] = "amp" }, want: `acme.json: x-sources.base.by: is a string, and must be another kind of value; see the README of the catalogue`},
		"a member of its own":         {change: func(d object) { in(sources(d), "base")["value"] = "x" }, want: `acme.json: x-sources: nothing has a member "value"; the members are those of Source in internal/facts`},
		"no reasons":                  {change: func(d object) { d["x-lint"] = "so" }, want: `acme.json: x-lint: is a string, and must be another kind of value; see the README of the catalogue`},
		"no date":                     {change: func(d object) { delete(sources(d), "date") }, want: "acme.json: x-sources.date: want the date of the facts, such as 2026-11-27"},
		"a witness without a date":    {change: func(d object) { delete(in(sources(d), "witnesses"), "amp") }, want: "acme.json: x-sources.witnesses: want the date of amp"},
		"no page of the docs":         {change: func(d object) { delete(sources(d), "read") }, want: "acme.json: x-sources.read: want the pages of the documentation that were read"},
		"a fact without a witness":    {change: func(d object) { in(sources(d), "testId")["by"] = []any{} }, want: `acme.json: x-sources.testId: "/id" has no witness; say in by who says so`},
		"a fact with a witness twice": {change: func(d object) { in(sources(d), "testId")["by"] = []any{"amp", "amp"} }, want: `acme.json: x-sources.testId: "/id" names amp twice`},
		"a witness that counts twice": {change: func(d object) {
			in(sources(d), "base")["by"] = []any{"amp"}
			in(sources(d), "base")["hostBy"] = []any{"amp"}
		}, want: "acme.json: x-sources: one witness alone says the essential facts; move the file to drafts, or add a witness"},
		"a witness of nothing":       {change: func(d object) { in(sources(d), "witnesses")["goth"] = "2026-02" }, want: "acme.json: x-sources.witnesses: goth says nothing; name the facts that it says, or take it out"},
		"a page that is no page":     {change: func(d object) { objects(sources(d)["read"])[0]["url"] = "https://docs.example.com/" }, want: `acme.json: x-sources.read[0].url: "https://docs.example.com/" is no page; want the https address of the page itself`},
		"a page that says nothing":   {change: func(d object) { objects(sources(d)["read"])[0]["says"] = " " }, want: "acme.json: x-sources.read[0]: want the date, and what the page says in your words"},
		"this library as a page":     {change: func(d object) { objects(sources(d)["read"])[0]["says"] = "A row of internal/test/providers says so." }, want: "acme.json: x-sources.read[0].says: quotes this library, which is no witness; open the page"},
		"a test that accepts all":    {change: func(d object) { in(d, "test")["ok"] = []any{200, 401} }, want: "acme.json: test.ok: 401 is what services respond without a good credential too; want 200 to 299"},
		"one witness on the shelf":   {change: func(d object) { in(sources(d), "base")["by"] = []any{"amp"} }, want: "acme.json: x-sources: one witness alone says the essential facts; move the file to drafts, or add a witness"},
		"two witnesses for a draft":  {shelf: check.Draft, want: "acme.json: x-sources: 2 witnesses say the essential facts; move the file to services"},
		"a method without sources":   {change: func(d object) { sources(d)["methods"] = object{} }, want: "acme.json: x-sources.methods: lacks the method key"},
		"sources without a method":   {change: func(d object) { in(sources(d), "methods")["oauth"] = object{"type": "OAuth2"} }, want: "acme.json: x-sources.methods.oauth: is no method of the definition"},
		"another type":               {change: func(d object) { in(sources(d), "methods", "key")["type"] = "Basic" }, want: `acme.json: x-sources.methods.key.type: is "Basic", and the method is of the type ApiKey`},
		"a finding without a reason": {change: func(d object) { delete(in(d, "test"), "id"); delete(sources(d), "testId") }, want: `acme.json:1:307: test.id: is missing; without an identity nobody can tell whether a new consent is of the same account; or say in x-lint why "test.id" stays so`},
		"a reason without a finding": {change: func(d object) { d["x-lint"] = object{"title": "why not"} }, want: "acme.json: x-lint: has a reason for title, where Lint finds nothing"},
		"scopes of no test": {change: func(d object) {
			sources(d)["testScopes"] = object{"v": "me", "by": []any{"amp"}}
			delete(sources(d), "test")
		}, want: "acme.json: x-sources.testScopes: are the scopes of a test, and x-sources.test is missing"},
		"two fields of one title": {change: func(d object) {
			d["inputs"] = []any{object{"name": "other", "title": "API key", "optional": true}}
		}, want: `acme.json: key: form: two fields have the title "API key"; people cannot tell them apart`},
		"a small title": {change: func(d object) {
			d["inputs"] = []any{object{"name": "other", "title": "other", "optional": true}}
		}, want: `acme.json: key: form: the title "other" begins with a small letter`},
		"a secret that is optional": {change: func(d object) {
			objects(objects(d["methods"])[0]["inputs"])[0]["optional"] = true
		}, want: `acme.json: key: form: "API key" is a secret, and optional; without the secret, requests would go out without a credential`},
		"a host called a URL": {change: func(d object) {
			d["inputs"] = []any{object{"name": "site", "title": "Base URL", "format": "host", "suffixes": []any{".example.com"}, "example": "www.example.com"}}
			d["baseUrl"] = "https://{site}/v1"
		}, want: `acme.json: key: form: "Base URL" asks for a URL, and takes a host, such as www.example.com; say host in the title`},
		"another place":        {change: func(d object) { in(d["methods"].([]any)[0].(object), "placement")["name"] = "X-Key" }, want: `acme.json: key: replay: api request: want {apiKey} once in header X-Api-Key, got none; change the definition, or x-sources.methods.key.carries[0]`},
		"another host":         {change: func(d object) { d["baseUrl"] = "https://api.example.org/v1" }, want: "acme.json: key: replay: GET https://api.example.org/v1/replay-of-a-call: the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods.key"},
		"another test request": {change: func(d object) { in(d, "test")["request"] = "GET /you" }, want: "acme.json: key: replay: the test request is another one than the sources know; change test.request, or x-sources.test"},
	} {
		change := c.change
		if change == nil {
			change = func(object) {}
		}
		file, shelf := c.file, c.shelf
		if file == "" {
			file = "acme.json"
		}
		if shelf == "" {
			shelf = check.Service
		}
		problems := check.File(shelf, file, changed(t, change))
		assert.Contains(t, problems, c.want, name)
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(problems))), len(problems), "%s: a problem is there twice", name)
	}
}

// TestTheScopesOfTheTestAreAskedFor takes scopes out of a definition whose test wants them.
func TestTheScopesOfTheTestAreAskedFor(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "services", "reddit.json"))
	require.NoError(t, err)
	for want, scopes := range map[string]string{"": "identity", "reddit.json: oauth: lacks the scope wiki, which the test wants": "identity wiki"} {
		var d object
		require.NoError(t, json.Unmarshal(text, &d))
		in(d, "x-sources")["testScopes"] = object{"v": scopes, "by": []any{"socialite"}}
		changed, err := json.Marshal(d)
		require.NoError(t, err)
		problems := check.File(check.Service, "reddit.json", changed)
		if want == "" {
			assert.Empty(t, problems)
		} else {
			assert.Equal(t, []string{want}, problems)
		}
	}
}
