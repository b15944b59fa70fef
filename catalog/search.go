package catalog

import (
	"net/url"
	"slices"
	"strings"
)

// List returns all services that the options allow, sorted by name.
func List(options Options) []Entry {
	return where(options, func(*Entry) bool { return true })
}

// Search returns the services whose name or title has all words of the text, whatever the
// case: those first whose name or title begins with the text. An empty text means all.
func Search(text string, options Options) []Entry {
	text = strings.ToLower(strings.TrimSpace(text))
	found := where(options, func(e *Entry) bool {
		has := strings.ToLower(e.Name + " " + e.Title)
		return !slices.ContainsFunc(strings.Fields(text), func(word string) bool { return !strings.Contains(has, word) })
	})
	rank := func(e Entry) int {
		switch title := strings.ToLower(e.Title); {
		case e.Name == text || title == text:
			return 0
		case strings.HasPrefix(e.Name, text) || strings.HasPrefix(title, text):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(found, func(a, b Entry) int { return rank(a) - rank(b) })
	return found
}

// ByHost returns the services whose API is at the host of a URL, such as
// https://acme.zendesk.com/api/v2 or acme.zendesk.com. A service whose accounts may be at any
// host is never found.
func ByHost(address string, options Options) []Entry {
	host := address
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		host = u.Hostname()
	}
	host = strings.ToLower(host)
	return where(options, func(e *Entry) bool {
		for _, pattern := range e.hosts {
			if pattern.MatchString(host) {
				return true
			}
		}
		return false
	})
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
