package doccheck

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// fence matches a block of code: the language and the lines. A fence may be indented, in a list.
	fence = regexp.MustCompile("(?ms)^[ \t]*```([^\n]*)\n(.*?)^[ \t]*```[ \t]*$")
)

// readers are the tests that read the blocks of other languages than Go: by document and language.
var readers = map[string]string{
	"catalog/README.md json":          "catalog/check.TestTheFileOfTheReadmeHasNoProblems",
	"docs/accounts-pages.md http":     "accounts/pages.TestGuideOfTheAPI",
	"docs/accounts-pages.md json":     "accounts/pages.TestGuideOfTheAPI",
	"docs/accounts.md json":           "accounts.TestDefinitionsOfTheGuideAreRead",
	"docs/command-session.md console": "cmd/connectorauth/internal/cli.TestTranscript",
	"docs/definitions.md json":        "definition.TestGuideOfDefinitions",
	"docs/definitions.md text":        "definition.TestGuideOfDefinitions",
	"docs/other-languages.md js":      "cmd/connectorauth/internal/cli.TestGuideOfOtherLanguages",
	"docs/scripts.md js":              "script.TestRecipes",
}

// unread are the languages of blocks that need no reader here: some are read by TestGoBlocksAreRun
// and TestCommandsNameWhatExists, and the others by nobody.
var unread = []string{"go", "sh", "", "python"}

// flat returns the lines of a text without leading white space and without empty lines. A line
// break stands before and after each line.
func flat(text string) string {
	var lines strings.Builder
	lines.WriteString("\n")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines.WriteString(line + "\n")
		}
	}
	return lines.String()
}

// pieces returns what a block shows without a gap. A line of three dots, or a comment that begins
// with three dots, stands for lines that the block leaves out.
func pieces(block string) (list []string) {
	piece := ""
	for line := range strings.Lines(block) {
		if trimmed := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "//")); strings.HasPrefix(trimmed, "…") || strings.HasPrefix(trimmed, "...") {
			list, piece = append(list, piece), ""
			continue
		}
		piece += line
	}
	list = append(list, piece)
	return slices.DeleteFunc(list, func(piece string) bool { return strings.TrimSpace(piece) == "" })
}

// stands reports whether each piece of a block stands in one of the flat sources, all pieces in the
// same one. A block without a line stands nowhere.
func stands(block string, sources map[string]string) bool {
	shown := pieces(block)
	for _, source := range sources {
		missing := func(piece string) bool { return !strings.Contains(source, flat(piece)) }
		if len(shown) > 0 && !slices.ContainsFunc(shown, missing) {
			return true
		}
	}
	return false
}

// run returns the flat text of each Go file that the check of the repository runs: tests, and the
// programs in examples.
func run(t *testing.T) map[string]string {
	t.Helper()
	require.Contains(t, read(t, ".ci/run"), "for folder in examples/*/main.go; do", "the check runs every example")
	sources := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata") {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(relative, "examples/") {
			return nil
		}
		text, err := os.ReadFile(name)
		sources[relative] = flat(string(text))
		return err
	}))
	return sources
}

// A reader may copy each block of Go, because the compiler has read the block and the check of the
// repository runs the block.
func TestGoBlocksAreRun(t *testing.T) {
	sources, count := run(t), 0
	for _, document := range documents {
		for _, match := range fence.FindAllStringSubmatch(read(t, document), -1) {
			if match[1] != "go" {
				continue
			}
			count++
			assert.True(t, stands(match[2], sources), "%s: no test and no example that .ci/run runs has the lines of this block:\n%s", document, match[2])
		}
	}
	assert.Greater(t, count, 15)
}

// A block of another language has a test that reads the block, or a language that nobody has to read.
func TestOtherBlocksHaveReaders(t *testing.T) {
	exist, used := functions(t), map[string]bool{}
	for _, document := range documents {
		text := read(t, document)
		blocks := fence.FindAllStringSubmatch(text, -1)
		assert.Equal(t, 2*len(blocks), strings.Count(text, "```"), "%s: a block has no end", document)
		for _, match := range blocks {
			if slices.Contains(unread, match[1]) {
				continue
			}
			reader := readers[document+" "+match[1]]
			assert.True(t, exist[reader], "%s: no test reads the blocks of %s", document, match[1])
			used[document+" "+match[1]] = true
		}
	}
	for key := range readers {
		assert.True(t, used[key], "%s: there is no such block", key)
	}
}

// The tests of a module run if the workspace has the module, or if the check enters its folder.
func TestModulesAreTested(t *testing.T) {
	var modules []string
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" && !strings.Contains(name, "testdata") && !strings.Contains(name, "node_modules") {
			modules = append(modules, name)
		}
		return err
	}))
	require.Greater(t, len(modules), 15)
	workspace := flat(read(t, "go.work"))
	for _, name := range modules {
		dir, err := filepath.Rel(root, filepath.Dir(name))
		require.NoError(t, err)
		if dir = filepath.ToSlash(dir); dir == "." {
			continue
		}
		assert.True(t, strings.Contains(workspace, "\n./"+dir+"\n") || strings.Contains(read(t, ".ci/run"), "(cd "+dir+" && go test "), "nobody runs the tests of %s", dir)
	}
}

func TestStands(t *testing.T) {
	sources := map[string]string{
		"a_test.go": flat("func a() error {\n\tx, err := f()\n\tif err != nil {\n\t\treturn err\n\t}\n\n\treturn g(x)\n}\n"),
		"b_test.go": flat("func b() {\n\th()\n}\n"),
	}
	for _, test := range []struct {
		name, block string
		want        bool
	}{
		{"a part, with another indent", "x, err := f()\nif err != nil {\n\treturn err\n}\n", true},
		{"an empty line more or less", "x, err := f()\n\nif err != nil {\nreturn err\n}\nreturn g(x)\n", true},
		{"two parts", "x, err := f()\n// …\nreturn g(x)\n", true},
		{"two parts, with words", "x, err := f()\n// ... handle the error\nreturn g(x)\n", true},
		{"three dots alone", "x, err := f()\n...\nreturn g(x)\n", true},
		{"a line is left out in silence", "x, err := f()\nreturn g(x)\n", false},
		{"another line", "x, err := f()\nif err != nil {\n\treturn nil\n}\n", false},
		{"the begin of a line", "return g\n", false},
		{"the end of a line", "err := f()\n", false},
		{"a comment more", "x, err := f() // calls f\n", false},
		{"parts of two files", "x, err := f()\n// …\nh()\n", false},
		{"no line", "\n", false},
		{"dots alone", "// …\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, stands(test.block, sources))
		})
	}
}
