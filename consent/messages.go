package consent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/check"
	tags "golang.org/x/text/language"
)

// Messages are all texts of the pages in one language. Empty texts are those of the
// more general language ("de" for "de-AT"), if this language is built in or among
// Pages.Languages, and English otherwise.
//
// Two placeholders stand for names: {service} is the display name of the service, and
// {name} is Pages.Name. A part in square brackets is left out if the name of a
// placeholder in the part is empty. Behind a bar stands what is written in place of
// the part:
//
//	Your[ {service}] account is connected
//	[{service}|The service] is not available
//
// The texts are plain text, not HTML.
type Messages struct {
	Connected Text            // the account is connected
	Confirm   Text            // a question: a link on another site leads to the start of a consent
	Failed    map[Reason]Text // the consent has failed
	Continue  string          // button: go on to the service
	Retry     string          // button: start the consent again
	Back      string          // button: go back to the program
	Close     string          // button: close the popup
	Closed    string          // message of connect.js's Error: the person has closed the popup; no placeholder has a name
}

// Text is what a page says.
type Text struct {
	Title   string // a few words
	Message string // one to four sentences: what happened, and what the person can do
}

// language is a language of the pages, with all texts.
type language struct {
	tag       string // such as "pt-BR"
	direction string // ltr or rtl
	messages  Messages
}

// newLanguages returns the languages with these messages, in the order of their tags.
// The language with the tag fallback comes first; empty means "en", if there is English.
func newLanguages(given map[string]Messages, fallback string) (languages []*language, matcher tags.Matcher, err error) {
	if given == nil {
		given = builtin
	}
	var problems check.List
	byTag := map[tags.Tag]Messages{}
	for _, text := range slices.Sorted(maps.Keys(given)) {
		tag, ok := readTag(text)
		if !ok {
			problems.Add("Languages: %q is not a language tag such as de or pt-BR", text)
			continue
		}
		if _, twice := byTag[tag]; twice {
			problems.Add("Languages: %q is there twice", tag)
		}
		byTag[tag] = given[text]
	}
	if len(given) == 0 {
		problems.Add("Languages: must have a language; nil means English and German")
	}
	order := slices.SortedFunc(maps.Keys(byTag), func(a, b tags.Tag) int { return strings.Compare(a.String(), b.String()) })
	first, _ := readTag(cmp.Or(fallback, "en"))
	if i := slices.Index(order, first); i >= 0 {
		order = slices.Insert(slices.Delete(order, i, i+1), 0, first)
	} else if fallback != "" {
		problems.Add("Default: %q is not among Languages", fallback)
	}
	for _, tag := range order {
		in := &language{tag: tag.String(), direction: direction(tag)}
		var line []tags.Tag // from this language to the most general one
		for ; tag != tags.Und; tag = tag.Parent() {
			line = append(line, tag)
		}
		for _, tag := range slices.Backward(append(line, tags.English)) {
			in.messages = in.messages.but(builtin[tag.String()]).but(byTag[tag])
		}
		problems.Field(fmt.Sprintf("Languages: %q", in.tag), in.messages.check())
		languages = append(languages, in)
	}
	return languages, tags.NewMatcher(order), problems.Joined()
}

// but returns m with the texts of other that are not empty.
func (m Messages) but(other Messages) Messages {
	m.Connected, m.Confirm = m.Connected.but(other.Connected), m.Confirm.but(other.Confirm)
	m.Continue, m.Retry = cmp.Or(other.Continue, m.Continue), cmp.Or(other.Retry, m.Retry)
	m.Back, m.Close = cmp.Or(other.Back, m.Back), cmp.Or(other.Close, m.Close)
	m.Closed = cmp.Or(other.Closed, m.Closed)
	failed := map[Reason]Text{}
	for reason, text := range m.Failed {
		failed[reason] = text
	}
	for reason, text := range other.Failed {
		failed[reason] = failed[reason].but(text)
	}
	m.Failed = failed
	return m
}

func (t Text) but(other Text) Text {
	return Text{cmp.Or(other.Title, t.Title), cmp.Or(other.Message, t.Message)}
}

// check returns everything that is wrong with m.
func (m Messages) check() error {
	var problems check.List
	texts := func(field string, all ...string) {
		for _, text := range all {
			_, err := fill(text, nil)
			problems.Field(field, err)
		}
	}
	texts("Connected", m.Connected.Title, m.Connected.Message)
	texts("Confirm", m.Confirm.Title, m.Confirm.Message)
	for _, reason := range slices.Sorted(maps.Keys(m.Failed)) {
		text := m.Failed[reason]
		texts(fmt.Sprintf("Failed[%q]", reason), text.Title, text.Message)
		if _, ok := english.Failed[reason]; !ok {
			problems.Add("Failed[%q]: is not a Reason", reason)
		}
	}
	texts("Continue", m.Continue)
	texts("Retry", m.Retry)
	texts("Back", m.Back)
	texts("Close", m.Close)
	texts("Closed", m.Closed)
	return problems.Joined()
}

// say fills the names of p into a text. In a right-to-left text, each name keeps a
// direction of its own.
func (in *language) say(text string, p Page) string {
	names := map[string]string{"name": p.Name, "service": p.Service}
	if in.direction == "rtl" {
		for placeholder, name := range names {
			if name != "" {
				names[placeholder] = "\u2068" + name + "\u2069" // first strong isolate, and its end
			}
		}
	}
	filled, _ := fill(text, names) // check has found no mistake
	return filled
}

// fill replaces the placeholders of a text by names.
func fill(text string, names map[string]string) (string, error) {
	var out strings.Builder
	for first := true; first || text != ""; first = false {
		before, rest, open := strings.Cut(text, "[")
		plain, _, err := replace(before, names)
		if err != nil {
			return "", err
		}
		out.WriteString(plain)
		if !open {
			break
		}
		inside, after, closed := strings.Cut(rest, "]")
		with, without, _ := strings.Cut(inside, "|")
		part, full, err := replace(with, names)
		instead, _, wrong := replace(without, names)
		switch {
		case !closed:
			return "", fmt.Errorf("%q has a [ without a ]", text)
		case !strings.Contains(with, "{"):
			return "", fmt.Errorf("%q has no placeholder between [ and ]", text)
		case err != nil || wrong != nil:
			return "", cmp.Or(err, wrong)
		case !full:
			part = instead
		}
		out.WriteString(part)
		text = after
	}
	return out.String(), nil
}

// replace replaces the placeholders of a text without square brackets. full reports
// whether every placeholder has a name.
func replace(text string, names map[string]string) (out string, full bool, err error) {
	full = true
	for {
		before, rest, open := strings.Cut(text, "{")
		if strings.ContainsAny(before, "[]}") {
			return "", false, fmt.Errorf("%q has a bracket without its other half", text)
		}
		out += before
		if !open {
			return out, full, nil
		}
		placeholder, after, _ := strings.Cut(rest, "}")
		if placeholder != "name" && placeholder != "service" {
			return "", false, fmt.Errorf("the placeholder %q is unknown; there are {name} and {service}", placeholder)
		}
		full = full && names[placeholder] != ""
		out, text = out+names[placeholder], after
	}
}
