package doccheck

import (
	"cmp"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// maxExample is the number of lines of the longest example.
const maxExample = 35

// made are the types whose makers are constructors, from whatever package a type is.
var made = []string{
	"APIKey", "AuthFields", "Basic", "Client", "ClientAuth", "Connector", "Custom", "Grant", "Handler", "OAuth1", "OAuth2",
	"Proof", "RoundTripper", "SharedTokenStore", "Source", "Store", "TokenStore",
}

// described are the types whose functions are constructors, and whose methods are not: a
// method returns what there is already.
var described = []string{"Definition", "Draft", "Kind", "Set"}

// elsewhere are the folders with the examples of constructors that need what the module of
// the constructor does not have, such as a database driver.
var elsewhere = map[string]string{
	"accounts.NewSQL":   "tokenstore/sqltest",
	"tokenstore.NewSQL": "tokenstore/sqltest",
}

// public is a package that other modules can import.
type public struct {
	folder   string // slashes; "." is the root folder
	doc      *doc.Package
	examples []*doc.Example
	imported []string // the import paths of what the files import, tests as well
	files    *token.FileSet
}

// publics returns the public packages of all modules of the repository.
func publics(t *testing.T) []public {
	t.Helper()
	list, err := readPublics()
	require.NoError(t, err)
	return list
}

var readPublics = sync.OnceValues(func() (list []public, err error) {
	folders := map[string][]string{}
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{"internal", "examples", "testdata"}, entry.Name()) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			folder := filepath.Dir(name)
			folders[folder] = append(folders[folder], name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for folder, names := range folders {
		p, program, err := readPublic(folder, names)
		if err != nil {
			return nil, err
		}
		if !program {
			list = append(list, p)
		}
	}
	return list, nil
})

// readPublic reads the files of a folder. A program is no public package.
func readPublic(folder string, names []string) (p public, program bool, err error) {
	p.files = token.NewFileSet()
	var all, tests []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(p.files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return public{}, false, err
		}
		if file.Name.Name == "main" {
			return public{}, true, nil
		}
		for _, spec := range file.Imports {
			p.imported = append(p.imported, strings.Trim(spec.Path.Value, `"`))
		}
		all = append(all, file)
		if strings.HasSuffix(name, "_test.go") {
			tests = append(tests, file)
		}
	}
	relative, err := filepath.Rel(root, folder)
	if err != nil {
		return public{}, false, err
	}
	p.folder = filepath.ToSlash(relative)
	p.examples = doc.Examples(tests...)
	p.doc, err = doc.NewFromFiles(p.files, all, path.Join(module, p.folder))
	return p, false, err
}

// constructors returns the exported functions and methods of the package that make
// something: functions named New, functions that go doc lists with the type of their
// result, and whatever returns one of the types in made. The method Wrap of connectors
// does not count, and neither does what only a test can call.
//
// A function has its package before its name, as examples write the call.
func (p public) constructors() (names []string) {
	for _, f := range p.doc.Funcs {
		makes := strings.HasPrefix(f.Name, "New") || returns(f.Decl.Type, made) || returns(f.Decl.Type, described)
		if makes && !takesTest(f.Decl.Type) {
			names = append(names, p.doc.Name+"."+f.Name)
		}
	}
	for _, kind := range p.doc.Types {
		for _, f := range kind.Funcs {
			if !takesTest(f.Decl.Type) {
				names = append(names, p.doc.Name+"."+f.Name)
			}
		}
		for _, f := range kind.Methods {
			if f.Name != "Wrap" && returns(f.Decl.Type, made) {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// returns reports whether a result of the function has one of the types, or points to
// one of the types.
func returns(f *ast.FuncType, types []string) bool {
	return f.Results != nil && slices.ContainsFunc(f.Results.List, func(result *ast.Field) bool {
		return slices.Contains(types, typeName(result.Type))
	})
}

// takesTest reports whether the function takes a *testing.T or a testing.TB.
func takesTest(f *ast.FuncType) bool {
	return slices.ContainsFunc(f.Params.List, func(param *ast.Field) bool {
		return slices.Contains([]string{"T", "TB"}, typeName(param.Type))
	})
}

// typeName returns the name of a type without its package, or of the type that a
// pointer points to.
func typeName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// calls returns what the examples with an output call: each name, such as Close, and
// each name behind another, such as p.Close.
func (p public) calls() map[string]bool {
	names := map[string]bool{}
	for _, example := range p.examples {
		if !checked(example) {
			continue
		}
		ast.Inspect(example.Code, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				names[typeName(call.Fun)] = true
				if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
					names[typeName(selector.X)+"."+selector.Sel.Name] = true
				}
			}
			return true
		})
	}
	return names
}

// lines returns the number of lines between the braces of an example.
func (p public) lines(example *doc.Example) int {
	body := example.Code
	if file, whole := body.(*ast.File); whole { // an example that is shown with the rest of its file
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Name.Name == "Example"+example.Name {
				body = f.Body
			}
		}
	}
	return p.files.Position(body.End()).Line - p.files.Position(body.Pos()).Line - 1
}

// checked reports whether go test runs the example and compares what it prints.
func checked(example *doc.Example) bool { return example.Output != "" || example.EmptyOutput }

// forTests reports whether the package is for tests alone, so that no example can use the
// package.
func (p public) forTests() bool {
	return !slices.ContainsFunc(p.doc.Funcs, func(f *doc.Func) bool { return !takesTest(f.Decl.Type) }) && len(p.doc.Types) == 0
}

// Each constructor of a public package is called by an example that go test runs, and each
// package has an example.
func TestConstructorsHaveExamples(t *testing.T) {
	calls, count := map[string]map[string]bool{}, 0
	packages := publics(t)
	for _, p := range packages {
		calls[p.folder] = p.calls()
	}
	for _, p := range packages {
		assert.True(t, p.forTests() || len(p.examples) > 0, "%s: has no example", p.folder)
		for _, name := range p.constructors() {
			count++
			folder := cmp.Or(elsewhere[name], p.folder)
			assert.True(t, calls[folder][name], "%s: no example with an output in %s calls %s", p.folder, folder, name)
		}
	}
	assert.Greater(t, count, 80, "the packages have constructors")
}

// An example has an output, and is short enough for a reader's first look.
func TestExamplesAreShortAndRun(t *testing.T) {
	count := 0
	for _, p := range publics(t) {
		for _, example := range p.examples {
			count++
			assert.True(t, checked(example), "%s: Example%s only compiles", p.folder, example.Name)
			assert.LessOrEqual(t, p.lines(example), maxExample, "%s: Example%s has too many lines", p.folder, example.Name)
		}
	}
	assert.Greater(t, count, 50, "the packages have examples")
}
