package openapi_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/openapi"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// imports reads a document of testdata.
func imports(t testing.TB, name string, options openapi.Options) *definition.Draft {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	draft, err := openapi.Import(name+".json", text, options)
	require.NoError(t, err)
	return draft
}

// parsed reads the document of a draft without open questions.
func parsed(t testing.TB, draft *definition.Draft) *definition.Definition {
	t.Helper()
	require.Empty(t, draft.Questions)
	document, err := draft.Definition.Document()
	require.NoError(t, err)
	d, err := definition.Parse("draft.json", document, definition.Options{})
	require.NoError(t, err, string(document))
	return d
}

// texts returns notes.
func texts(notes []definition.Finding) (list []string) {
	for _, n := range notes {
		list = append(list, n.String())
	}
	return list
}
