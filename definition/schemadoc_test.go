package definition

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documented is what the comments of the sources say, by package and name, such as
// definition.Input and definition.Input.Name.
type documented struct {
	types, fields map[string]string
	words         map[string][]word // the constants of each string type, in their order
	constants     map[string]string // the word of each constant
	owners        map[string]bool   // the structs of documents
	members       map[string]string // by field: those that are no word of English
}

// word is a constant of an enumeration.
type word struct{ text, comment string }

// readDocs reads the comments of the packages whose types documents have.
func readDocs(t *testing.T) *documented {
	d := &documented{map[string]string{}, map[string]string{}, map[string][]word{}, map[string]string{}, map[string]bool{}, map[string]string{}}
	for of, s := range shapes() {
		d.owners[of.Name()] = true
		for member, index := range s.fields {
			if strings.ToLower(member) != member {
				d.members[of.FieldByIndex(index).Name] = member
			}
		}
	}
	for _, dir := range []string{"../internal/oauth1", ".", "..", "../dialect", "../session", "../assertion"} {
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+f.Name(), nil, parser.ParseComments|parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, decl := range file.Decls {
				if g, ok := decl.(*ast.GenDecl); ok {
					d.declaration(file.Name.Name+".", g)
				}
			}
		}
	}
	return d
}

func (d *documented) declaration(pkg string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			d.types[pkg+s.Name.Name] = comment(s.Doc, g.Doc)
			if of, ok := s.Type.(*ast.StructType); ok {
				d.structure(pkg+s.Name.Name+".", of)
			}
		case *ast.ValueSpec:
			if g.Tok != token.CONST || len(s.Values) != 1 {
				continue
			}
			text := ""
			switch value := s.Values[0].(type) {
			case *ast.BasicLit:
				text, _ = strconv.Unquote(value.Value)
			case *ast.SelectorExpr: // a constant of internal/oauth1
				text = d.constants[value.Sel.Name]
			}
			if text == "" {
				continue
			}
			d.constants[s.Names[0].Name] = text
			of := pkg
			switch t := s.Type.(type) {
			case *ast.Ident:
				of += t.Name
			case *ast.SelectorExpr: // a type of another package
				of = t.X.(*ast.Ident).Name + "." + t.Sel.Name
			}
			d.words[of] = append(d.words[of], word{text, comment(s.Comment, s.Doc)})
		}
	}
}

// structure takes the comments of fields. A field without a comment has that of the
// field before, if that comment names the field.
func (d *documented) structure(prefix string, of *ast.StructType) {
	before := ""
	for _, f := range of.Fields.List {
		text := comment(f.Doc, f.Comment)
		for _, name := range f.Names {
			if d.fields[prefix+name.Name] = text; text == "" && regexp.MustCompile(`\b`+name.Name+`\b`).MatchString(before) {
				d.fields[prefix+name.Name] = before
			}
		}
		if text != "" {
			before = text
		}
	}
}

// comment returns the first comment that is there, each paragraph in one line.
func comment(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.TrimSpace(g.Text()); text != "" {
			paragraphs := strings.Split(text, "\n\n")
			for i := range paragraphs {
				paragraphs[i] = strings.ReplaceAll(strings.Join(strings.Fields(paragraphs[i]), " "), ". - ", ".\n- ")
			}
			return strings.Join(paragraphs, "\n\n")
		}
	}
	return ""
}

var identifier = regexp.MustCompile(`\[?\b(?:([a-zA-Z]+)\.)?([A-Z][A-Za-z0-9]*)\b\]?`)

// inDocuments writes a comment in the words of documents: a constant is its word in
// quotes, and the fields of a struct are members. An acronym may be the word itself, and
// so may a short name, but not at the beginning.
func (d *documented) inDocuments(text string, members map[string]string) string {
	last := 0
	var b strings.Builder
	for _, at := range identifier.FindAllStringSubmatchIndex(text, -1) {
		name, found := text[at[4]:at[5]], text[at[0]:at[1]]
		b.WriteString(text[last:at[0]])
		last = at[1]
		mayBeWord := at[0] > 0 && (len(name) <= 2 || strings.ToUpper(name) == name) || text[at[0]] == '['
		switch value, constant := d.constants[name]; {
		case constant:
			found = strconv.Quote(value)
		case at[2] >= 0 && d.owners[text[at[2]:at[3]]]:
			found = text[at[2]:at[3]] + "." + lowerCamel(name)
		case at[2] < 0 && members[name] != "" && !mayBeWord:
			found = members[name]
		case at[2] < 0 && d.members[name] != "":
			found = d.members[name]
		}
		b.WriteString(strings.Trim(found, "[]"))
	}
	b.WriteString(text[last:])
	return b.String()
}

var (
	isRequired    = regexp.MustCompile(`(?i)(?:^|[.;] )(?:required(?:[.;]|$)|at least one\b)`)
	oneIsRequired = regexp.MustCompile(`([A-Z]\w*) is required\b`)
)

// required reports whether a comment says that a field is.
func required(field, text string) bool {
	if m := oneIsRequired.FindStringSubmatch(text); m != nil {
		return m[1] == field
	}
	return isRequired.MatchString(text)
}
