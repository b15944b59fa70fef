package doccheck

import (
	"go/doc"
	"go/doc/comment"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// bracketed matches a name in brackets, which is text where the name does not exist.
	bracketed = regexp.MustCompile(`\[\*?(?:[a-z][\w/]*\.)?[A-Z]\w*(\.[A-Z]\w*)*\]`)
	// qualified matches a name behind the name of a type or a package.
	qualified = regexp.MustCompile(`\b([A-Za-z]\w*)\.([A-Z]\w*)`)
)

// parts are what the documentation of a package, a type or a function consists of.
type parts struct {
	headings, code int
	text           []string // without code and links
}

// parse returns the parts of a documentation of the package.
func (p public) parse(text string) (found parts) {
	inline := func(list []comment.Text) {
		for _, part := range list {
			switch part := part.(type) {
			case comment.Plain:
				found.text = append(found.text, string(part))
			case comment.Italic:
				found.text = append(found.text, string(part))
			}
		}
	}
	var blocks func(list []comment.Block)
	blocks = func(list []comment.Block) {
		for _, block := range list {
			switch block := block.(type) {
			case *comment.Heading:
				found.headings++
				inline(block.Text)
			case *comment.Code:
				found.code++
			case *comment.Paragraph:
				inline(block.Text)
			case *comment.List:
				for _, item := range block.Items {
					blocks(item.Content)
				}
			}
		}
	}
	blocks(p.doc.Parser().Parse(text).Content)
	return found
}

// The documentation of a package is a tutorial in a file of its own: a sentence, a use, and
// headings for the next questions.
func TestPackageDocumentationIsATutorial(t *testing.T) {
	for _, p := range publics(t) {
		found := p.parse(p.doc.Doc)
		assert.True(t, strings.HasPrefix(p.doc.Doc, "Package "+p.doc.Name+" "), "%s: the documentation does not begin with the package", p.folder)
		assert.Positive(t, found.code, "%s: the documentation has no code", p.folder)
		assert.Positive(t, found.headings, "%s: the documentation has no heading", p.folder)
		in, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(p.folder), "doc.go"))
		require.NoError(t, err)
		assert.NotEmpty(t, in, "%s: has no doc.go", p.folder)
	}
}

// A name in brackets is a link, in the documentation of everything that a package exports.
// In the documentation of a package, a name of a type's member, or of another package's, is
// a link too.
func TestDocumentationLinksNames(t *testing.T) {
	for _, p := range publics(t) {
		for _, text := range p.documentation() {
			for _, plain := range p.parse(text).text {
				assert.NotRegexp(t, bracketed, plain, "%s: a link leads nowhere", p.folder)
			}
		}
		types := map[string]bool{}
		for _, kind := range p.doc.Types {
			types[kind.Name] = true
		}
		for _, plain := range p.parse(p.doc.Doc).text {
			for _, match := range qualified.FindAllStringSubmatch(plain, -1) {
				assert.False(t, types[match[1]] || p.imports(match[1]), "%s: the documentation has no link at %s", p.folder, match[0])
			}
		}
	}
}

// documentation returns the documentation of the package and of what the package exports.
func (p public) documentation() (texts []string) {
	values := func(list []*doc.Value) {
		for _, v := range list {
			texts = append(texts, v.Doc)
		}
	}
	functions := func(list []*doc.Func) {
		for _, f := range list {
			texts = append(texts, f.Doc)
		}
	}
	texts = append(texts, p.doc.Doc)
	values(p.doc.Consts)
	values(p.doc.Vars)
	functions(p.doc.Funcs)
	for _, kind := range p.doc.Types {
		texts = append(texts, kind.Doc)
		values(kind.Consts)
		values(kind.Vars)
		functions(kind.Funcs)
		functions(kind.Methods)
	}
	return texts
}

// imports reports whether the package imports one with the name, so that a link can name
// the other package without its path.
func (p public) imports(name string) bool {
	for _, imported := range p.doc.Imports {
		if path.Base(imported) == name {
			return true
		}
	}
	return false
}
