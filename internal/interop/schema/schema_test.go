// Package schema_test compares the loader of definitions with two validators of JSON
// Schema: santhosh-tekuri/jsonschema and the npm package ajv. Without Node.js the tests
// skip, or fail if CONNECTORAUTH_TEST_REQUIRE is set.
package schema_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/interop/npm"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/internal/test/race"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// testdata is the folder of definitions to test with.
const testdata = "../../../definition/testdata"

// documents returns the documents of a folder of testdata, by file.
func documents(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata, folder, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	list := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		list[folder+"/"+filepath.Base(file)] = string(text)
	}
	return list
}

// verdict is who takes a document.
type verdict struct{ loader, jsonschema, ajv bool }

// judged returns the verdicts on documents, and the errors of the loader.
func judged(t *testing.T, list map[string]string) (map[string]verdict, map[string]error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"package.json", "oracle.js"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	if err := npm.Install(dir); err != nil {
		if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(definition.Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("schema.json", schema))
	compiled, err := compiler.Compile("schema.json")
	require.NoError(t, err)

	var names, texts []string
	for name, text := range list {
		names, texts = append(names, name), append(texts, text)
	}
	question, err := json.Marshal(map[string]any{"schema": definition.Schema(), "documents": texts})
	require.NoError(t, err)
	node := exec.Command("node", "oracle.js")
	node.Dir, node.Stdin, node.Stderr = dir, bytes.NewReader(question), new(bytes.Buffer)
	output, err := node.Output()
	require.NoError(t, err, "%s", node.Stderr)
	var ajv []bool
	require.NoError(t, json.Unmarshal(output, &ajv))
	require.Len(t, ajv, len(names))

	verdicts, errors := map[string]verdict{}, map[string]error{}
	for i, name := range names {
		_, errors[name] = definition.Parse(name, []byte(texts[i]), definition.Options{})
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(texts[i]))
		verdicts[name] = verdict{errors[name] == nil, err == nil && compiled.Validate(value) == nil, ajv[i]}
	}
	return verdicts, errors
}

// The loader and both validators agree on the corpus; in the folder unseen are mistakes
// that a schema cannot see.
func TestCorpus(t *testing.T) {
	want := map[string]verdict{
		"services":      {loader: true, jsonschema: true, ajv: true},
		"corpus/right":  {loader: true, jsonschema: true, ajv: true},
		"corpus/wrong":  {loader: false, jsonschema: false, ajv: false},
		"corpus/unseen": {loader: false, jsonschema: true, ajv: true},
	}
	all := map[string]string{}
	for folder := range want {
		maps.Copy(all, documents(t, folder))
	}
	verdicts, errors := judged(t, all)
	for name, got := range verdicts {
		assert.Equal(t, want[path.Dir(name)], got, "%s: %v", name, errors[name])
	}
}

// byShape matches the mistakes that every schema sees.
var byShape = regexp.MustCompile(`is no member here|is null; leave|is (text|a number|true or false|a list|an object); want|has no type|is none of (text|ApiKey|token|client_|RS256|HMAC)|unknown word`)

// Each right document is changed in one place in many ways: the validators agree on each
// change, take what the loader takes, and see what a schema can see.
func TestChangedDocuments(t *testing.T) {
	changed, n := map[string]string{}, 0
	for _, folder := range []string{"services", "corpus/right"} {
		for name, text := range documents(t, folder) {
			var document any
			require.NoError(t, json.Unmarshal([]byte(text), &document))
			change(document, "", func(how string) {
				if n++; n%race.Fewer(1, 10) > 0 {
					return
				}
				text, err := json.Marshal(document)
				require.NoError(t, err)
				changed[name+": "+how] = string(text)
			})
		}
	}
	require.Greater(t, n, 5000)
	verdicts, errors := judged(t, changed)
	taken := 0
	for how, got := range verdicts {
		assert.Equal(t, got.jsonschema, got.ajv, how)
		if got.loader {
			taken++
			assert.True(t, got.jsonschema, "%s: the loader takes what the schema refuses", how)
		} else if byShape.MatchString(errors[how].Error()) {
			assert.False(t, got.jsonschema, "%s: the schema takes what the loader refuses: %v", how, errors[how])
		}
	}
	t.Logf("%d changes, of which the loader takes %d", len(changed), taken)
}

// change changes one value of a tree at a time, calls seen and restores the value.
func change(tree any, at string, seen func(how string)) {
	others := func(value any, set func(any), name string) {
		if strings.HasPrefix(name, "x-") {
			return
		}
		for how, other := range map[string]any{
			"null": nil, "true": true, "1": 1, "-1.5": -1.5, "empty text": "", "a word": "get", "a URL": "https://example.com", "a template": "{subdomain}",
			"1h": "1h", "a list": []any{}, "a list of texts": []any{"a", "a"}, "an object": map[string]any{}, "an object of others": map[string]any{"x-a": 1},
		} {
			set(other)
			seen(at + "/" + name + " is " + how)
		}
		set(value)
		change(value, at+"/"+name, seen)
	}
	switch tree := tree.(type) {
	case map[string]any:
		for name, value := range tree {
			others(value, func(v any) { tree[name] = v }, name)
			delete(tree, name)
			seen(at + "/" + name + " is left out")
			tree[name+"s"] = value
			seen(at + "/" + name + "s in place of " + name)
			delete(tree, name+"s")
			tree[name] = value
		}
		tree["zzz"] = "a"
		seen(at + "/zzz more")
		delete(tree, "zzz")
	case []any:
		for i, value := range tree {
			others(value, func(v any) { tree[i] = v }, "element")
		}
	}
}
