package check_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/check"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// TestEachDefinition is for who adds a file: each line says what the file lacks, and
// -run TestEachDefinition/acme.json looks at one file alone.
func TestEachDefinition(t *testing.T) {
	t.Parallel()
	for _, shelf := range []check.Shelf{check.Service, check.Draft} {
		files, err := filepath.Glob(filepath.Join("..", string(shelf), "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				if len(shelves(t, filepath.Base(file))) > 1 {
					t.Errorf("%s: is in services and in drafts; remove one", filepath.Base(file))
				}
				for _, problem := range check.File(shelf, filepath.Base(file), text) {
					t.Error(problem)
				}
			})
		}
	}
}

// shelves returns where a file is.
func shelves(t *testing.T, file string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", "[sd]*", file)) // services and drafts
	require.NoError(t, err)
	return found
}
