package yaml_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/yaml"
	"github.com/stretchr/testify/require"
)

var lineBreak = regexp.MustCompile("\r\n|\r|\n")

// FuzzYAML: whatever the document, ToJSON ends soon, with JSON or with mistakes that have
// a place in the document, and so has each line of the JSON.
func FuzzYAML(f *testing.F) {
	f.Add([]byte(acme))
	f.Add([]byte("%YAML 1.1\n--- !t\n&a {? [b] : *a, <<: |\n}"))
	f.Add([]byte("a: b\r\nc:\r- \"\\u2028\"\n- 'd'\n"))
	for _, document := range corpora(f) {
		f.Add(block(f, document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		began := time.Now()
		text, place, err := yaml.ToJSON(document)
		require.Less(t, time.Since(began), 30*time.Second+10*time.Millisecond*time.Duration(len(document)/1000))
		lines := len(lineBreak.FindAll(document, -1)) + 2
		if err != nil {
			var failed *definition.Error
			require.True(t, errors.As(err, &failed))
			require.NotEmpty(t, failed.Findings)
			for _, finding := range failed.Findings {
				require.True(t, finding.Line >= 1 && finding.Line <= lines && finding.Column >= 1 && finding.Column <= len(document)+1, finding)
				require.NotEmpty(t, finding.Text)
			}
			return
		}
		require.True(t, json.Valid(text), "%s", text)
		for i := range len(lineBreak.FindAll(text, -1)) + 1 {
			line, column := place(i+1, 1)
			require.True(t, line >= 1 && line <= lines && column >= 1 && column <= len(document)+1, "%d:%d", line, column)
		}
	})
}

// FuzzJSON: a document that definition.Parse takes is the same definition as YAML, or a
// mistake, but never another definition.
func FuzzJSON(f *testing.F) {
	for _, document := range corpora(f) {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		want, err := definition.Parse("f", document, definition.Options{})
		if err != nil {
			return
		}
		got, err := yaml.Parse("f", document, definition.Options{})
		if err == nil {
			require.Equal(t, want, got)
		}
	})
}
