package definition_test

import (
	"os"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block is a block of code of a guide.
type block struct{ language, text string }

// blocks returns the blocks of code of a document.
func blocks(t *testing.T, file string) (list []block) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	parts := strings.Split(string(text), "\n```")
	require.Equal(t, 1, len(parts)%2, "a block has no end")
	for i := 1; i < len(parts); i += 2 {
		language, code, _ := strings.Cut(parts[i], "\n")
		list = append(list, block{language, code})
	}
	return list
}

// TestGuideOfDefinitions reads each definition of the guide. The mistakes of a
// definition follow the definition.
func TestGuideOfDefinitions(t *testing.T) {
	list := blocks(t, "../docs/definitions.md")
	documents := 0
	for i, b := range list {
		if b.language != "json" {
			continue
		}
		documents++
		_, err := definition.Parse("acme.json", []byte(b.text+"\n"), definition.Options{})
		if i+1 < len(list) && list[i+1].language == "text" {
			assert.EqualError(t, err, list[i+1].text, b.text)
			continue
		}
		assert.NoError(t, err, b.text)
	}
	assert.Greater(t, documents, 10)
}
