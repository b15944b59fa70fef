package definition_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/require"
)

// FuzzParse: whatever the document, Parse ends soon, with a definition that connects or
// with mistakes that have a place in the document. What Parse takes, encoding/json takes.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/services/*.json")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text)
	}
	for _, document := range []string{acme, "{", `{"connectorauth":1,"name":"a","methods":[{"type":"Session","login":[{"json":{"a":[1,null,"{x}"]}}]}]}`, `{"connectorauth":1,"x-a":"\ud83d\ude00"}`} {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		began := time.Now()
		d, err := definition.Parse("f", document, definition.Options{})
		require.Less(t, time.Since(began), time.Second+10*time.Millisecond*time.Duration(len(document)/1000))
		if err != nil {
			var failed *definition.Error
			require.True(t, errors.As(err, &failed))
			require.NotEmpty(t, failed.Findings)
			lines := bytes.Count(document, []byte("\n")) + 1
			for _, finding := range failed.Findings {
				require.True(t, finding.Line >= 1 && finding.Line <= lines && finding.Column >= 1 && finding.Column <= len(document)+1, finding)
				require.NotEmpty(t, finding.Text)
			}
			return
		}
		require.True(t, json.Valid(bytes.TrimPrefix(document, []byte("\ufeff"))))
		written, err := d.Document()
		require.NoError(t, err)
		again, err := definition.Parse("f", written, definition.Options{})
		require.NoError(t, err)
		rewritten, err := again.Document()
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
		for _, m := range d.Methods {
			given := values{}
			for _, i := range append(d.Inputs, m.Inputs...) {
				given[i.Name] = connectorauth.Secret(i.Example)
			}
			_, err := d.Connect(definition.Connection{Method: m.Name, Values: given, Client: definition.Client{ID: "id", Secret: "secret"}})
			if err != nil {
				require.NotEmpty(t, err.Error())
			}
		}
	})
}
