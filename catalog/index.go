package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// shelves are the folders, the first shelf first.
var shelves = []string{"services", "drafts"}

// An Entry is a service of the catalogue, without what a connection needs. The lists of an
// Entry must not be modified.
type Entry struct {
	Name    string   // for Find
	Was     []string // former names
	Title   string   // for people
	Links   []definition.Link
	BaseURL string                   // template of the URL of the API
	Types   []connectorauth.AuthType // of the methods, in the order of the definition
	Draft   bool                     // one witness describes the service
	AnyHost bool                     // an account may be at any host
	// Witnesses are who says so, with the date of each, such as "amp" and "2026-08".
	Witnesses map[string]string

	document []byte
	hosts    []*regexp.Regexp
}

// An outline is what an Entry needs of a document.
type outline struct {
	Name     string
	Was      []string
	Title    string
	Links    []definition.Link
	BaseURL  string            `json:"baseUrl"`
	BaseURLs map[string]string `json:"baseUrls"`
	Inputs   []boundary
	Methods  []struct {
		Type    connectorauth.AuthType
		BaseURL string `json:"baseUrl"`
		Inputs  []boundary
		// Captures are values that come with a token.
		Captures []boundary
	}
	Sources struct{ Witnesses map[string]string } `json:"x-sources"`
}

// A boundary is where the value of an input may lead.
type boundary struct {
	Name     string
	Enum     []json.RawMessage
	Suffixes []string
	AnyHost  bool
}

// index returns all services, sorted by name. The first call reads all documents. A document
// that is no JSON has no service: the tests of package check say so to who adds a file.
var index = sync.OnceValue(func() (all []*Entry) {
	for _, shelf := range shelves {
		list, err := files.ReadDir(shelf)
		if err != nil {
			panic(err) // of an embedded folder
		}
		for _, file := range list {
			text, err := files.ReadFile(path.Join(shelf, file.Name()))
			if err != nil {
				panic(err)
			}
			if e, err := read(shelf, text); err == nil {
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Entry) int { return cmp.Compare(a.Name, b.Name) })
	return all
})

// read reads the outline of a document.
func read(shelf string, text []byte) (*Entry, error) {
	var o outline
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	e := &Entry{
		Name: o.Name, Was: o.Was, Title: cmp.Or(o.Title, o.Name), Links: o.Links, BaseURL: o.BaseURL, Draft: shelf == "drafts",
		Witnesses: o.Sources.Witnesses, document: text,
	}
	inputs, urls := o.Inputs, []string{o.BaseURL}
	for _, u := range o.BaseURLs {
		urls = append(urls, u)
	}
	for _, m := range o.Methods {
		e.Types = append(e.Types, m.Type)
		inputs, urls = slices.Concat(inputs, m.Inputs, m.Captures), append(urls, m.BaseURL)
	}
	e.AnyHost = slices.ContainsFunc(inputs, func(b boundary) bool { return b.AnyHost })
	for _, u := range urls {
		if pattern := hostPattern(u, inputs); pattern != "" {
			e.hosts = append(e.hosts, regexp.MustCompile(pattern))
		}
	}
	return e, nil
}

// braces matches an input in a template.
var braces = lazy.Regexp(`\{(\w+)\}`)

// hostPattern returns a regular expression of the hosts of a URL. Empty means that nothing
// is known of the host.
func hostPattern(u string, inputs []boundary) string {
	_, rest, ok := strings.Cut(u, "://")
	if !ok {
		rest = u
	}
	host, _, _ := strings.Cut(rest, "/")
	out, at := "^", 0
	for _, match := range braces().FindAllStringSubmatchIndex(host, -1) {
		out += regexp.QuoteMeta(host[at:match[0]])
		at = match[1]
		name := host[match[2]:match[3]]
		i := slices.IndexFunc(inputs, func(b boundary) bool { return b.Name == name })
		switch {
		case i < 0 || inputs[i].AnyHost:
			return ""
		case len(inputs[i].Enum) > 0:
			out += inputs[i].choices()
		case len(inputs[i].Suffixes) > 0 && at == len(host):
			out += "[a-z0-9.-]+(" + joined(inputs[i].Suffixes) + ")"
		default:
			out += "[a-z0-9-]+"
		}
	}
	if host == "" {
		return ""
	}
	return out + regexp.QuoteMeta(host[at:]) + "$"
}

// choices returns the values of an enum: a choice is a text, or an object with a value.
func (b *boundary) choices() string {
	var list []string
	for _, raw := range b.Enum {
		var text string
		var choice struct{ Value string }
		if json.Unmarshal(raw, &text) != nil && json.Unmarshal(raw, &choice) == nil {
			text = choice.Value
		}
		list = append(list, strings.TrimPrefix(text, "https://"))
	}
	return "(" + joined(list) + ")"
}

func joined(list []string) string {
	quoted := make([]string, len(list))
	for i, text := range list {
		quoted[i] = regexp.QuoteMeta(text)
	}
	return strings.Join(quoted, "|")
}
