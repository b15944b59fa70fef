package accounts_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The definitions of docs/accounts.md are those that TestGuideOfAccounts and TestGuideOfMCPServers
// read. internal/doccheck compares the blocks of Go with the tests.
func TestDefinitionsOfTheGuideAreRead(t *testing.T) {
	document, err := os.ReadFile("../docs/accounts.md")
	require.NoError(t, err)
	var definitions []string
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(document), -1) {
		definitions = append(definitions, block[1])
	}
	assert.Equal(t, []string{guideDefinition, guideServer}, definitions)
}
