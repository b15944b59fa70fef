package doccheck

import (
	"errors"
	"fmt"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/shell"
)

// programText matches the first line of code of a program.
var programText = regexp.MustCompile(`(?m)^package main$`)

// valued are the flags of the go command whose value is the next word.
var valued = []string{"-o", "-run", "-fuzz", "-fuzztime", "-bench", "-benchtime", "-timeout"}

// selected are the prefixes of the functions that a flag of go test selects.
var selected = map[string]*regexp.Regexp{
	"-run":   regexp.MustCompile(`^(Test|Example|Fuzz)`),
	"-fuzz":  regexp.MustCompile(`^Fuzz`),
	"-bench": regexp.MustCompile(`^Benchmark`),
}

// A repository is what commands name.
type repository struct {
	sources map[string]string // the text of the Go files of each folder, without tests
	modules map[string]string // the text of go.mod of each folder
	tests   map[string]bool   // as functions returns
}

// readRepository reads all modules.
func readRepository(t *testing.T) repository {
	t.Helper()
	r := repository{map[string]string{}, map[string]string{}, functions(t)}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(name, "testdata") || filepath.Ext(name) != ".go" && entry.Name() != "go.mod" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		switch folder = filepath.ToSlash(folder); {
		case entry.Name() == "go.mod":
			r.modules[folder] = string(text)
		case strings.HasSuffix(name, "_test.go"):
			r.sources[folder] += ""
		default:
			r.sources[folder] += string(text)
		}
		return err
	}))
	return r
}

// check returns what is wrong with a command of the file of a document. Only the go command and
// programs of the repository are known.
func (r repository) check(file string, words []string) error {
	from := []string{".", path.Dir(file)} // where the reader is: in the root folder, or beside the file, or in its module
	for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
		if r.modules[folder] != "" {
			from = append(from, folder)
			break
		}
	}
	if words[0] != "go" {
		exists := func(folder string) bool {
			_, err := os.Stat(filepath.Join(root, folder, words[0]))
			return err == nil
		}
		if strings.Contains(words[0], "/") && words[0] != "./connectorauth" && !slices.ContainsFunc(from, exists) {
			return fmt.Errorf("there is no %s", words[0])
		}
		return nil
	}
	switch sub, args := strings.Join(words[1:min(2, len(words))], ""), words[min(2, len(words)):]; sub {
	case "run":
		return r.checkRun(from, args)
	case "test", "build":
		return r.checkTest(from, args)
	case "get", "install":
		return r.checkGet(args)
	case "mod":
		return r.checkMod(args)
	default:
		return fmt.Errorf("nobody checks go %s", sub)
	}
}

// folders returns the folders with packages that a pattern such as ./examples/... means.
func (r repository) folders(from []string, pattern string) (list []string, err error) {
	if pattern == "work" {
		return slices.Collect(maps.Keys(r.sources)), nil
	}
	base, below := strings.CutSuffix(pattern, "/...")
	for _, start := range from {
		wanted := path.Join(start, base)
		for folder := range r.sources {
			if folder == wanted || below && (wanted == "." || strings.HasPrefix(folder, wanted+"/")) {
				list = append(list, folder)
			}
		}
	}
	if list == nil || !strings.HasPrefix(pattern, ".") {
		return nil, fmt.Errorf("there is no package %s", pattern)
	}
	return list, nil
}

// checkRun checks that the package is a program, and that the program has the flags.
func (r repository) checkRun(from, args []string) error {
	if len(args) == 0 {
		return errors.New("go run names no package")
	}
	list, err := r.folders(from, args[0])
	if err != nil {
		return err
	}
	program := slices.IndexFunc(list, func(folder string) bool { return programText.MatchString(r.sources[folder]) })
	if program < 0 {
		return fmt.Errorf("%s is no program", args[0])
	}
	for _, arg := range args[1:] {
		if name, flag := strings.CutPrefix(arg, "-"); flag && !strings.Contains(r.sources[list[program]], `"`+name+`"`) {
			return fmt.Errorf("%s has no flag %s", args[0], arg)
		}
	}
	return nil
}

// checkTest checks the packages, and that each name behind -run, -fuzz or -bench is that of a function
// there.
func (r repository) checkTest(from, args []string) error {
	patterns, names := []string{}, map[string]string{}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if slices.Contains(valued, arg) && len(args) > 0 {
			names[arg], args = args[0], args[1:]
		} else if !strings.HasPrefix(arg, "-") {
			patterns = append(patterns, arg)
		}
	}
	var list []string
	for _, pattern := range patterns {
		folders, err := r.folders(from, pattern)
		if err != nil {
			return err
		}
		list = append(list, folders...)
	}
	for flag, kind := range selected {
		for name := range strings.SplitSeq(names[flag], "|") {
			name, _, _ = strings.Cut(name, "/")
			if name != "" && name != "^$" && !r.hasTest(list, kind, name) {
				return fmt.Errorf("%s %s selects nothing", flag, name)
			}
		}
	}
	return nil
}

// hasTest reports whether a function of the kind in one of the folders matches the pattern.
func (r repository) hasTest(folders []string, kind *regexp.Regexp, pattern string) bool {
	for test := range r.tests {
		dot := strings.LastIndex(test, ".")
		folder, function := test[:dot], test[dot+1:]
		if folder == "connectorauth" {
			folder = "."
		}
		matched, err := regexp.MatchString(pattern, function)
		if err == nil && matched && kind.MatchString(function) && slices.Contains(folders, folder) {
			return true
		}
	}
	return false
}

// checkGet checks that each import path is that of a package of the repository, or of a module that a
// module of the repository requires.
func (r repository) checkGet(args []string) error {
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		importPath, _, _ := strings.Cut(arg, "@")
		if inner, ours := strings.CutPrefix(importPath, module); ours {
			if r.sources[path.Join(".", inner)] == "" {
				return fmt.Errorf("there is no package %s", importPath)
			}
			continue
		}
		required := func(text string) bool { return strings.Contains(text, "\t"+importPath+" v") }
		if !slices.ContainsFunc(slices.Collect(maps.Values(r.modules)), required) {
			return fmt.Errorf("no module of the repository requires %s", importPath)
		}
	}
	return nil
}

// checkMod checks that each module exists, and that its folder is where the module says.
func (r repository) checkMod(args []string) error {
	for _, arg := range args {
		flag, value, _ := strings.Cut(arg, "=")
		if flag != "-require" && flag != "-replace" {
			continue
		}
		name, folder, _ := strings.Cut(value, "=")
		name, _, _ = strings.Cut(name, "@")
		inner, ours := strings.CutPrefix(name, module)
		if !ours || !strings.HasPrefix(r.modules[path.Join(".", inner)], "module "+name+"\n") {
			return fmt.Errorf("there is no module %s", name)
		}
		if flag == "-replace" && folder != "../connectorauth"+inner {
			return fmt.Errorf("the module %s is not in %s", name, folder)
		}
	}
	return nil
}

// commands returns the commands in the blocks for a shell of all documents, and the go commands in
// the blocks of the documentation of all packages, by file.
func commands(t *testing.T) map[string][][]string {
	t.Helper()
	list := map[string][][]string{}
	for _, document := range documents {
		for _, match := range fence.FindAllStringSubmatch(read(t, document), -1) {
			if match[1] == "sh" {
				list[document] = append(list[document], shell.Commands(match[2])...)
			}
		}
	}
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" || strings.Contains(name, "testdata") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
			code, ok := block.(*comment.Code)
			if !ok || language(code.Text) != "" {
				continue
			}
			for _, words := range shell.Commands(code.Text) {
				if words[0] == "go" {
					list[filepath.ToSlash(relative)] = append(list[filepath.ToSlash(relative)], words)
				}
			}
		}
		return err
	}))
	return list
}

// A reader may type each command, because what the command names exists.
func TestCommandsNameWhatExists(t *testing.T) {
	r, count := readRepository(t), map[string]int{}
	for file, list := range commands(t) {
		for _, words := range list {
			count[words[0]]++
			assert.NoError(t, r.check(file, words), "%s: %s", file, strings.Join(words, " "))
		}
	}
	assert.Greater(t, count["go"], 40)
}

func TestRepositoryFindsMistakes(t *testing.T) {
	r := readRepository(t)
	for _, test := range []struct{ name, file, command, want string }{
		{"a program", "README.md", "go run ./examples/cli -redirect oob", ""},
		{"a program beside the file", "examples/script/main.go", "go run .", ""},
		{"a program in the module of the file", "catalog/internal/page/main.go", "go run ./internal/page", ""},
		{"no such program", "README.md", "go run ./examples/quick", "there is no package ./examples/quick"},
		{"the program of another module", "README.md", "go run ./internal/page", "there is no package ./internal/page"},
		{"a program without ./ in front", "README.md", "go run examples/cli", "there is no package examples/cli"},
		{"a package that is no program", "README.md", "go run ./consent", "./consent is no program"},
		{"no package", "README.md", "go run", "go run names no package"},
		{"no such flag", "README.md", "go run ./examples/cli -again", "./examples/cli has no flag -again"},
		{"packages", "README.md", "go test ./... work .", ""},
		{"packages below", "README.md", "go test ./examples/...", ""},
		{"no packages below", "README.md", "go test ./example/...", "there is no package ./example/..."},
		{"the second package", "README.md", "go test -race ./consent ./assent", "there is no package ./assent"},
		{"tests", "README.md", "go test -run 'TestCommandsNameWhatExists|^TestStands$/dots' -v ./internal/doccheck", ""},
		{"no such test", "README.md", "go test -run 'TestStands|TestFalls' ./internal/doccheck", "-run TestFalls selects nothing"},
		{"a test elsewhere", "README.md", "go test -run TestStands ./consent", "-run TestStands selects nothing"},
		{"a test of the root folder", "README.md", "go test -run TestRejectedRequestIsReplayedOnce .", ""},
		{"no test, and a benchmark", "README.md", "go test -run '^$' -bench . .", ""},
		{"a test is no benchmark", "README.md", "go test -bench TestStands ./internal/doccheck", "-bench TestStands selects nothing"},
		{"a build", "README.md", "go build -o connectorauth ./cmd/connectorauth", ""},
		{"a build of nothing", "README.md", "go build -o connectorauth ./cmd/connector", "there is no package ./cmd/connector"},
		{"a package of ours", "README.md", "go install -trimpath " + module + "/cmd/connectorauth@v0.1.0", ""},
		{"no package of ours", "README.md", "go install " + module + "/cmd/connector@v0.1.0", "there is no package"},
		{"a module that we need", "README.md", "go get github.com/stretchr/testify", ""},
		{"a module that nobody needs", "README.md", "go get github.com/stretchr/testing", "no module of the repository requires"},
		{"a module of ours", "README.md", "go mod edit -require=" + module + "/script@v0.0.0 -replace=" + module + "/script=../connectorauth/script", ""},
		{"the library", "README.md", "go mod edit -replace=" + module + "=../connectorauth", ""},
		{"no module of ours", "README.md", "go mod edit -require=" + module + "/consent@v0.0.0", "there is no module"},
		{"a module elsewhere", "README.md", "go mod edit -replace=" + module + "/script=../connectorauth", "is not in ../connectorauth"},
		{"what nobody checks", "README.md", "go tool dist", "nobody checks go tool"},
		{"a file", "README.md", ".ci/run tests", ""},
		{"no file", "README.md", ".ci/walk", "there is no .ci/walk"},
		{"a program of others", "README.md", "openssl version", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := shell.Commands(test.command)
			require.Len(t, list, 1)
			err := r.check(test.file, list[0])
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
		})
	}
}
