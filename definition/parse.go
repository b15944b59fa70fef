package definition

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/template"
)

// version is the version of the format that this package reads.
const version = 1

// Options are what a program allows definitions to say.
type Options struct {
	// AnyHost allows inputs with AnyHost, which may lead to any host of the network that
	// package egress reaches. The zero value refuses such definitions.
	AnyHost bool
	// Converters read documents in other notations, by the ending of the file, such as
	// ".yaml". Load and Folder ask Converters; Parse and Lint read JSON. Empty means JSON
	// alone.
	Converters map[string]Converter
	// Kinds are kinds of credentials of other packages, such as those of the modules
	// digestauth and awsauth. Empty means the types of this package alone.
	Kinds []Kind
}

// Parse reads a definition. The name of the file is for the error, which is an *Error
// and lists all mistakes. A mistake in options is another error.
func Parse(file string, document []byte, options Options) (*Definition, error) {
	d, _, err := parse(file, string(document), options)
	return d, err
}

// parse is Parse, and returns the reader for those who look further.
func parse(file, document string, options Options) (*Definition, *reader, error) {
	if err := checkKinds(options.Kinds); err != nil {
		return nil, nil, err
	}
	src := strings.TrimPrefix(document, "\ufeff")
	r := &reader{file: file, src: src, kinds: options.Kinds, types: schemeNames}
	for i := range r.kinds {
		r.types = append(slices.Clip(r.types), r.kinds[i].Name)
	}
	d := &Definition{anyHost: options.AnyHost, texts: map[string]template.Template{}, urls: map[string]*urlTemplate{}}
	r.read(d)
	if err := r.err(); err != nil {
		return nil, nil, err
	}
	return d, r, nil
}

// read reads the document into d, and checks d.
func (r *reader) read(d *Definition) {
	if len(r.src) > maxSize {
		r.src = ""
		r.addAt(0, nil, "is longer than %d bytes", maxSize)
		return
	}
	s := &scanner{src: r.src, report: func(at int, text string) { r.addAt(at, nil, "%s", text) }}
	root, mistake := s.document()
	if mistake != nil {
		r.addAt(mistake.at, nil, "%s%s", mistake.text, r.inYAML())
		return
	}
	if r.root = root; root.kind != object {
		r.addAt(int(root.at), nil, "want an object")
		return
	}
	if !r.version() {
		return
	}
	r.decode(&r.root, reflect.ValueOf(d).Elem(), nil)
	c := &checker{reader: r, d: d}
	c.definition()
	if len(r.found) == 0 { // or a constructor would find the same mistakes in other words
		c.trial()
	}
}

// version reports whether the document has a version that this package reads.
func (r *reader) version() bool {
	at := (*path)(nil).member("connectorauth")
	n, ok := at.find(&r.root)
	switch {
	case !ok:
		r.addAt(0, nil, "is no definition, or lacks its version: add \"connectorauth\": %d", version)
	case n.kind != number:
		r.addAt(int(n.at), at, "is %s; want the number %d", n.kind, version)
	case n.text != fmt.Sprint(version):
		r.addAt(int(n.at), at, "this program reads version %d; use a newer version of the program for another", version)
	default:
		return true
	}
	return false
}

// valid reports whether a name can be kept by programs.
func valid(name string) bool {
	return name != "" && len(name) <= 64 && utf8.ValidString(name) && strings.IndexFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}) < 0
}
