package definition_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// named returns a definition with a name and further members.
func named(name, more string) string {
	return `{"connectorauth": 1, "name": "` + name + `", ` + more + `
 "baseUrl": "https://api.example.com", "methods": [{"name": "key", "type": "ApiKey", "key": "k"}]}`
}

func folder(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text), ModTime: time.Now()}
	}
	return out
}

func load(t testing.TB, files map[string]string, patterns ...string) *definition.Set {
	t.Helper()
	set, err := definition.Load(folder(files), definition.Options{}, patterns...)
	require.NoError(t, err)
	return set
}

func TestLoadOfAMissingFolder(t *testing.T) {
	_, err := definition.Load(os.DirFS(filepath.Join(t.TempDir(), "absent")), definition.Options{}, "*.json", "*/*.json")
	require.Error(t, err)
	assert.Regexp(t, `^\.: the folder cannot be read: [^\n]+$`, err.Error())
}

func TestLoadReadsTheFilesOfAFolder(t *testing.T) {
	set, err := definition.Load(os.DirFS("testdata"), definition.Options{}, "services/*.json", "services/stripe.json")
	require.NoError(t, err)
	files, err := fs.Glob(os.DirFS("testdata"), "services/*.json")
	require.NoError(t, err)
	var names []string
	for _, d := range set.Definitions() {
		names = append(names, "services/"+d.Name+".json")
	}
	assert.Equal(t, files, names, "sorted by name")
	d, err := set.Lookup("stripe")
	require.NoError(t, err)
	assert.Equal(t, 1, d.Revision)
	_, err = set.Lookup("strype")
	assert.EqualError(t, err, `definition: there is no definition "strype"; did you mean stripe?`)
}

func TestMistakesOfAllFilesAreListedAtOnce(t *testing.T) {
	_, err := definition.Load(folder(map[string]string{
		"a.json":     `{"connectorauth": 1,`,
		"b.json":     named("b", `"nam": 1, "revision": 0,`),
		"c.json":     named("same", ""),
		"d.json":     named("same", ""),
		"e.json":     named("e", "\n \"was\": [\"f\", \"same\"],"),
		"f.json":     named("f", ""),
		"g.yml":      "name: g",
		"h.json/x":   "",
		"other.text": "",
	}), definition.Options{}, "[a-h].*", "nothing-*.json", "[")
	var failed *definition.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []string{
		`nothing-*.json: no file matches the pattern`,
		`[: the pattern is wrong: see path.Match`,
		`a.json:1:21: the document ends too early`,
		`b.json:1:35: nam: is no member here; did you mean name?`,
		`b.json:1:57: revision: want a whole number from 1`,
		`g.yml: is no .json file, and Options.Converters has nothing for the ending ".yml"`,
		`h.json: is a folder; give a pattern for its files, such as h.json/*.json`,
		`d.json:1:30: name: "same", revision 1, is there twice: see c.json`,
		`e.json:2:15: was[1]: "same" is a name, or a former name, of another definition: see c.json; after a rename, all revisions have the new name`,
		`f.json:1:30: name: "f" is a name, or a former name, of another definition: see e.json; after a rename, all revisions have the new name`,
	}, strings.Split(err.Error(), "\n"))

	_, err = definition.Load(folder(nil), definition.Options{})
	assert.EqualError(t, err, ".: give a pattern for the names of the files, such as *.json")
}

func TestMistakesOfManyFilesAreBounded(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("%d.json", i)] = `{"connectorauth": 1, "a": 1, "b": 2}`
	}
	files["long.json"] = strings.Repeat(" ", 2<<20)
	_, err := definition.Load(folder(files), definition.Options{}, "*.json")
	var failed *definition.Error
	require.ErrorAs(t, err, &failed)
	assert.Len(t, failed.Findings, 100)
	each := strings.Count(mistakes(files["0.json"]), "\n") + 1
	assert.Equal(t, 300*each+1-100, failed.More)
}

func TestHundredMistakesOfADocumentAreListed(t *testing.T) {
	for _, count := range []int{99, 100, 101} {
		text := `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "None"}]`
		for i := range count {
			text += fmt.Sprintf(`, "unknown%d": 1`, i)
		}
		_, err := definition.Parse("acme.json", []byte(text+"}"), definition.Options{})
		var failed *definition.Error
		require.ErrorAs(t, err, &failed)
		assert.Len(t, failed.Findings, min(count, 100))
		assert.Equal(t, max(count-100, 0), failed.More)
	}
}

func TestRevisionsAndFormerNames(t *testing.T) {
	set := load(t, map[string]string{
		"1.json": named("acme", `"title": "one",`),
		"2.json": named("acme", `"title": "three", "revision": 3, "was": ["old"],`),
		"3.json": named("acme", `"title": "two", "revision": 2,`),
		"4.json": named("beta", ""),
	}, "*.json")
	var titles []string
	for _, d := range set.Revisions("old") {
		titles = append(titles, d.Title)
	}
	assert.Equal(t, []string{"three", "two", "one"}, titles)
	assert.Len(t, set.Definitions(), 2)
	for _, name := range []string{"acme", "old"} {
		d, err := set.Lookup(name)
		require.NoError(t, err)
		assert.Equal(t, 3, d.Revision)
	}
	assert.Empty(t, set.Revisions("gamma"))
}

func TestSetOfDefinitions(t *testing.T) {
	a, b := parse(t, named("a", "")), parse(t, named("b", `"was": ["a"],`))
	set, err := definition.NewSet(a)
	require.NoError(t, err)
	assert.Equal(t, []*definition.Definition{a}, set.Definitions())
	_, err = definition.NewSet(a, b, a)
	assert.EqualError(t, err, "definition: \"a\" is a name, or a former name, of another definition: see a; after a rename, all revisions have the new name\n\"a\", revision 1, is there twice: see a")
}

// upsideDown reads documents whose lines are in reverse, as a notation of its own.
func upsideDown(document []byte) ([]byte, func(int, int) (int, int), error) {
	lines := bytes.Split(document, []byte("\n"))
	if !bytes.HasPrefix(lines[len(lines)-1], []byte("{")) {
		return nil, nil, &definition.Error{Findings: []definition.Finding{{Line: len(lines), Column: 1, Text: "does not end in {"}}}
	}
	var json [][]byte
	for i := range lines {
		json = append(json, lines[len(lines)-1-i])
	}
	return bytes.Join(json, []byte("\n")), func(line, column int) (int, int) { return len(lines) + 1 - line, column }, nil
}

func TestConvertersKeepThePlacesOfTheDocument(t *testing.T) {
	const good = ` "methods": [{"name": "a", "type": "None"}]}
 "baseUrl": "https://api.example.com",
{"connectorauth": 1, "name": "acme",`
	options := definition.Options{Converters: map[string]definition.Converter{
		".up":  upsideDown,
		".bad": func([]byte) ([]byte, func(int, int) (int, int), error) { return nil, nil, errors.New("is bad") },
	}}
	_, err := definition.Load(folder(map[string]string{"a.up": good}), options, "*.up")
	require.NoError(t, err)
	_, err = definition.Load(folder(map[string]string{
		"a.up": good, "b.up": good, "c.up": "x\ny", "d.bad": "",
		"e.up": strings.Replace(strings.Replace(good, "baseUrl", "baseURL", 1), "acme", "e", 1),
		"f.up": strings.Repeat("x", 2<<20),
	}), options, "*.*")
	require.Error(t, err)
	assert.Equal(t, []string{
		"c.up:2:1: does not end in {",
		"d.bad: is bad",
		"e.up:3:1: baseUrl: is missing",
		"e.up:2:2: baseURL: is no member here; did you mean baseUrl?",
		"f.up: is longer than 1048576 bytes",
		`b.up:3:30: name: "acme", revision 1, is there twice: see a.up`,
	}, strings.Split(err.Error(), "\n"))
}
