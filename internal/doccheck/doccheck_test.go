// Package doccheck checks the documents of the repository: every test named in a
// document exists, every link to a file or a heading leads somewhere, every block of Go
// stands in code that runs, every command of Go names what there is, and
// docs/architecture.md names all packages and nothing else.
// The documentation of each public package is a tutorial whose links lead somewhere and whose
// blocks of Go compile at least, and each constructor has an example that go test runs.
package doccheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is the folder of the repository.
const root = "../.."

// documents are the checked files: README of the repository and of its modules, further files of
// the root folder, and all of docs.
var documents = matching("README.md", "*/README.md", "docs/*.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

// matching returns the files with names that match one of the patterns.
func matching(patterns ...string) (names []string) {
	for _, pattern := range patterns {
		found, _ := fs.Glob(os.DirFS(root), pattern) // the patterns are well formed
		names = append(names, found...)
	}
	return names
}

var (
	// named matches the name of a test: package, dot, function. The package is the
	// path of the folder; the root folder is connectorauth.
	named = regexp.MustCompile("`([a-z0-9_/]+)\\.((?:Test|Fuzz|Benchmark|Example)[A-Za-z0-9_]*)`")
	// unnamed matches the name of a test without a package, which is an error.
	unnamed = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fenced  = regexp.MustCompile("(?s)```.*?```")
)

// functions returns the functions in all _test.go files of the repository, each as
// folder.Function.
func functions(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		if folder == "." {
			folder = "connectorauth"
		}
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil {
				found[folder+"."+function.Name.Name] = true
			}
		}
		return nil
	}))
	return found
}

// read returns the text of a document.
func read(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(document)))
	require.NoError(t, err)
	return string(text)
}

func TestNamedTestsExist(t *testing.T) {
	exist, count := functions(t), 0
	for _, document := range documents {
		text := read(t, document)
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			count++
			assert.True(t, exist[match[1]+"."+match[2]], "%s: the test %s does not exist in %s", document, match[2], match[1])
		}
		for _, match := range unnamed.FindAllStringSubmatch(text, -1) {
			t.Errorf("%s: the test %s has no package; write, for example, `connectorauth.%[2]s`", document, match[1])
		}
	}
	assert.Greater(t, count, 100, "the documents name tests")
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, document := range documents {
		for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, document), ""), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := path.Join(path.Dir(document), target)
			if target == "" {
				file = document
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file))); err != nil {
				t.Errorf("%s links to %s, which does not exist", document, match[1])
				continue
			}
			if anchor != "" && strings.HasSuffix(file, ".md") {
				assert.Contains(t, anchors(read(t, file)), anchor, "%s links to %s, a heading that does not exist", document, match[1])
			}
		}
	}
}

// anchors returns the anchors of the headings in a document. An anchor is the text
// of the heading in lower case, without punctuation, with - for spaces.
func anchors(text string) (list []string) {
	other := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		list = append(list, strings.ReplaceAll(other.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return list
}

// docs/README.md leads to each document, so a new document needs a place in the reading order.
func TestIndexHasEachDocument(t *testing.T) {
	index := map[string]int{}
	for _, match := range link.FindAllStringSubmatch(read(t, "docs/README.md"), -1) {
		index[path.Join("docs", match[1])]++
	}
	for _, document := range matching("docs/*.md") {
		if document != "docs/README.md" {
			assert.Equal(t, 1, index[document], "docs/README.md does not lead to %s once", document)
		}
	}
}
