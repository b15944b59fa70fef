package catalog

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/words"
)

// List returns all services that the options allow, sorted by name.
func List(options Options) []Entry {
	return where(options, func(*Entry) bool { return true })
}

// Search returns the services that the options allow, drafts only with Options.Drafts, and
// whose name, former name, title or nickname has all words of the text, whatever the case:
// those first whose name or title begins with the text. Spaces
// and signs do not matter, so "googledrive" and "e-bay" find what they mean, and a
// nickname is another name that people type, such as "gdrive" or "365". A host, such as
// github.com, also finds the services with a website or an API at the host or below. If
// nothing has the words, Search returns what another letter, or two letters the other way
// round, would have found. An empty text means all. Most services are drafts: where nothing is
// found, a program tells people of drafts by a second Search, as the example Drafts does.
func Search(text string, options Options) []Entry {
	q := newQuery(text)
	found := where(options, q.finds)
	if len(found) == 0 {
		found = where(options, q.isNear)
	}
	slices.SortStableFunc(found, func(a, b Entry) int { return q.rank(a) - q.rank(b) })
	return found
}

// A query is a text that somebody has typed, in lower case.
type query struct {
	text   string
	words  []string
	joined string // the letters and digits
	host   string // empty if the text is no host
	label  string // of the host, such as github of www.github.com
}

func newQuery(text string) query {
	q := query{text: strings.ToLower(strings.TrimSpace(text))}
	q.words, q.joined = strings.FieldsFunc(q.text, isNoLetter), letters(q.text)
	if host := hostOf(q.text); strings.Contains(host, ".") {
		q.host = strings.TrimPrefix(host, "www.")
		labels := strings.Split(q.host, ".")
		q.label = letters(labels[len(labels)-2])
	}
	return q
}

// finds reports whether the service has what the text says.
func (q *query) finds(e *Entry) bool {
	switch has := e.words(); {
	case q.text == "":
		return true
	case q.joined == "":
		return false
	case !slices.ContainsFunc(q.words, func(word string) bool { return !strings.Contains(has, word) }):
		return true
	case len(q.joined) > 3 && (strings.Contains(letters(e.Name), q.joined) || strings.Contains(letters(e.Title), q.joined)):
		return true
	}
	return q.host != "" && e.isAt(q.host)
}

// isNear reports whether a slip is between the text and what the service has.
func (q *query) isNear(e *Entry) bool {
	if isSlip(q.joined, letters(e.Name)) || isSlip(q.joined, letters(e.Title)) {
		return true
	}
	has := strings.FieldsFunc(e.words(), isNoLetter)
	return len(q.words) > 0 && !slices.ContainsFunc(q.words, func(word string) bool {
		return !slices.ContainsFunc(has, func(h string) bool { return h == word || isSlip(word, h) })
	})
}

// isSlip reports whether one letter of a word of four letters or more is wrong, missing or
// too many, or stands on the wrong side of its neighbour.
func isSlip(a, b string) bool {
	if len(a) < 4 || len(b) < 4 {
		return false
	}
	if words.Distance(a, b) == 1 {
		return true
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return len(a) == len(b) && i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// rank is lower for what is meant more probably.
func (q *query) rank(e Entry) int {
	switch title := strings.ToLower(e.Title); {
	case e.Name == q.text || title == q.text:
		return 0
	case letters(e.Name) == q.joined || letters(title) == q.joined || letters(e.Name) == q.label || slices.Contains(nicknames[e.Name], q.joined):
		return 1
	case strings.HasPrefix(e.Name, q.text) || strings.HasPrefix(title, q.text):
		return 2
	}
	return 3
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

// words are the names of a service in lower case, with spaces between them.
func (e *Entry) words() string {
	return strings.ToLower(strings.Join(slices.Concat([]string{e.Name, e.Title}, e.Was, nicknames[e.Name]), " "))
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
