package definition

import (
	filepath "path"
	"strings"

	"github.com/connectorauth/connectorauth/internal/words"
)

// hint is the function hint, as long as somebody may read the hint.
func (r *reader) hint(word string, known []string) string {
	if len(r.found) >= maxKept {
		return ""
	}
	return hint(word, known)
}

// hint names the word that was probably meant.
func hint(word string, known []string) string {
	const longest = 40 // of a word with a mistake
	if len(word) <= longest {
		if near := words.Nearest(word, known); near != "" {
			return "; did you mean " + near + "?"
		}
	}
	return ""
}

// member names the member that was probably meant, or else all members that there are.
func (r *reader) member(word string, known []string) string {
	if near := r.hint(word, known); near != "" || len(r.found) >= maxKept || len(known) == 0 {
		return near
	}
	return "; use " + words.Either(known)
}

// missing lists an absent member, if the value that should have the member is an object.
func (c *checker) missing(p *path) {
	if n, there := p.find(&c.root); there || n.kind == object {
		c.add(p, "is missing")
	}
}

// inYAML says what reads YAML, if the document is probably in YAML.
func (r *reader) inYAML() string {
	if e := filepath.Ext(r.file); (e == ".yaml" || e == ".yml") && !strings.HasPrefix(strings.TrimSpace(r.src), "{") {
		return "; the module definition/yaml reads YAML"
	}
	return ""
}
