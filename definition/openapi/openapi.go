package openapi

import (
	"bytes"
	"errors"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/importer"
)

// Options say what a document leaves open.
type Options struct {
	// Answers are the answers to questions, by the ID of the question. Empty means none.
	Answers map[string]string
	// Name is the name of the definition. Empty means a name made of info.title.
	Name string
	// URL is where the document comes from, for relative URLs in the document. Empty means
	// that relative URLs are asked for. Import makes no request.
	URL string
	// Convert makes JSON of a document in YAML, such as ToJSON of the module
	// definition/yaml. Nil means a document in JSON.
	Convert definition.Converter
}

// Import makes a draft of an OpenAPI document of at most 64 MiB. The name of the file is
// for the error and for questions. A text that is no OpenAPI document is a
// *definition.Error. An answer that is none of the choices is an error.
func Import(file string, document []byte, options Options) (*definition.Draft, error) {
	d, err := importer.New(file, document, options.Convert, options.Answers)
	if err != nil {
		return nil, inYAML(err, document, options)
	}
	i := &imported{Draft: d, root: d.Root(), def: &definition.Definition{Version: 1}, inputs: map[string]bool{}, names: map[string]bool{}, ways: map[string]ways{}, same: map[string]string{}}
	switch version := i.root.Get("openapi").Text(); {
	case strings.HasPrefix(version, "3.0."), strings.HasPrefix(version, "3.1."), strings.HasPrefix(version, "3.2."):
	case i.root.Get("swagger").Text() == "2.0":
		i.swagger = true
	default:
		return nil, i.Refuse(i.root, `is no OpenAPI document of the versions 3.0, 3.1 and 3.2, and none of Swagger 2.0: look at the member "openapi" or "swagger"`)
	}
	if options.URL != "" {
		if i.from, err = url.Parse(options.URL); err != nil || i.from.Host == "" {
			return nil, errors.New("openapi: Options.URL is not an absolute URL")
		}
	}
	i.about(options.Name)
	i.base()
	i.methods()
	return i.Done(i.def)
}

// imported is a document on its way to a definition.
type imported struct {
	*importer.Draft
	root    importer.Value
	swagger bool
	from    *url.URL // where the document comes from; nil means unknown
	def     *definition.Definition
	inputs  map[string]bool     // names that are taken
	names   map[string]bool     // of methods
	ways    map[string]ways     // by the name of the scheme
	known   []operation         // nil means not yet read
	scopes  map[string][]string // that requirements name, by the name of the scheme
	same    map[string]string   // the methods, by what requests carry
}

// inYAML adds to an error what reads YAML, if the document has no beginning of JSON.
func inYAML(err error, document []byte, options Options) error {
	var failed *definition.Error
	start := bytes.TrimSpace(document)
	if options.Convert == nil && len(start) > 0 && start[0] != '{' && start[0] != '[' && errors.As(err, &failed) {
		failed.Findings[0].Text += "; for a document in YAML, set Options.Convert"
	}
	return err
}

// about takes what the document says of the service.
func (i *imported) about(name string) {
	i.Name(i.def, i.root.Get("info").Get("title"), name)
	docs := i.root.Get("externalDocs")
	if link := docs.Get("url").Text(); strings.HasPrefix(link, "https://") {
		i.def.Links = []definition.Link{{Title: importer.Line(docs.Get("description").Text()), URL: link}}
		if err := importer.TryPart(i.def, nil, ""); err != nil {
			i.Note(docs.Get("url"), "is left out: %v", err)
			i.def.Links = nil
		}
	}
}

// absolute returns a URL of the document, resolved where the document comes from. The
// braces of variables stay. "" means that the URL is relative, and nothing is known.
func (i *imported) absolute(text string) string {
	if text = strings.TrimSpace(text); strings.Contains(text, "://") {
		return text
	}
	switch {
	case i.from == nil:
		return ""
	case strings.HasPrefix(text, "//"):
		return i.from.Scheme + ":" + text
	case strings.HasPrefix(text, "/"):
		return i.from.Scheme + "://" + i.from.Host + text
	}
	folder := i.from.EscapedPath()
	resolved, err := url.Parse(folder[:strings.LastIndexByte(folder, '/')+1] + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(text))
	if err != nil {
		return ""
	}
	path := i.from.ResolveReference(resolved).EscapedPath()
	return i.from.Scheme + "://" + i.from.Host + strings.NewReplacer("%7B", "{", "%7D", "}").Replace(path)
}

// maxRefs is how many references may follow each other.
const maxRefs = 20

// resolve follows local references. ok is false where the value is elsewhere: then a
// question is open, or a note says why.
func (i *imported) resolve(v importer.Value) (target importer.Value, ok bool) {
	for range maxRefs {
		ref := v.Get("$ref").Text()
		if ref == "" {
			return v, true
		}
		if !strings.HasPrefix(ref, "#") {
			i.external(v.Get("$ref"), ref)
			return v, false
		}
		target, ok := i.pointer(ref[1:])
		if !ok {
			i.Note(v.Get("$ref"), "leads nowhere")
			return v, false
		}
		v = target
	}
	i.Note(v, "has references in a circle, or more than %d", maxRefs)
	return v, false
}

// external asks for what is in another document.
func (i *imported) external(v importer.Value, ref string) {
	_, answered := i.Ask(v, importer.Question("ref:"+importer.Short(ref), "leads to another document, which Import does not read; put what is there into this document, or leave it out", importer.No))
	if answered {
		i.Note(v, "is left out: it leads to another document")
	}
}

var pointerStep = strings.NewReplacer("~1", "/", "~0", "~") // RFC 6901 section 4

// pointer follows a JSON Pointer in a URI fragment (RFC 6901 section 6).
func (i *imported) pointer(fragment string) (importer.Value, bool) {
	v := i.root
	if fragment == "" {
		return v, true
	}
	decoded, err := url.PathUnescape(fragment)
	if err != nil || !strings.HasPrefix(decoded, "/") {
		return v, false
	}
	for step := range strings.SplitSeq(decoded[1:], "/") {
		if v = v.Get(pointerStep.Replace(step)); !v.Exists() {
			return v, false
		}
	}
	return v, true
}
