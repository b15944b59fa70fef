package doccheck

import (
	"cmp"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// wrappers make a file of a block: of statements, of declarations, or of methods of an interface.
var wrappers = [][2]string{
	{"func _() error {\n", "\npanic(0)\n}\n"},
	{"", ""},
	{"type _ interface {\n", "\n}\n"},
}

var (
	identifier = regexp.MustCompile(`\b[A-Za-z_]\w*`)
	// version matches the last element of an import path that is no name.
	version = regexp.MustCompile(`/v\d+$`)
)

// packageName returns the name of a package, as import paths have the name by convention: with go-
// in front, or with a version behind.
func packageName(importPath string) string {
	return strings.TrimPrefix(path.Base(version.ReplaceAllString(importPath, "")), "go-")
}

// mentioned returns the names in front of exported names, as those of packages are.
func mentioned(block string) map[string]bool {
	found := map[string]bool{}
	for _, match := range qualified.FindAllStringSubmatch(block, -1) {
		found[match[1]] = true
	}
	return found
}

// A compiler checks blocks as the Go compiler does, with the types of given.
type compiler struct {
	importer types.Importer
	imports  []string        // of all packages: the packages themselves first
	used     map[string]bool // keys of given that a block has needed
}

// newCompiler returns a compiler for the blocks of the packages.
func newCompiler(t *testing.T, packages []public) *compiler {
	t.Helper()
	var ours, others []string
	for _, p := range packages {
		ours, others = append(ours, p.doc.ImportPath), append(others, p.imported...)
	}
	slices.Sort(others)
	c := &compiler{imports: append(ours, slices.Compact(others)...), used: map[string]bool{}}
	text := strings.Join(slices.Collect(maps.Values(given)), "\n")
	for _, p := range packages {
		text += strings.Join(p.indented(), "\n")
	}
	needed := mentioned(text)
	paths := slices.DeleteFunc(slices.Clone(c.imports), func(importPath string) bool { return !needed[packageName(importPath)] })
	list := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-f", "{{.ImportPath}} {{.Export}}", "--"}, paths...)...)
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		importPath, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[importPath] = file
	}
	open := func(importPath string) (io.ReadCloser, error) { return os.Open(exports[importPath]) }
	c.importer = importer.ForCompiler(token.NewFileSet(), "gc", open)
	return c
}

// check returns the mistakes of a block in the documentation of a package. Of two packages with the
// same name, the block means the nearer one: the documented one, what that imports, what its tests
// import, others. What a block declares may be unused.
func (c *compiler) check(p public, block string) error {
	imports := slices.Concat([]string{p.doc.ImportPath}, p.doc.Imports, p.imported, c.imports)
	block = strings.Join(pieces(block), "\n")
	variables, keys := "", map[string]string{}
	for _, name := range identifier.FindAllString(block, -1) {
		key := name
		if given[p.folder+" "+name] != "" {
			key = p.folder + " " + name
		}
		if given[key] != "" && keys[name] == "" {
			keys[name] = key
			variables += "var " + name + " " + given[key] + "\n"
		}
	}
	header, needed := "package reader\n", mentioned(variables+block)
	for _, importPath := range imports {
		if name := packageName(importPath); needed[name] {
			needed[name] = false
			header += "import " + name + " \"" + importPath + "\"\n"
		}
	}
	files := token.NewFileSet()
	file, err := parse(files, header+variables, block)
	if err != nil {
		return err
	}
	var mistakes []error
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: c.importer, Error: func(err error) {
		if mistake := err.(types.Error); !mistake.Soft { // a soft mistake is something unused
			mistakes = append(mistakes, errors.New(mistake.Msg))
		}
	}}
	reader, _ := config.Check("reader", files, []*ast.File{file}, &info) // Error has the mistakes
	for _, object := range info.Uses {
		if object.Parent() == reader.Scope() {
			c.used[keys[object.Name()]] = true
		}
	}
	return errors.Join(mistakes...)
}

// parse parses a block in the first wrapper that fits. Where none fits, the error is that of statements.
func parse(files *token.FileSet, header, block string) (*ast.File, error) {
	var first error
	for _, w := range wrappers {
		file, err := parser.ParseFile(files, "block.go", header+w[0]+block+w[1], parser.SkipObjectResolution)
		if err == nil {
			return file, nil
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}
