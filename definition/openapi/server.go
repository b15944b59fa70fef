package openapi

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/importer"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// A server is a place where the API is.
type server struct {
	at    importer.Value // the URL in the document
	url   string         // with variables; empty means relative
	title string
	vars  importer.Value

	filled map[string]string // what stands for each variable
}

// base sets the base URLs, and the inputs for their variables.
func (i *imported) base() {
	servers := i.servers()
	whole := i.root.Get("servers")
	if i.swagger {
		whole = i.root.Get("host")
	}
	suggestions := []definition.Choice{}
	for _, s := range servers {
		if s.url != "" {
			suggestions = append(suggestions, definition.Choice{Value: secure(s.url), Title: s.title})
		}
	}
	chosen := server{at: whole}
	switch {
	case len(servers) == 0:
		for _, o := range i.operations() {
			for _, s := range append(i.declared(o.path), i.declared(o.at)...) {
				if c := (definition.Choice{Value: secure(s.url), Title: s.title}); s.url != "" && len(suggestions) < maxOwn && !slices.Contains(suggestions, c) {
					suggestions = append(suggestions, c)
				}
			}
		}
		i.choose(&chosen, servers, importer.OpenQuestion("server", "is missing or relative; what is the URL of the API?", suggestions...))
	case i.choice(servers):
		i.own()
		return
	case len(servers) > 1:
		i.choose(&chosen, servers, importer.OpenQuestion("server", "has several servers, and some have variables; which one is it?", suggestions...))
	case strings.HasPrefix(servers[0].url, "http://") && !loopback(servers[0].url):
		chosen = servers[0]
		i.choose(&chosen, servers, importer.OpenQuestion("server", "is plain http, which shows the credential to the network; what is the https URL?", suggestions...))
	default:
		chosen = servers[0]
	}
	if strings.Count(chosen.url, "{") > maxVariables {
		i.Reopen(chosen.at, importer.OpenQuestion("server", "has too many variables; what is the URL of the API?"))
	} else if base, ok := i.fill(&chosen); ok && chosen.url != "" {
		if err := importer.TryPart(i.def, nil, base); err != nil {
			i.def.Inputs = nil
			i.Reopen(chosen.at, importer.OpenQuestion("server", "cannot be a base URL ("+err.Error()+"); what is the URL of the API?"))
		} else {
			i.def.BaseURL = base
		}
	}
	i.own()
}

// choose sets the URL of a server to the answer, which may be that of a known server.
func (i *imported) choose(s *server, known []server, q definition.Question) {
	if s.url = ""; len(known) > 0 {
		s.vars = known[0].vars
	}
	answer, ok := i.Ask(s.at, q)
	for _, other := range known {
		if ok && secure(other.url) == answer {
			s.vars = other.vars
		}
	}
	if ok {
		s.url = strings.TrimSpace(answer)
	}
}

// secure returns a URL with https.
func secure(s string) string {
	if rest, found := strings.CutPrefix(s, "http://"); found && !loopback(s) {
		return "https://" + rest
	}
	return s
}

func loopback(s string) bool {
	u, err := url.Parse(s)
	return err == nil && origin.Loopback(u.Hostname())
}

// servers returns the servers of the document: each once, none that is plain http where
// the same is there with https, and none on this machine where there are others.
func (i *imported) servers() (list []server) {
	all := i.declared(i.root)
	if i.swagger {
		all = i.hosts()
	}
	twin := func(s server) bool {
		return slices.ContainsFunc(all, func(o server) bool { return o.url == secure(s.url) && o.url != s.url })
	}
	elsewhere := slices.ContainsFunc(all, func(s server) bool { return s.url != "" && !loopback(s.url) })
	for _, s := range all {
		switch {
		case s.url == "":
		case elsewhere && loopback(s.url):
			i.Note(s.at, "is left out: the server is for tests on one machine")
		case twin(s):
			i.Note(s.at, "is left out: the same server takes https")
		case !slices.ContainsFunc(list, func(o server) bool { return o.url == s.url }):
			list = append(list, s)
		}
	}
	return list
}

// maxServers is how many servers are looked at in one place, and maxVariables how many
// variables a URL has.
const maxServers, maxVariables = 100, 20

// declared returns the servers of the document, of a path or of an operation.
func (i *imported) declared(v importer.Value) (list []server) {
	for n, element := range v.Get("servers").Elements() {
		at := element.Get("url")
		if n == maxServers {
			i.Note(at, "is left out, and so are all further servers: there are too many")
			break
		}
		list = append(list, server{at: at, url: trim(i.absolute(at.Text())), title: importer.Line(element.Get("description").Text()), vars: element.Get("variables")})
		if last := &list[len(list)-1]; last.url == "" {
			i.Note(at, "is relative, and nothing says to what: Options.URL does")
		}
	}
	return list
}

// trim removes slashes from the end of a URL.
func trim(s string) string { return strings.TrimRight(s, "/") }

// hosts returns the servers of Swagger 2.0.
func (i *imported) hosts() (list []server) {
	host, path := i.root.Get("host"), trim("/"+strings.TrimPrefix(i.root.Get("basePath").Text(), "/"))
	name := host.Text()
	if name == "" && i.from != nil {
		name = i.from.Host
	}
	if name == "" {
		return nil
	}
	schemes := i.root.Get("schemes").Elements()
	for _, scheme := range schemes {
		if s := scheme.Text(); s == "https" || s == "http" {
			list = append(list, server{at: scheme, url: s + "://" + name + path})
		}
	}
	if len(list) > 0 {
		return list
	}
	if i.from != nil { // "the scheme used to access the Swagger definition itself"
		return []server{{at: host, url: i.from.Scheme + "://" + name + path}}
	}
	if answer, ok := i.Ask(i.root.Get("schemes"), importer.OpenQuestion("server", "is missing; what is the URL of the API?", definition.Choice{Value: "https://" + name + path})); ok {
		return []server{{at: host, url: trim(answer)}}
	}
	return nil
}

// choice makes one input of several servers without variables, and reports whether all
// have none.
func (i *imported) choice(list []server) bool {
	if len(list) < 2 || slices.ContainsFunc(list, func(s server) bool { return strings.Contains(s.url, "{") || strings.HasPrefix(s.url, "http://") }) {
		return false
	}
	input := definition.Input{Name: "server", Title: "Server", Default: list[0].url}
	for _, s := range list {
		input.Enum = append(input.Enum, definition.Choice{Value: s.url, Title: s.title})
	}
	i.def.Inputs = []definition.Input{input}
	if importer.TryPart(i.def, nil, "{server}") != nil {
		i.def.Inputs = nil
		return false
	}
	i.def.BaseURL, i.inputs["server"] = "{server}", true
	return true
}

// maxOwn is how many servers of paths and operations are looked at.
const maxOwn = 60

// own adds the servers of paths and operations as base URLs.
func (i *imported) own() {
	seen := map[string]bool{i.def.BaseURL: true}
	for _, input := range i.def.Inputs {
		for _, choice := range input.Enum {
			seen[choice.Value] = true
		}
	}
	taken := map[string]bool{}
	for _, o := range i.operations() {
		for _, s := range append(i.declared(o.path), i.declared(o.at)...) {
			if s.url == "" || seen[s.url] {
				continue
			}
			if seen[s.url] = true; len(seen) > maxOwn {
				i.Note(s.at, "is left out, and so are all further servers of paths: there are too many")
				return
			}
			u, err := url.Parse(s.url)
			if err != nil || strings.ContainsAny(s.url, "{}") {
				i.Note(s.at, "is left out: a further base URL has no variables here")
				continue
			}
			if i.def.BaseURLs == nil {
				i.def.BaseURLs = map[string]string{}
			}
			first, _, _ := strings.Cut(u.Hostname(), ".")
			name := importer.Unique(taken, cmp.Or(importer.Slug(first), "base"), "-")
			i.def.BaseURLs[name] = s.url
			if err := importer.TryPart(i.def, nil, ""); err != nil {
				i.Note(s.at, "is left out: %v", err)
				delete(i.def.BaseURLs, name)
			}
		}
	}
}
