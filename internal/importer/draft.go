package importer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/definition"
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
// error is that of convert, a *definition.Error, or about an answer.
func New(file string, document []byte, convert definition.Converter, answers map[string]string) (*Draft, error) {
	for _, id := range slices.Sorted(maps.Keys(answers)) {
		if !utf8.ValidString(answers[id]) {
			return nil, fmt.Errorf("the answer to %s is not valid UTF-8", strconv.Quote(Short(id)))
		}
	}
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

// finding returns a text about a value.
func (d *Draft) finding(v Value, text string) definition.Finding {
	line, column := d.Position(v)
	return definition.Finding{File: d.file, Line: line, Column: column, Path: v.Path, Text: text}
}

// Name sets the title of a definition, and the name: the given one, or one made of the
// title.
func (d *Draft) Name(def *definition.Definition, title Value, given string) {
	def.Title = Line(title.Text())
	if def.Name = strings.ToValidUTF8(given, "?"); given == "" {
		def.Name = Slug(def.Title)
	}
	if def.Name == "" {
		def.Name, _ = d.Ask(title, Question("name", "has no letters; what is the name of the definition, such as acme?"))
	}
}

// Refuse returns the error that the document is none.
func (d *Draft) Refuse(v Value, text string) error {
	return &definition.Error{Findings: []definition.Finding{d.finding(v, text)}}
}

// Note says what the draft leaves out.
func (d *Draft) Note(v Value, format string, args ...any) {
	if len(d.notes) == maxNotes {
		d.more++
		return
	}
	note := d.finding(v, fmt.Sprintf(format, args...))
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
	q.Finding = d.finding(v, q.Text)
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
		d.notes = append(d.notes, d.finding(d.Root(), fmt.Sprintf("there are %d more notes", d.more)))
	}
	if len(d.questions) == 0 {
		if err := try(def); err != nil {
			d.Reopen(d.Root(), definition.Question{ID: "draft", Finding: definition.Finding{Text: "the draft has mistakes; change the document: " + err.Error()}})
		}
	}
	return &definition.Draft{Definition: def, Questions: d.questions, Notes: d.notes}, nil
}

// try says why Parse refuses a definition.
func try(def *definition.Definition) error {
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

// TryPart says why Parse would refuse a definition with a single method and with a base
// URL. Nil and "" mean others, which are right.
func TryPart(def *definition.Definition, m *definition.Method, base string) error {
	sample := *def
	sample.Name, sample.BaseURL = "sample", cmp.Or(base, def.BaseURL, "https://api.example.com")
	if m == nil {
		m = &definition.Method{Name: "none", Credential: definition.Credential{Scheme: &definition.None{}}}
	}
	sample.Methods = []definition.Method{*m}
	return try(&sample)
}

// Watch reports whether f asks a question that has no answer.
func (d *Draft) Watch(f func()) bool {
	before := d.Pending
	d.Pending = false
	f()
	open := d.Pending
	d.Pending = before || open
	return open
}
