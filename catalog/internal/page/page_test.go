package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPagesAreThoseOfTheDefinitions fails after a change of a definition, until the pages are
// written anew.
func TestPagesAreThoseOfTheDefinitions(t *testing.T) {
	root := filepath.Join("..", "..")
	for shelf, name := range pages {
		want, err := page(root, shelf)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(root, "..", "docs", name))
		require.NoError(t, err)
		assert.True(t, want == string(got), "docs/%s is not that of the definitions; run go run ./internal/page in the folder catalog", name)
	}
}
