package accounts_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each block of Go code in docs/accounts.md stands in guide_test.go, or in guidemcp_test.go, where the
// compiler reads the block and a test runs the block. Each block of JSON is a definition.
func TestBlocksOfTheGuideAreRun(t *testing.T) {
	document, err := os.ReadFile("../docs/accounts.md")
	require.NoError(t, err)
	indent, code := regexp.MustCompile(`(?m)^\s+`), ""
	for _, name := range []string{"guide_test.go", "guidemcp_test.go"} {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		code += indent.ReplaceAllString(string(source), "")
	}
	blocks := 0
	for _, block := range regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```").FindAllStringSubmatch(string(document), -1) {
		switch blocks++; block[1] {
		case "go":
			assert.Contains(t, code, indent.ReplaceAllString(block[2], ""))
		case "json":
			assert.Contains(t, []string{guideDefinition, guideServer}, block[2])
		default:
			assert.Fail(t, "nobody runs this block", block[0])
		}
	}
	assert.Greater(t, blocks, 10)
	assert.Equal(t, 2*blocks, strings.Count(string(document), "```"), "a block has no language or no end")
}
