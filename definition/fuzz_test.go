package definition_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/require"
)

// FuzzParse: whatever the document, Parse ends soon, with a definition or with mistakes
// that have a place in the document. What Parse takes, encoding/json takes, and leads
// nowhere but to the hosts in its text.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/services/*.json")
	require.NoError(f, err)
	kinds, err := filepath.Glob("testdata/kinds/*.json")
	require.NoError(f, err)
	for _, file := range append(files, kinds...) {
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
		require.Less(t, time.Since(began), 30*time.Second+10*time.Millisecond*time.Duration(len(document)/1000))
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
		if notPlain.Match(document) {
			return // as the judge does not read other spellings of hosts
		}
		judge := declared(t, document)
		for i := range d.Methods {
			m := &d.Methods[i]
			v := &visitor{t: t, captured: "https://evil.example", callback: url.Values{}}
			v.prepare(m)
			v.visit(d, m, samples(d, m), "https://evil.example")
			for _, text := range v.urls {
				u, err := url.Parse(text)
				require.NoError(t, err)
				require.True(t, judge.has(u), text)
			}
		}
	})
}

// notPlain finds hosts that have other spellings, and escapes of JSON.
var notPlain = regexp.MustCompile(`://[^"/?#]*[^a-z0-9.:{}A-Z_"/?#-]|://[^"/?#{]*[A-Z]|\\[^"]|[Hh]ttps?:[^/]|HTTP`)

// samples are values that the inputs of a method allow, as far as their formats tell.
func samples(d *definition.Definition, m *definition.Method) values {
	given := values{}
	for _, i := range append(d.Inputs[:len(d.Inputs):len(d.Inputs)], m.Inputs...) {
		end := ".example.com"
		if len(i.Suffixes) > 0 {
			end = i.Suffixes[0]
		}
		value := "a"
		switch {
		case i.Default != "":
			value = i.Default
		case len(i.Enum) > 0:
			value = i.Enum[0].Value
		case i.Example != "":
			value = i.Example
		case i.Format == definition.FormatHost:
			value += end
		case i.Format == definition.FormatOrigin:
			value = "https://a" + end
		case i.Format == definition.FormatInteger:
			value = "1"
		}
		given[i.Name] = connectorauth.Secret(value)
	}
	return given
}
