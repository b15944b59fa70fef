package ask_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// utf16 returns ASCII text in UTF-16.
func utf16(text string, bigEndian bool) string {
	var b strings.Builder
	for _, r := range text {
		pair := []byte{byte(r), 0}
		if bigEndian {
			pair = []byte{0, byte(r)}
		}
		b.Write(pair)
	}
	return b.String()
}

func TestAnswersOfAFile(t *testing.T) {
	const document = `{"key": "abc-secret", "port": 8080, "on": true}`
	for name, row := range map[string]struct{ text, says string }{
		"UTF-8":                       {document, ""},
		"byte order mark":             {"\ufeff" + document, ""},
		"byte order mark and a break": {"\ufeff\r\n" + document + "\r\n", ""},
		"UTF-16, little-endian":       {"\xff\xfe" + utf16(document, false), "is UTF-16: save the file as UTF-8"},
		"UTF-16, big-endian":          {"\xfe\xff" + utf16(document, true), "is UTF-16: save the file as UTF-8"},
		"UTF-16 without a mark":       {utf16(document, false), "is UTF-16: save the file as UTF-8"},
		"big-endian without a mark":   {utf16(document, true), "is UTF-16: save the file as UTF-8"},
		"UTF-32":                      {"\xff\xfe\x00\x00{\x00\x00\x00", "save the file as UTF-8"},
		"Latin-1":                     {"{\"key\": \"abc-secret\xfc\"}", "is not UTF-8: save the file as UTF-8"},
		"empty":                       {"", "want a JSON object"},
		"a mark alone":                {"\ufeff", "want a JSON object"},
		"cut":                         {document[:20], "want a JSON object"},
		"two documents":               {document + document, "want a JSON object"},
		"a list":                      {`["abc-secret"]`, "want a JSON object"},
		"an object within":            {`{"key": {"value": "abc-secret"}}`, `the answer "key" is no text`},
		"null":                        {`{"key": null}`, `the answer "key" is no text`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "values.json")
			require.NoError(t, os.WriteFile(path, []byte(row.text), 0o600))
			for _, way := range []struct {
				file string
				in   io.Reader
			}{{path, nil}, {"-", strings.NewReader(row.text)}} {
				a, err := ask.New(t.Context(), way.in, io.Discard, "--values", way.file)
				if row.says != "" {
					require.ErrorContains(t, err, row.says)
					assert.ErrorContains(t, err, "--values: ")
					assert.NotContains(t, err.Error(), "abc")
					continue
				}
				require.NoError(t, err)
				for name, want := range map[string]string{"key": "abc-secret", "port": "8080", "on": "true"} {
					answer, err := a.Ask(t.Context(), ask.Question{Name: name})
					require.NoError(t, err)
					assert.Equal(t, want, answer)
				}
				assert.Empty(t, a.Left())
			}
		})
	}
}

func TestTheEndOfTheContextEndsTheReadingOfAnswers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, writer := io.Pipe()
	defer writer.Close()
	go func() {
		writer.Write([]byte("{")) // until the reading has begun
		cancel()
	}()
	_, err := ask.New(ctx, in, io.Discard, "--values", "-")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAnswersWithoutATerminal(t *testing.T) {
	choices := []ask.Choice{{Value: "eu", Title: "Europe"}, {Value: "us"}, {Value: "1"}}
	even := func(answer string) error {
		if len(answer)%2 == 1 {
			return errors.New("is odd")
		}
		return nil
	}
	for name, row := range map[string]struct {
		answers, want, says string
		q                   ask.Question
	}{
		"a choice":             {`{"q": "us"}`, "us", "", ask.Question{Choices: choices}},
		"the number of one":    {`{"q": "2"}`, "us", "", ask.Question{Choices: choices}},
		"a value is a number":  {`{"q": "1"}`, "1", "", ask.Question{Choices: choices}},
		"none of the choices":  {`{"q": "asia"}`, "", "none of the choices", ask.Question{Choices: choices}},
		"no such number":       {`{"q": "4"}`, "", "none of the choices", ask.Question{Choices: choices}},
		"another answer":       {`{"q": "asia"}`, "asia", "", ask.Question{Choices: choices, Other: true}},
		"checked":              {`{"q": "abc"}`, "", "is odd", ask.Question{Check: even}},
		"good":                 {`{"q": "ab"}`, "ab", "", ask.Question{Check: even}},
		"empty":                {`{"q": ""}`, "", "is required", ask.Question{}},
		"empty and optional":   {`{"q": ""}`, "", "", ask.Question{Optional: true}},
		"absent":               {`{}`, "", `"q" (Title): give the answer by --values FILE`, ask.Question{}},
		"absent, with a flag":  {`{}`, "", `{"q": ...}, or by --method; the answers are eu, us, 1`, ask.Question{Choices: choices, Flag: "--method"}},
		"absent and optional":  {`{}`, "", "", ask.Question{Optional: true}},
		"absent, with default": {`{}`, "us", "", ask.Question{Default: "us", Choices: choices}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := ask.New(t.Context(), strings.NewReader(row.answers), io.Discard, "--values", "-")
			require.NoError(t, err)
			row.q.Name, row.q.Title = "q", "Title"
			answer, err := a.Ask(t.Context(), row.q)
			assert.Equal(t, row.want, answer)
			if row.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.says)
			assert.Equal(t, exit.Usage, exit.Of(err))
		})
	}
}
