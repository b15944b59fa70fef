package doccheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const negative = "docs/negative.md"

var (
	// row matches a row of the tables: names, further columns, and the last column.
	row = regexp.MustCompile("(?m)^\\| (`.+?`) \\|(?:.*\\|)? (.+) \\|$")
	// word matches a string in Go.
	word = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"`)
)

// source returns the strings in the file of a test, which is named as documents name tests.
func source(t *testing.T, folder, function string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*_test.go"))
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if !strings.Contains(string(text), "\nfunc "+function+"(") {
			continue
		}
		found := map[string]bool{}
		for _, quoted := range word.FindAllString(string(text), -1) {
			if unquoted, err := strconv.Unquote(quoted); err == nil {
				found[unquoted] = true
			}
		}
		return found
	}
	return nil // TestNamedTestsExist complains
}

// casesOf returns the names of the cases in tables of the files: the text with which an
// element of a table begins, whose first field is called name.
func casesOf(t *testing.T, pattern string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			table, ok := n.(*ast.CompositeLit)
			if !ok || !isTable(table.Type) {
				return true
			}
			for _, element := range table.Elts {
				first := element.(*ast.CompositeLit).Elts[0]
				if pair, ok := first.(*ast.KeyValueExpr); ok {
					first = pair.Value
				}
				if text, ok := first.(*ast.BasicLit); ok {
					unquoted, err := strconv.Unquote(text.Value)
					require.NoError(t, err)
					names = append(names, unquoted)
				}
			}
			return true
		})
	}
	return names
}

// isTable reports whether a type is a slice of structs whose first field is called name.
func isTable(expr ast.Expr) bool {
	slice, ok := expr.(*ast.ArrayType)
	if !ok {
		return false
	}
	fields, ok := slice.Elt.(*ast.StructType)
	return ok && fields.Fields.List[0].Names[0].Name == "name"
}

// Each row is decided by a test that has a case of the name, or says why not.
func TestNegativeRowsAreCases(t *testing.T) {
	cases, reasons := map[string]bool{}, 0
	for _, match := range row.FindAllStringSubmatch(read(t, negative), -1) {
		tests := named.FindStringSubmatch(match[2])
		if tests == nil {
			assert.Regexp(t, "^no: .+", match[2], "%s: %s has neither a test nor a reason", negative, match[1])
			reasons++
			continue
		}
		has := source(t, tests[1], tests[2])
		for _, name := range code.FindAllStringSubmatch(match[1], -1) {
			assert.True(t, has[name[1]], "%s: %s.%s has no case %q", negative, tests[1], tests[2], name[1])
			cases[name[1]] = true
		}
	}
	assert.Greater(t, len(cases), 100, "the page has cases")
	assert.Greater(t, reasons, 10, "the page has reasons")
	for _, name := range casesOf(t, "internal/attack/negative*_test.go") {
		assert.True(t, cases[name], "%s does not have the case %q", negative, name)
	}
}
