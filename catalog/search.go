package catalog

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth/definition"
)

// List returns all services that the options allow, sorted by name.
func List(options Options) []Entry {
	return where(options, func(*Entry) bool { return true })
}

// Search returns the services whose name, former name or title has all words of the text,
// whatever the case: those first whose name or title begins with the text. Spaces and signs
// do not matter, so that "googledrive" and "e-bay" find what they mean. A host, such as
// github.com, also finds the services with a website or an API at the host or below. An empty
// text means all.
func Search(text string, options Options) []Entry {
	text = strings.ToLower(strings.TrimSpace(text))
	joined, host, label := letters(text), "", ""
	if h := hostOf(text); strings.Contains(h, ".") {
		host = strings.TrimPrefix(h, "www.")
		labels := strings.Split(host, ".")
		label = letters(labels[len(labels)-2])
	}
	words := strings.FieldsFunc(text, isNoLetter)
	found := where(options, func(e *Entry) bool {
		has := strings.ToLower(e.Name + " " + strings.Join(e.Was, " ") + " " + e.Title)
		switch {
		case text == "":
			return true
		case joined == "":
			return false
		case !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(has, word) }):
			return true
		case len(joined) > 3 && (strings.Contains(letters(e.Name), joined) || strings.Contains(letters(e.Title), joined)):
			return true
		}
		return host != "" && e.isAt(host)
	})
	rank := func(e Entry) int {
		switch title := strings.ToLower(e.Title); {
		case e.Name == text || title == text:
			return 0
		case letters(e.Name) == joined || letters(title) == joined || letters(e.Name) == label:
			return 1
		case strings.HasPrefix(e.Name, text) || strings.HasPrefix(title, text):
			return 2
		}
		return 3
	}
	slices.SortStableFunc(found, func(a, b Entry) int { return rank(a) - rank(b) })
	return found
}

// ByHost returns the services whose API is at the host of a URL, such as
// https://acme.zendesk.com/api/v2 or acme.zendesk.com. A service whose accounts may be at any
// host is never found.
func ByHost(address string, options Options) []Entry {
	host := hostOf(address)
	return where(options, func(e *Entry) bool {
		for _, pattern := range e.hosts {
			if pattern.MatchString(host) {
				return true
			}
		}
		return false
	})
}

// hostOf returns the host of a URL, or of what stands for one: acme.zendesk.com, with or
// without a port and a path. Empty means that there is none.
func hostOf(address string) string {
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// isAt reports whether the website or the API of a service is at a host or below.
func (e *Entry) isAt(host string) bool {
	is := func(address string) bool {
		h := hostOf(address)
		return h == host || strings.HasSuffix(h, "."+host)
	}
	if is(e.BaseURL) || slices.ContainsFunc(e.Links, func(l definition.Link) bool { return l.Title == "Website" && is(l.URL) }) {
		return true
	}
	return slices.ContainsFunc(e.hosts, func(pattern *regexp.Regexp) bool { return pattern.MatchString(host) })
}

func isNoLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// letters returns the letters and digits of a text, in lower case.
func letters(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), isNoLetter), "")
}

// where returns copies of the entries that the options allow and a function wants.
func where(options Options, wanted func(*Entry) bool) []Entry {
	var list []Entry
	for _, e := range index() {
		if (e.Draft && !options.Drafts) || (e.AnyHost && !options.AnyHost) || !wanted(e) {
			continue
		}
		list = append(list, *e)
	}
	return list
}
