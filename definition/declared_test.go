package definition_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A declaration is what the text of a definition says about hosts, read without package
// definition: the judge of the tests that look for other origins.
type declaration struct {
	origins  []string         // written out
	patterns []*regexp.Regexp // of hosts with values
	suffixes []string
	values   []string // of enums
}

var (
	authority = regexp.MustCompile(`https?://[^"/?#\\]*`)
	hostName  = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?$`)
)

// declared reads a document.
func declared(t testing.TB, document []byte) *declaration {
	t.Helper()
	var tree any
	require.NoError(t, json.Unmarshal(document, &tree))
	d := new(declaration)
	d.walk(tree)
	var text bytes.Buffer
	plain := json.NewEncoder(&text)
	plain.SetEscapeHTML(false)
	require.NoError(t, plain.Encode(tree))
	for _, found := range authority.FindAllString(text.String(), -1) {
		if scheme, host, _ := strings.Cut(found, "://"); !strings.Contains(host, "{") {
			d.origins = append(d.origins, found)
		} else if scheme == "https" {
			d.patterns = append(d.patterns, d.pattern(host))
		}
	}
	return d
}

// pattern returns what a host may look like: a value is a label where a literal ends the
// host, and otherwise one of an enum, or a name with one of the suffixes.
func (d *declaration) pattern(host string) *regexp.Regexp {
	names := regexp.MustCompile(`\{[^}]*\}`)
	parts := names.Split(host, -1)
	var limited []string
	for _, value := range d.values {
		limited = append(limited, regexp.QuoteMeta(value))
	}
	label := strings.Join(append(limited, `[a-z0-9-]+`), "|")
	for _, suffix := range d.suffixes {
		limited = append(limited, `[a-z0-9.-]+`+regexp.QuoteMeta(suffix))
	}
	text := regexp.QuoteMeta(parts[0])
	for i, part := range parts[1:] {
		value := label
		if i == len(parts)-2 && !strings.HasPrefix(part, ".") && strings.Count(part, ".") < 2 {
			value = strings.Join(limited, "|")
		}
		text += "(?:" + value + ")" + regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("^" + text + "$")
}

// walk notes suffixes and enums, and removes the texts for people, which name hosts too.
func (d *declaration) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			d.walk(element)
		}
	case map[string]any:
		for _, name := range []string{"links", "help", "title", "example", "label"} {
			delete(v, name)
		}
		list, _ := v["suffixes"].([]any)
		for _, suffix := range list {
			d.suffixes = append(d.suffixes, suffix.(string))
		}
		list, _ = v["enum"].([]any)
		for _, choice := range list {
			if with, ok := choice.(map[string]any); ok {
				choice = with["value"]
			}
			d.values = append(d.values, choice.(string))
		}
		for _, member := range v {
			d.walk(member)
		}
	}
}

// has reports whether a URL is at an origin of the definition.
func (d *declaration) has(u *url.URL) bool {
	if u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	for _, origin := range d.origins {
		if u.Scheme+"://"+u.Host == origin {
			return true
		}
	}
	if u.Scheme != "https" || !hostName.MatchString(u.Host) {
		return false
	}
	for _, suffix := range d.suffixes {
		if strings.HasSuffix(u.Hostname(), suffix) {
			return true
		}
	}
	for _, pattern := range d.patterns {
		if pattern.MatchString(u.Host) {
			return true
		}
	}
	return false
}

func TestJudgeOfOrigins(t *testing.T) {
	d := declared(t, []byte(`{"links": ["https://docs.example"], "a": "https://{x}.example.com/b", "b": "https://api.example.org:8443/", "e": "http://127.0.0.1:80",
		"c": "https://{y}.acme.{z}/", "enum": ["com", "co.uk"], "d": {"c": "https://{y}/", "suffixes": [".shop.example"], "enum": ["eu.example.net", {"value": "https://us.example.net"}]}}`))
	for address, want := range map[string]bool{
		"https://a.example.com": true, "https://a.example.com.evil": false, "https://aexample.com": false, "https://.example.com": false,
		"https://a.example.com@evil": false, "http://a.example.com": false, "http://api.example.org:8443": false, "http://127.0.0.1:80/x": true, "http://127.0.0.1:81/x": false, "https://api.example.org:8443/x": true, "https://api.example.org": false,
		"https://a.shop.example": true, "https://shop.example": false, "https://eu.example.net": true, "https://us.example.net": true, "https://docs.example": false,
		"https://a.example.com:99": false, "https://a.acme.com": true, "https://a.acme.co.uk": true, "https://a.acme.net": false,
	} {
		u, err := url.Parse(address)
		require.NoError(t, err)
		require.Equal(t, want, d.has(u), address)
	}
}
