package connectorauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the source of the library must not do. Pauses between polls and sweeps, numbers
// of generations and the Math.random of scripts may use math/rand; a browser and the
// credentials of AWS are found by the environment, and the command line is a program, whose environment is its own; a client certificate, egress and fapi refuse
// InsecureSkipVerify. The time of day is for what leaves the process: durations within the process come from
// time.Time, which a clock that is set back does not change. Packages that are for tests
// are left out.
func TestSourceTakesNoShortcuts(t *testing.T) {
	allowed := map[string][]string{
		"math/rand/v2":       {"accounts/connect.go", "accounts/run.go", "accounts/sweep.go", "internal/poll/", "tokenstore/redisstore/", "script/internal/engine/"},
		"os.Getenv":          {"cmd/", "internal/benchmarks/instructions/", "consent/browser.go", "awsauth/places.go", "awsauth/metadata.go"},
		"os.Environ":         {"cmd/"},
		"unsafe":             {"tokenstore/file_windows.go"}, // for a system call
		"InsecureSkipVerify": {"assertion/certificate.go", "egress/egress.go", "fapi/fields.go"},
		"Now().Unix":         {"accounts/connect.go", "internal/clock/", "internal/oauth1/", "internal/pending/", "consent/devicepage.go", "consent/start.go", "consent/form.go", "script/helpers.go", "script/internal/engine/"},
	}
	forTests := map[string]bool{"examples": true, "authtest": true, "internal/interop": true, "internal/test": true}
	files, used := token.NewFileSet(), map[string]bool{}
	find := func(path, what string) {
		used[what] = true
		for _, prefix := range allowed[what] {
			if strings.HasPrefix(filepath.ToSlash(path), prefix) {
				return
			}
		}
		t.Errorf("%s uses %s", path, what)
	}
	parsed := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (forTests[filepath.ToSlash(path)] || strings.HasPrefix(entry.Name(), ".") && path != "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		parsed++
		for _, imported := range file.Imports {
			switch name := strings.Trim(imported.Path.Value, `"`); name {
			case "math/rand", "math/rand/v2", "unsafe", "net/http/cookiejar":
				find(path, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "InsecureSkipVerify" {
					find(path, n.Name)
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "os" && strings.Contains(strings.ToLower(n.Sel.Name), "env") {
					find(path, "os."+n.Sel.Name)
				}
				if call, ok := n.X.(*ast.CallExpr); ok && strings.HasPrefix(n.Sel.Name, "Unix") {
					if now, ok := call.Fun.(*ast.SelectorExpr); ok && now.Sel.Name == "Now" {
						find(path, "Now().Unix")
					}
				}
			}
			return true
		})
		return nil
	}))
	assert.Greater(t, parsed, 60)
	for what := range allowed {
		assert.True(t, used[what], "%s is allowed and not used", what)
	}
}
