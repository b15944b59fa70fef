package doccheck

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// module is the path of the root module.
const module = "github.com/connectorauth/connectorauth"

// collective are folders that count as a single package.
var collective = []string{"examples", "internal/interop", "internal/test"}

var (
	// code matches text in backticks.
	code = regexp.MustCompile("`([^`\n]+)`")
	// room matches a row of the table of packages.
	room = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
)

// packages are the packages of the repository and what the packages declare.
type packages struct {
	folders map[string]bool     // by path; the root folder is connectorauth
	names   map[string]bool     // package.Name and package.Type.Member; without package in the root folder
	imports map[string][]string // the packages that the package imports, by path; other people's left out
}

// read adds what a Go file declares. Tests declare nothing.
func (p packages) read(t *testing.T, name string) {
	t.Helper()
	folder, err := filepath.Rel(root, filepath.Dir(name))
	require.NoError(t, err)
	folder, prefix := filepath.ToSlash(folder), ""
	if folder == "." {
		folder = "connectorauth"
	} else {
		prefix = path.Base(folder) + "."
	}
	for _, c := range collective {
		if strings.HasPrefix(folder, c+"/") {
			folder = c
		}
	}
	p.folders[folder] = true
	if strings.HasSuffix(name, "_test.go") {
		return
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, spec := range file.Imports {
		if imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module); ours {
			p.imports[folder] = append(p.imports[folder], cmp.Or(strings.TrimPrefix(imported, "/"), "connectorauth"))
		}
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			p.names[prefix+receiver(d)+d.Name.Name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					p.names[prefix+s.Name.Name] = true
					for _, member := range members(s.Type) {
						p.names[prefix+s.Name.Name+"."+member] = true
					}
				case *ast.ValueSpec:
					for _, name := range s.Names {
						p.names[prefix+name.Name] = true
					}
				}
			}
		}
	}
}

// receiver returns the name of the type of a method and a dot, or "" for a
// function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr: // a type parameter
			expr = e.X
		case *ast.Ident:
			return e.Name + "."
		default:
			return ""
		}
	}
}

// members returns the names of the fields of a struct, or of the methods of an
// interface.
func members(expr ast.Expr) (names []string) {
	var list *ast.FieldList
	switch e := expr.(type) {
	case *ast.StructType:
		list = e.Fields
	case *ast.InterfaceType:
		list = e.Methods
	default:
		return nil
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// declared returns the packages of all modules of the repository.
func declared(t *testing.T) packages {
	t.Helper()
	p := packages{folders: map[string]bool{}, names: map[string]bool{}, imports: map[string][]string{}}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(name, ".go") && !strings.Contains(name, "testdata") {
			p.read(t, name)
		}
		return err
	}))
	return p
}

// The page names every package, and each name in backticks is that of a package or
// of something that a package declares.
func TestArchitectureNamesWhatExists(t *testing.T) {
	exist, named := declared(t), map[string]bool{}
	for _, match := range code.FindAllStringSubmatch(read(t, "docs/architecture.md"), -1) {
		named[match[1]] = true
		assert.True(t, exist.folders[match[1]] || exist.names[match[1]],
			"docs/architecture.md: %s is neither a package, nor a function, type or member of a package", match[1])
	}
	for folder := range exist.folders {
		assert.True(t, named[folder], "docs/architecture.md does not name the package %s", folder)
	}
}

// The packages in the table import only packages further down.
func TestArchitectureImportsGoDown(t *testing.T) {
	exist := declared(t)
	position := map[string]int{}
	for i, match := range room.FindAllStringSubmatch(read(t, "docs/architecture.md"), -1) {
		position[match[1]] = i + 1
	}
	require.Greater(t, len(position), 10, "the page has a table of packages")
	for folder, at := range position {
		for _, imported := range exist.imports[folder] {
			assert.Greater(t, position[imported], at, "docs/architecture.md: %s imports %s, which is not further down", folder, imported)
		}
	}
}

// Names such as dialect.OAuth2 in the other documents exist.
func TestNamesOfPackagesExist(t *testing.T) {
	exist := declared(t)
	for _, document := range documents {
		for _, match := range code.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, document), ""), -1) {
			name := match[1]
			folder, rest, _ := strings.Cut(name, ".")
			if !exist.folders[folder] || !token.IsIdentifier(rest) || !token.IsExported(rest) || testName.MatchString(rest) {
				continue
			}
			assert.True(t, exist.names[strings.TrimPrefix(name, "connectorauth.")], "%s: %s does not exist", document, name)
		}
	}
}

// testName matches the names that TestNamedTestsExist checks.
var testName = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)`)
