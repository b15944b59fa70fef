package importer

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/template"
)

// A Draft collects what becomes of a document.
type Draft struct {
	*Document
	// Pending is set when a question is asked that has no answer.
	Pending bool

	file      string
	answers   map[string]string
	used      map[string]bool
	questions []definition.Question
	notes     []definition.Finding
	more      int // notes beyond maxNotes
	problems  []error
}

// New reads a document. A convert that is not nil makes JSON of the document first. The
// error is that of convert, or a *definition.Error.
func New(file string, document []byte, convert Converter, answers map[string]string) (*Draft, error) {
	var place func(line, column int) (int, int)
	if convert != nil {
		var err error
		if document, place, err = convert(document); err != nil {
			return nil, err
		}
	}
	d := &Draft{file: file, answers: answers, used: map[string]bool{}}
	var err error
	if d.Document, err = Parse(document, place); err != nil {
		var mistake *Mistake
		errors.As(err, &mistake)
		return nil, &definition.Error{Findings: []definition.Finding{{File: file, Line: mistake.Line, Column: mistake.Column, Text: mistake.Text}}}
	}
	return d, nil
}

// A Converter makes JSON of a document, and leads from places of the JSON to places of
// the document.
type Converter = func(document []byte) (json []byte, place func(line, column int) (int, int), err error)

// Finding returns a text about a value.
func (d *Draft) Finding(v Value, text string) definition.Finding {
	line, column := d.Position(v)
	return definition.Finding{File: d.file, Line: line, Column: column, Path: v.Path, Text: text}
}

// Refuse returns the error that the document is none.
func (d *Draft) Refuse(v Value, text string) error {
	return &definition.Error{Findings: []definition.Finding{d.Finding(v, text)}}
}

// Note says what the draft leaves out.
func (d *Draft) Note(v Value, format string, args ...any) {
	if len(d.notes) == maxNotes {
		d.more++
		return
	}
	note := d.Finding(v, fmt.Sprintf(format, args...))
	if !slices.Contains(d.notes, note) {
		d.notes = append(d.notes, note)
	}
}

// The limits of a draft.
const maxNotes, maxQuestions = 500, 500

// Ask returns the answer to a question. A question without an answer stays open.
func (d *Draft) Ask(v Value, q definition.Question) (answer string, ok bool) {
	answer, ok = d.answers[q.ID]
	if !ok {
		d.Reopen(v, q)
		return "", false
	}
	d.used[q.ID] = true
	if len(q.Choices) > 0 && !q.Other && !slices.ContainsFunc(q.Choices, func(c definition.Choice) bool { return c.Value == answer }) {
		var values []string
		for _, c := range q.Choices {
			values = append(values, strconv.Quote(c.Value))
		}
		d.problems = append(d.problems, fmt.Errorf("the answer to %s is none of %s", q.ID, strings.Join(values, ", ")))
		return "", false
	}
	return answer, true
}

// Reopen asks a question, answered or not.
func (d *Draft) Reopen(v Value, q definition.Question) {
	d.Pending = true
	if len(d.questions) == maxQuestions || slices.ContainsFunc(d.questions, func(other definition.Question) bool { return other.ID == q.ID }) {
		return
	}
	q.Finding = d.Finding(v, q.Text)
	d.questions = append(d.questions, q)
}

// Done returns the draft. A definition that Parse refuses has an open question.
func (d *Draft) Done(def *definition.Definition) (*definition.Draft, error) {
	if len(d.problems) > 0 {
		return nil, errors.Join(d.problems...)
	}
	for _, id := range slices.Sorted(maps.Keys(d.answers)) {
		if !d.used[id] {
			d.Note(d.Root(), "nothing asked for the answer to %s", strconv.Quote(Short(id)))
		}
	}
	if d.more > 0 {
		d.notes = append(d.notes, d.Finding(d.Root(), fmt.Sprintf("there are %d more notes", d.more)))
	}
	if len(d.questions) == 0 {
		if err := Try(def); err != nil {
			d.Reopen(d.Root(), definition.Question{ID: "draft", Finding: definition.Finding{Text: "the draft has mistakes; change the document: " + err.Error()}})
		}
	}
	return &definition.Draft{Definition: def, Questions: d.questions, Notes: d.notes}, nil
}

// Try says why Parse refuses a definition.
func Try(def *definition.Definition) error {
	document, err := def.Document()
	if err != nil {
		return err
	}
	_, err = definition.Parse("", document, definition.Options{AnyHost: true})
	var failed *definition.Error
	if !errors.As(err, &failed) {
		return err
	}
	first := failed.Findings[0] // the others often follow from the first
	return errors.New(strings.TrimPrefix(first.Path+": "+first.Text, ": "))
}

// Literal returns a text as a template has the text.
func Literal(text string) string { return strings.NewReplacer("{", "{{", "}", "}}").Replace(text) }

var (
	noName = regexp.MustCompile(`[^a-z0-9_]+`)
	noWord = regexp.MustCompile(`[^A-Za-z0-9_]+`)
)

// Slug makes a name of a definition or a method of a text. What has no letter is "".
func Slug(text string) string {
	name := strings.Trim(noName.ReplaceAllString(strings.ToLower(text), "-"), "-")
	return strings.Trim(name[:min(len(name), 60)], "-")
}

// InputName makes a name of an input of a text: other for a text without letters.
func InputName(text, other string) string {
	name := strings.Trim(noWord.ReplaceAllString(text, "_"), "_")
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
