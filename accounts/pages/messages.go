package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/look"
)

// Messages are texts of the pages and of the JSON API in one language, by their words: see
// English. An absent text is that of the more general language ("de" for "de-AT"), or
// English.
//
// Texts have placeholders in braces, such as {service}, and parts in square brackets which
// are left out if a placeholder in the part is empty: see consent.Messages. A text has
// placeholders among those of the English text. The texts are plain text, not HTML.
type Messages map[string]string

//go:embed texts/*.json
var texts embed.FS

// builtin are the messages of the languages that need none of the program.
var builtin = sync.OnceValue(func() map[string]Messages {
	return map[string]Messages{"en": read("en"), "de": read("de")}
})

func read(tag string) Messages {
	var m Messages
	text, err := texts.ReadFile("texts/" + tag + ".json")
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		panic(err) // a mistake of this package, which its tests find
	}
	return m
}

// English returns the English texts, to translate them.
func English() Messages { return maps.Clone(builtin()["en"]) }

// language is a language of the pages, with all texts.
type language struct {
	look.Language
	messages Messages
}

// newLanguages adds the texts to the languages.
func newLanguages(known []look.Language, given map[string]Messages) (all []language, err error) {
	var problems check.List
	byTag := map[string]Messages{}
	for _, name := range keys(given) {
		tag, ok := look.Tag(name)
		if !ok || !slices.ContainsFunc(known, func(l look.Language) bool { return slices.Contains(l.Line, tag) }) {
			problems.Add("%q: is none of Pages.Languages", name)
		}
		problems.Field(fmt.Sprintf("%q", name), given[name].check())
		byTag[tag] = given[name]
	}
	for _, l := range known {
		in := language{l, Messages{}}
		for _, tag := range l.Line {
			maps.Copy(in.messages, builtin()[tag])
			maps.Copy(in.messages, byTag[tag])
		}
		all = append(all, in)
	}
	return all, problems.Joined()
}

// check returns everything that is wrong with m.
func (m Messages) check() error {
	var problems check.List
	for _, word := range keys(m) {
		original, known := builtin()["en"][word]
		if !known {
			problems.Add("%q: is the word of no text", word)
			continue
		}
		_, err := look.Fill(m[word], placeholders(original))
		problems.Field(fmt.Sprintf("%q", word), err)
	}
	return problems.Joined()
}

// placeholders returns the placeholders of a text, with empty names.
func placeholders(text string) map[string]string {
	names := map[string]string{}
	for _, part := range strings.Split(text, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names[name] = ""
	}
	return names
}

// has reports whether there is a text with a word.
func (in language) has(word string) bool { return in.messages[word] != "" }

// text returns the text with a word. names are placeholders and their names, in turn.
func (in language) text(word string, names ...string) string {
	filled := placeholders(builtin()["en"][word])
	for i := 0; i+1 < len(names); i += 2 {
		if _, known := filled[names[i]]; known {
			filled[names[i]] = look.Clean(names[i+1])
		}
	}
	return in.Say(in.messages[word], filled)
}

// keys returns the keys of a map, sorted.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
