package definition_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// corpus calls test with each document of a folder of the corpus: right documents, wrong
// ones, and wrong ones whose mistakes a JSON Schema does not see. internal/interop/schema
// shows the corpus to two validators.
func corpus(t *testing.T, folder string, test func(t *testing.T, name string, document []byte)) {
	files, err := filepath.Glob("testdata/corpus/" + folder + "/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		document, err := os.ReadFile(file)
		require.NoError(t, err)
		t.Run(filepath.Base(file), func(t *testing.T) { test(t, filepath.Base(file), document) })
	}
}

func TestRightDocumentsOfTheCorpus(t *testing.T) {
	corpus(t, "right", func(t *testing.T, name string, document []byte) {
		_, err := definition.Parse(name, document, definition.Options{})
		assert.NoError(t, err)
	})
}

// A wrong document has one mistake at one place, which its member x-mistake quotes, unless
// the document is no object.
func TestWrongDocumentsOfTheCorpus(t *testing.T) {
	for _, folder := range []string{"wrong", "unseen"} {
		corpus(t, folder, func(t *testing.T, name string, document []byte) {
			_, err := definition.Parse(name, document, definition.Options{})
			var failed *definition.Error
			require.True(t, errors.As(err, &failed), "there is no mistake")
			for _, f := range failed.Findings {
				first := failed.Findings[0]
				assert.Equal(t, [2]int{first.Line, first.Column}, [2]int{f.Line, f.Column}, "%v", err)
			}
			var about struct {
				Mistake string `json:"x-mistake"`
			}
			if json.Unmarshal(document, &about) == nil {
				require.NotEmpty(t, about.Mistake)
				assert.ErrorContains(t, err, about.Mistake)
			}
		})
	}
}
