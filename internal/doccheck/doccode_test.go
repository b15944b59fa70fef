package doccheck

import (
	"encoding/json"
	"go/doc/comment"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// marks are what blocks of Go have, and blocks of other languages have not: a short declaration, a
// function, or a name of a package in a call, a literal or a list.
var marks = regexp.MustCompile(`:=|\bfunc[ (]|\b[a-z]\w*\.[A-Z]\w*[,({]`)

// language returns the language of an indented block: go, json, or "" for tables, formats and all
// else that no compiler reads.
func language(block string) string {
	switch {
	case marks.MatchString(block):
		return "go"
	case strings.HasPrefix(block, "{"), strings.HasPrefix(block, "["):
		return "json"
	}
	return ""
}

// indented returns the indented blocks in the documentation of the package and of what the package
// exports.
func (p public) indented() (list []string) {
	for _, text := range p.documentation() {
		for _, block := range p.doc.Parser().Parse(text).Content {
			if code, ok := block.(*comment.Code); ok {
				list = append(list, code.Text)
			}
		}
	}
	return list
}

// A block of Go in a documentation stands in code that the check of the repository runs. Most blocks
// need what only the reader has, and it is enough that these compile. A block of JSON is JSON.
func TestIndentedBlocksAreRunOrCompile(t *testing.T) {
	packages, sources := publics(t), run(t)
	c := newCompiler(t, packages)
	count := map[string]int{}
	for _, p := range packages {
		for _, block := range p.indented() {
			kind := language(block)
			count[kind]++
			switch {
			case kind == "go" && !stands(block, sources):
				assert.NoError(t, c.check(p, block), "%s: no code that runs has the lines of this block, and this block does not compile:\n%s", p.folder, block)
			case kind == "json":
				assert.True(t, json.Valid([]byte(block)), "%s: this block is no JSON:\n%s", p.folder, block)
			}
		}
	}
	for key := range given {
		assert.True(t, c.used[key], "no block needs %q", key)
	}
	assert.Greater(t, count["go"], 40)
	assert.Positive(t, count["json"])
}

func TestLanguageOfBlocks(t *testing.T) {
	for _, test := range []struct{ name, block, want string }{
		{"a declaration", "code := callback.Query()\n", "go"},
		{"a function", "func f() error\n", "go"},
		{"a method of an interface", "Wait(ctx context.Context, key string) error\n", "go"},
		{"a call", "authtest.Answer(503, nil, \"\")\n", "go"},
		{"a literal", "config.Dialect = dialect.OAuth2{\n}\n", "go"},
		{"Go that no compiler takes", "store, err := open(...)\n", "go"},
		{"an object", "{\"name\": \"acme\"}\n", "json"},
		{"a list", "[1, 2]\n", "json"},
		{"a table that names Go", "service  the name (connectorauth.Event.Service)\nlimit    32 MiB, or Options.Limit\n", ""},
		{"YAML", "name: acme\nbaseUrl: https://acme.example.com/api\n", ""},
		{"HTML", "<script>\n\tbutton.onclick = () => connectorauth.connect(\"acme\").then(() => location.reload())\n</script>\n", ""},
		{"a command", "go run ./examples/quickstart\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, language(test.block))
		})
	}
}

func TestCompilerFindsMistakes(t *testing.T) {
	packages := publics(t)
	folder := slices.IndexFunc(packages, func(p public) bool { return p.folder == "authtest" })
	c := newCompiler(t, packages)
	for _, test := range []struct{ name, block, want string }{
		{"statements", "p := authtest.NewProvider(t)\nreturn p.Sync()\n", "p.Sync undefined"},
		{"a function of the package", "authtest.Reply(503)\n", "undefined: authtest.Reply"},
		{"a field", "authtest.New(authtest.Config{Memory: true})\n", "unknown field Memory"},
		{"an argument", "authtest.Answer(\"503\", nil, \"\")\n", "cannot use \"503\""},
		{"a number of results", "p := authtest.Answer(503, nil, \"\"), 1\n", "assignment mismatch"},
		{"a method of what the reader has", "p.Explode()\n", "p.Explode undefined"},
		{"a name that nobody has given", "nobody.Sync(ctx)\n", "undefined: nobody"},
		{"a declaration", "func TestSync(t *testing.T) {\n\tt.Explode()\n}\n", "t.Explode undefined"},
		{"a method of an interface", "Wait(ctx context.Contest) error\n", "undefined: context.Contest"},
		{"behind a gap", "p := authtest.NewProvider(t)\n...\np.Explode()\n", "p.Explode undefined"},
		{"dots inside of a line", "p := authtest.New(authtest.Config{...})\n", "expected operand"},
		{"a field alone", "Config: authtest.Config{},\n", "expected"},
		{"no mistake, and a name that the block does not use", "p := authtest.NewProvider(t)\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := c.check(packages[folder], test.block)
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
		})
	}
}
