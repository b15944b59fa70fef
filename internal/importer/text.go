package importer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/internal/template"
)

// Literal returns a text as a template has the text.
func Literal(text string) string { return strings.NewReplacer("{", "{{", "}", "}}").Replace(text) }

var (
	noName = lazy.Regexp(`[^a-z0-9_]+`)
	noWord = lazy.Regexp(`[^A-Za-z0-9_]+`)
)

// Slug makes a name of a definition or a method of a text. What has no letter is "".
func Slug(text string) string {
	name := strings.Trim(noName().ReplaceAllString(strings.ToLower(text), "-"), "-")
	return strings.Trim(name[:min(len(name), 60)], "-")
}

// InputName makes a name of an input of a text: other for a text without letters.
func InputName(text, other string) string {
	name := strings.Trim(noWord().ReplaceAllString(text, "_"), "_")
	if name = name[:min(len(name), 60)]; !template.IsName(name) {
		return other
	}
	return name
}

// Unique returns name, or name with a number that is not taken, and takes the result.
func Unique(taken map[string]bool, name, separator string) string {
	unique := name
	for i := 2; taken[unique]; i++ {
		unique = name + separator + strconv.Itoa(i)
	}
	taken[unique] = true
	return unique
}

// Line returns the first line of a text, for people: at most 200 bytes.
func Line(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, line)
	const longest = 200
	if len(line) > longest {
		line = strings.ToValidUTF8(line[:longest], "") + "..."
	}
	return strings.TrimSpace(line)
}

// LimitHost says in an input which hosts the value may be: any, the ends of hosts, or
// hosts, with spaces in between.
func LimitHost(input *definition.Input, answer string) {
	words := strings.Fields(answer)
	switch {
	case slices.Equal(words, []string{"any"}):
		input.Format, input.AnyHost = definition.FormatHost, true
	case !slices.ContainsFunc(words, func(w string) bool { return !strings.HasPrefix(w, ".") }):
		input.Format, input.Suffixes = definition.FormatHost, words
	default:
		for _, w := range words {
			input.Enum = append(input.Enum, definition.Choice{Value: w})
		}
	}
}

// WhichHosts is the question that LimitHost answers.
func WhichHosts(name string) definition.Question {
	return OpenQuestion("host:"+name, "which hosts may {"+Short(name)+"} be? Name their ends, such as .example.com, or the hosts, with spaces in between; any is every host, which the loading program must allow",
		definition.Choice{Value: "any", Title: "every host, for products that customers run themselves"})
}
