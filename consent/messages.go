package consent

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/look"
)

// Messages are all texts of the pages in one language. Empty texts are those of the
// more general language ("de" for "de-AT"), if this language is built in or among
// Pages.Languages, and English otherwise.
//
// Two placeholders stand for names: {service} is the display name of the service, and
// {name} is Pages.Name. In Device, {code} is the code and {address} the page for the code.
// A part in square brackets is left out if the name of a placeholder in the part is empty.
// Behind a bar stands what is written in place of the part:
//
//	Your[ {service}] account is connected
//	[{service}|The service] is not available
//
// The texts are plain text, not HTML.
type Messages struct {
	Connected Text            // the account is connected
	Confirm   Text            // a question: a link on another site leads to the start of a consent
	Device    Text            // the account owner types a code on another device: {code} in the title, {address} in the message
	Failed    map[Reason]Text // the consent has failed
	Open      string          // button: open the page for the code
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
	look.Language
	messages Messages
}

// inLanguages adds the messages to the languages.
func inLanguages(languages []look.Language, given map[string]Messages) (all []*language, err error) {
	var problems check.List
	byTag := map[string]Messages{}
	for text, messages := range given {
		if tag, ok := look.Tag(text); ok {
			byTag[tag] = messages
		}
	}
	for _, l := range languages {
		in := &language{Language: l}
		for _, tag := range l.Line {
			in.messages = in.messages.but(builtin[tag]).but(byTag[tag])
		}
		problems.Field(fmt.Sprintf("Languages: %q", in.Tag), in.messages.check())
		all = append(all, in)
	}
	return all, problems.Joined()
}

// but returns m with the texts of other that are not empty.
func (m Messages) but(other Messages) Messages {
	m.Connected, m.Confirm = m.Connected.but(other.Connected), m.Confirm.but(other.Confirm)
	m.Device, m.Open = m.Device.but(other.Device), cmp.Or(other.Open, m.Open)
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
			_, err := look.Fill(text, map[string]string{"name": "", "service": ""})
			problems.Field(field, err)
		}
	}
	texts("Connected", m.Connected.Title, m.Connected.Message)
	texts("Confirm", m.Confirm.Title, m.Confirm.Message)
	m.checkDevice(&problems)
	for _, reason := range slices.Sorted(maps.Keys(m.Failed)) {
		text := m.Failed[reason]
		texts(fmt.Sprintf("Failed[%q]", reason), text.Title, text.Message)
		if _, ok := english.Failed[reason]; !ok {
			problems.Add("Failed[%q]: is not a Reason", reason)
		}
	}
	texts("Open", m.Open)
	texts("Continue", m.Continue)
	texts("Retry", m.Retry)
	texts("Back", m.Back)
	texts("Close", m.Close)
	texts("Closed", m.Closed)
	return problems.Joined()
}

// checkDevice lists what is wrong with Device, without which nobody would know the code.
func (m Messages) checkDevice(problems *check.List) {
	for _, required := range []struct{ name, text string }{{"code", m.Device.Title}, {"address", m.Device.Message}} {
		filled, err := look.Fill(required.text, map[string]string{"name": "", "service": "", required.name: "CODE"})
		if problems.Field("Device", err); err == nil && !strings.Contains(filled, "CODE") {
			problems.Add("Device: %q lacks {%s}", required.text, required.name)
		}
	}
}

// say fills the names of p into a text.
func (in *language) say(text string, p Page) string {
	return in.Say(text, map[string]string{"name": p.Name, "service": p.Service, "code": p.Code, "address": p.Address})
}
