package openapi_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/openapi"
	"github.com/stretchr/testify/require"
)

// FuzzImport looks for a document that breaks Import, takes long, or makes a draft without
// open questions that Parse refuses. Half of the questions are answered at random.
func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text, byte(0), "https://a.example.com")
		f.Add(text, byte(1), "no")
	}
	f.Fuzz(func(t *testing.T, document []byte, choice byte, text string) {
		given := answers{}
		for range 6 {
			began := time.Now()
			draft, err := openapi.Import("f", document, openapi.Options{Answers: given})
			require.Less(t, time.Since(began), 30*time.Second+20*time.Millisecond*time.Duration(len(document)/1000))
			if err != nil {
				require.NotEmpty(t, err.Error())
				return
			}
			written, err := draft.Definition.Document()
			require.NoError(t, err)
			if len(draft.Questions) == 0 {
				_, err = definition.Parse("f", written, definition.Options{AnyHost: true})
				require.NoError(t, err, string(written))
				return
			}
			for _, q := range draft.Questions {
				require.NotEmpty(t, q.ID)
				require.NotEmpty(t, q.Text)
				require.Positive(t, q.Line)
				if given[q.ID] = text; len(q.Choices) > 0 && (!q.Other || choice%2 == 0) {
					given[q.ID] = q.Choices[int(choice)%len(q.Choices)].Value
				}
			}
		}
	})
}

func TestDocumentsCannotKeepAProgramBusy(t *testing.T) {
	repeat := func(count int, format func(i int) string) string {
		parts := make([]string, count)
		for i := range parts {
			parts[i] = format(i)
		}
		return strings.Join(parts, ",")
	}
	n := func(prefix string, i int) string {
		return prefix + strings.Repeat("x", i%40) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26))
	}
	const begin = `{"openapi": "3.0.0", "info": {"title": "a"}, "servers": [{"url": "https://api.example.com"}], `
	key := func(i int) string {
		return `"` + n("k", i) + `": {"type": "apiKey", "in": "header", "name": "X-` + n("h", i) + `"}`
	}
	for name, document := range map[string]string{
		"alternatives": begin + `"security": [` + repeat(9000, func(i int) string { return `{"` + n("k", i) + `": []}` }) + `], "components": {"securitySchemes": {` + repeat(9000, key) + `}}}`,
		"together":     begin + `"security": [{` + repeat(5000, func(i int) string { return `"` + n("k", i) + `": []` }) + `}], "components": {"securitySchemes": {` + repeat(5000, key) + `}}}`,
		"references":   begin + `"paths": {` + repeat(9000, func(i int) string { return `"/` + n("p", i) + `": {"$ref": "#/paths/~1` + n("p", i+1) + `"}` }) + `}}`,
		"own servers": begin + `"security": [{}], "paths": {` + repeat(9000, func(i int) string {
			return `"/` + n("p", i) + `": {"servers": [{"url": "https://` + n("h", i) + `.example.com"}], "get": {}}`
		}) + `}}`,
		"scopes": begin + `"security": [{"o": [` + repeat(9000, func(i int) string { return `"` + n("s", i) + `"` }) + `]}], "components": {"securitySchemes": {"o": {"type": "oauth2", "flows": {"clientCredentials": {
			"tokenUrl": "https://a.example.com", "scopes": {` + repeat(9000, func(i int) string { return `"` + n("s ", i) + `": ""` }) + `}}}}}}}`,
		"servers":   `{"openapi": "3.0.0", "info": {"title": "a"}, "servers": [` + repeat(9000, func(i int) string { return `{"url": "https://` + n("h", i) + `.example.com"}` }) + `]}`,
		"variables": `{"openapi": "3.0.0", "info": {"title": "a"}, "servers": [{"url": "https://` + strings.Repeat("{a}", 9000) + `.example.com/` + strings.Repeat("{b}", 9000) + `"}]}`,
		"deep":      `{"openapi": "3.0.0", "x": ` + strings.Repeat("[", 300_000) + strings.Repeat("]", 300_000) + "}",
	} {
		began := time.Now()
		draft, err := openapi.Import("a.json", []byte(document), openapi.Options{})
		took := time.Since(began)
		require.Less(t, took, 30*time.Second+20*time.Millisecond*time.Duration(len(document)/1000), name)
		if err == nil {
			require.LessOrEqual(t, len(draft.Notes)+len(draft.Questions), 1100, name)
		}
		t.Logf("%s: %d kB in %s", name, len(document)/1000, took)
	}
}
