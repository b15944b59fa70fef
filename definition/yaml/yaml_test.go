package yaml_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	goyaml "go.yaml.in/yaml/v4"
)

const acme = `# Acme, in YAML
connectorauth: 1
name: acme
inputs:
  - name: subdomain
    format: label
  - {name: apiKey, secret: true}
baseUrl: https://{subdomain}.acme.example.com/api
methods:
- name: key
  type: ApiKey
  key: '{apiKey}'
  placement:
    name: X-Key
headers:
  Accept-Version: 2026-01-31
  X-Note: >-
    one
    line
`

// mistakes returns the lines of the error of a document.
func mistakes(document string) []string {
	_, err := yaml.Parse("acme.yaml", []byte(document), definition.Options{})
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestDefinitionInYAML(t *testing.T) {
	d, err := yaml.Parse("acme.yaml", []byte(acme), definition.Options{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Accept-Version": "2026-01-31", "X-Note": "one line"}, d.Headers)
	c, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"subdomain": "a", "apiKey": "k"}})
	require.NoError(t, err)
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "https://a.acme.example.com/api", base)
}

func TestMistakesHaveTheirPlaceInTheYAML(t *testing.T) {
	got := mistakes(`# a comment
---
connectorauth: 1
name: Acme
baseURL: https://api.example.com
inputs:
  - name: a
    format: lable
    secret: yes
  - {name: a,
     help: text}
  - name: é
    enum: [1, "2", 3.10]
methods:
  - name: key
    name: key2
    type: ApiKey
    key: 12
  - type: None
    name: open
title:
`)
	assert.Equal(t, []string{
		`acme.yaml:3:1: baseUrl: is missing`,
		`acme.yaml:4:7: name: "Acme" is no name; use at most 64 lower-case letters, digits, '-' and '_'`,
		`acme.yaml:5:1: baseURL: is no member here; did you mean baseUrl?`,
		`acme.yaml:8:13: inputs[0].format: "lable" is none of text, label, host, origin, url, uuid, email, integer, key; did you mean label?`,
		`acme.yaml:9:13: inputs[0].secret: is text; want true or false`,
	}, got[:min(5, len(got))])
	rest := strings.Join(got, "\n")
	for _, want := range []string{
		`acme.yaml:12:11: inputs[2].name: "é" is no name of an input`,
		`acme.yaml:13:12: inputs[2].enum[0]: is a number; want text in quotes, or an object`,
		`acme.yaml:13:20: inputs[2].enum[2]: is a number; want text in quotes, or an object`,
		`acme.yaml:16:5: "name" is there twice; remove one`,
		`acme.yaml:18:10: methods[0].key: is a number; want text in quotes`,
		`acme.yaml:21:7: title: is null; leave the member out`,
	} {
		assert.Contains(t, rest, want)
	}
}

// What YAML has beyond JSON is refused where it stands.
func TestBeyondJSON(t *testing.T) {
	for document, want := range map[string]string{
		"a: &x 1":                    "1:4: an anchor is not allowed",
		"a: b\nc: &x\n  d: e":        "2:4: an anchor is not allowed",
		"&x a: b":                    "1:1: an anchor is not allowed",
		"a: [&x 1]":                  "1:5: an anchor is not allowed",
		"a: &x 1\nb: *x":             "2:4: an alias is not allowed",
		"a: &x k\n*x : 1":            "2:1: an alias is not allowed",
		"a: *x":                      "1:4: is not YAML: unknown anchor",
		"a: !!str 1":                 "1:4: a tag is not allowed",
		"a: ! 1":                     "1:4: a tag is not allowed",
		"a: !custom {b: c}":          "1:4: a tag is not allowed",
		"a: !!binary aGk=":           "1:4: a tag is not allowed",
		"a: !!map {b: c}":            "1:4: a tag is not allowed",
		"a: !!seq [b]":               "1:4: a tag is not allowed",
		"!!str a: b":                 "1:1: a tag is not allowed",
		"--- !!map\na: b":            "a tag is not allowed",
		"<<: {a: b}":                 "1:1: the merge key << is not allowed",
		"a: {<<: {b: c}}":            "1:5: the merge key << is not allowed",
		"1: a":                       "1:1: the name of a member is text; write the name in quotes",
		"a:\n  true: b":              "2:3: the name of a member is text; write the name in quotes",
		"null: a":                    "1:1: the name of a member is text; write the name in quotes",
		"2026-01-01: a":              "1:1: the name of a member is text; write the name in quotes",
		"0o17: a":                    "1:1: the name of a member is text; write the name in quotes",
		": a":                        "1:1: the name of a member is text; write the name in quotes",
		"? [a]\n: b":                 "1:3: the name of a member is text",
		"{a: b}: c":                  "1:1: the name of a member is text",
		"a: b\n---\nc: d":            "3:1: a second document begins; a file has one",
		"a: b\n...\n---\nc":          "4:1: a second document begins; a file has one",
		"%YAML 1.1\n---\na: b":       "1:1: a directive such as %YAML is not allowed",
		"%TAG ! tag:x\n---\na: b":    "1:1: a directive such as %YAML is not allowed",
		"a: b\nc: \xff":              "2:4: is not UTF-8",
		"\xff\xfea\x00:\x00":         "1:1: is not UTF-8",
		"a\x00: b":                   "1:2: has the character U+0000",
		"é: b\u2028c: d":             "1:5: the character U+2028 is a line break for some",
		"a: b\rc: \u0085":            "2:4: the character U+0085 is a line break for some",
		"a: b: c":                    "1:5: is not YAML: ",
		"a: [1, 2":                   "is not YAML: while parsing a flow sequence",
		"\ta: b":                     "1:1: is not YAML: ",
		"":                           "1:1: the document is empty",
		"# nothing\n":                "1:1: the document is empty",
		"---\n":                      "2:1: want an object",
		strings.Repeat("[", 20000):   "is not YAML: ",
		strings.Repeat(" ", 1<<20+1): "1:1: is longer than 1048576 bytes",
		strings.Repeat("[", 40) + strings.Repeat("]", 40): "1:34: is more than 32 deep",
	} {
		got := mistakes(document)
		require.NotEmpty(t, got, "%.40q", document)
		assert.Contains(t, strings.Join(got, "\n"), want, "%.40q", document)
		assert.Regexp(t, `^acme.yaml:[1-9][0-9]*:[1-9][0-9]*: `, got[0])
	}
}

// All such mistakes are listed at once.
func TestMistakesBeyondJSONAreListedTogether(t *testing.T) {
	assert.Len(t, mistakes("a: &x 1\nb: *x\nc: !t d\n1: e"), 4)
	many := mistakes(strings.Repeat("- !t a\n", 150))
	require.Len(t, many, 101)
	assert.Equal(t, "and 50 more", many[100])
}

// Scalars without quotes are what JSON reads, or text as written.
func TestScalars(t *testing.T) {
	for scalar, want := range map[string]string{
		"true": "true", "false": "false", "0": "0", "-1": "-1", "200": "200", "3.10": "3.10", "1e3": "1e3", "-1.5E-7": "-1.5E-7",
		"": "null", "~": "null", "null": "null", "Null": "null",
		"yes": `"yes"`, "no": `"no"`, "on": `"on"`, "y": `"y"`, "True": `"True"`, "FALSE": `"FALSE"`, "2026-01-31": `"2026-01-31"`, "2026-01-31T10:00:00Z": `"2026-01-31T10:00:00Z"`,
		"1_000": `"1_000"`, "0o17": `"0o17"`, "012": `"012"`, "0x1F": `"0x1F"`, "0b1": `"0b1"`, "+1": `"+1"`, ".5": `".5"`, "1.": `"1."`, ".inf": `".inf"`, ".NaN": `".NaN"`,
		"1:30": `"1:30"`, "1.2.3": `"1.2.3"`, "a b  c": `"a b  c"`, "=": `"="`, "https://{x}.example.com/?a=b&c": `"https://{x}.example.com/?a=b&c"`, "a # b": `"a"`, "<b>": `"<b>"`,
		`"true"`: `"true"`, `'1'`: `"1"`, `'it''s'`: `"it's"`, `"\x41\u00e9\U0001F600\/"`: `"Aé😀/"`, "|\n  a\n  b\n": `"a\nb\n"`, ">-\n  a\n  b\n": `"a b"`, "|\n  1": `"1"`, `"\u2028"`: `"\u2028"`, `"\0"`: `"\u0000"`,
	} {
		text, place, err := yaml.ToJSON([]byte("value: " + scalar))
		require.NoError(t, err, scalar)
		var value map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &value), "%s: %s", scalar, text)
		assert.Equal(t, want, string(value["value"]), scalar)
		line, column := place(3, 1) // {, the name, and the value
		assert.Equal(t, 1, line)
		assert.Equal(t, map[bool]int{true: 7, false: 8}[scalar == ""], column, scalar)
	}
}

// corpora are the right documents of package definition.
func corpora(t testing.TB) map[string][]byte {
	t.Helper()
	list := map[string][]byte{}
	for _, pattern := range []string{"../testdata/services/*.json", "../testdata/corpus/right/*.json"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			document, err := os.ReadFile(file)
			require.NoError(t, err)
			list[file] = document
		}
	}
	return list
}

// block returns a document in the block style of YAML, with as few quotes as possible.
func block(t testing.TB, document []byte) []byte {
	t.Helper()
	var root goyaml.Node
	require.NoError(t, goyaml.Load(document, &root))
	var plain func(n *goyaml.Node)
	plain = func(n *goyaml.Node) {
		n.Style = 0
		for _, inner := range n.Content {
			plain(inner)
		}
	}
	plain(&root)
	text, err := goyaml.Dump(&root)
	require.NoError(t, err)
	return text
}

// JSON is YAML: each right document, and the same in the block style, gives the
// definition that JSON gives.
func TestYAMLGivesTheDefinitionOfTheJSON(t *testing.T) {
	for file, document := range corpora(t) {
		want, err := definition.Parse(file, document, definition.Options{})
		require.NoError(t, err)
		for style, text := range map[string][]byte{"JSON": document, "block": block(t, document)} {
			got, err := yaml.Parse(file, text, definition.Options{})
			if assert.NoError(t, err, "%s, %s", file, style) {
				assert.Equal(t, want, got, "%s, %s", file, style)
			}
		}
		assert.NotContains(t, string(block(t, document)), "\n  \"methods\"", "the block style is not JSON")
	}
}

// A wrong document has its mistakes at the places of the JSON.
func TestMistakesOfJSONHaveTheSamePlace(t *testing.T) {
	for _, folder := range []string{"wrong", "unseen"} {
		files, err := filepath.Glob("../testdata/corpus/" + folder + "/*.json")
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			document, err := os.ReadFile(file)
			require.NoError(t, err)
			if !json.Valid(document) || strings.HasSuffix(file, "half-a-character.json") {
				continue
			}
			_, want := definition.Parse(file, document, definition.Options{})
			_, got := yaml.Parse(file, document, definition.Options{})
			assert.Equal(t, want, got, file)
		}
	}
}

// Documents that keep a reader of YAML busy end soon.
func TestHostileDocumentsEndSoon(t *testing.T) {
	for name, part := range map[string]string{
		"lists": "[", "maps": "{", "elements": "- ", "keys": "? ", "empty keys": "?\n", "quotes": `"`, "comments": "#\n", "members": "a: 1\n", "open members": "a: b, ", "anchors": "- &a b\n",
		"aliases": "- *a\n", "tags": "!<", "colons": ":", "documents": "---\n", "escapes": `"\x41" `, "blanks": " ", "lines": "\n", "nulls": "-\n", "percents": "%a b\n", "pairs": "[a: ",
	} {
		for _, before := range []string{"", "[", "&a ["} {
			document := before + strings.Repeat(part, 32<<10/len(part))
			began := time.Now()
			_, err := yaml.Parse("f", []byte(document), definition.Options{})
			var failed *definition.Error
			require.True(t, errors.As(err, &failed), "%s after %q", name, before)
			assert.Less(t, time.Since(began), 30*time.Second, "%s after %q", name, before)
		}
	}
}
