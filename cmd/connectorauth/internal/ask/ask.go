// Package ask asks the person at a terminal, and takes answers from a file in place of a person.
package ask

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// A Question is what the program must know.
type Question struct {
	// Name names the answer in the file of answers. Title asks the person, and Help explains.
	Name, Title, Help string
	// Secret: the terminal does not show what is typed. Lines: the secret may be a JSON object
	// of several lines. A PEM block may have several lines anyway.
	Secret, Lines bool
	// Default is the answer if the person types nothing. Optional: there may be no answer.
	Default  string
	Optional bool
	// Stored: no answer keeps what is stored.
	Stored bool
	// Choices are the possible answers. Other: any other answer is possible too.
	Choices []Choice
	Other   bool
	// Check returns what is wrong with an answer. Nil means that all answers are good.
	Check func(answer string) error
	// Flag is a flag that answers the question, too. Empty means none.
	Flag string
}

// A Choice is a possible answer.
type Choice struct{ Value, Title string }

// An Asker asks.
type Asker struct {
	terminal *os.File // nil: nobody is there to ask
	lines    *bufio.Reader
	out      io.Writer
	flag     string // which names the file of answers
	answers  map[string]string
	used     map[string]bool
}

// New returns an Asker for a person at the terminal in. file has answers, as a JSON object of
// texts, numbers and truth values in UTF-8; "-" means in, which then is no terminal, and empty
// means no file. flag is the name of the flag with the file, for errors. The end of ctx ends the
// reading of the file.
func New(ctx context.Context, in io.Reader, out io.Writer, flag, file string) (*Asker, error) {
	a := &Asker{out: out, flag: flag, used: map[string]bool{}}
	if terminal, ok := in.(*os.File); ok && show.Terminal(in) {
		a.terminal, a.lines = terminal, bufio.NewReader(terminal)
	}
	switch {
	case file == "":
		return a, nil
	case file == "-" && a.terminal != nil: // which would show the secrets
		return nil, fmt.Errorf("standard input is a terminal: leave %s out to be asked for each answer, or name a file by %[1]s FILE", flag)
	case strings.HasPrefix(strings.TrimSpace(file), "{"):
		return nil, fmt.Errorf("%s takes the name of a file, or - for standard input: everybody on this machine can read arguments", flag)
	}
	text, err := Await(ctx, func() ([]byte, error) {
		if file == "-" {
			return io.ReadAll(in)
		}
		return os.ReadFile(file)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	a.answers, err = decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return a, nil
}

// Left returns the names of answers without a question: probably mistakes.
func (a *Asker) Left() (names []string) {
	for name := range a.answers {
		if !a.used[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Answer gives an answer as if the file had the answer.
func (a *Asker) Answer(name, answer string) {
	if a.answers == nil {
		a.answers = map[string]string{}
	}
	a.answers[name] = answer
}

// Given returns the answer of the file, whether there is a question or not.
func (a *Asker) Given(name string) (answer string, given bool) {
	answer, given = a.answers[name]
	a.used[name] = true
	return answer, given
}

// Ask returns the answer to a question: from the file, or from the person at the terminal. The
// person is asked again until the answer is good. A wrong answer of the file is an
// error, and so is a question without a terminal.
func (a *Asker) Ask(ctx context.Context, q Question) (string, error) {
	if answer, given := a.Given(q.Name); given {
		answer, problem := q.judge(answer)
		if problem != nil {
			return "", exit.With(exit.Usage, fmt.Errorf("%s: the answer %q: %w", a.flag, q.Name, problem))
		}
		return answer, nil
	}
	if a.terminal == nil {
		if q.Default != "" || q.Optional {
			return q.Default, nil
		}
		return "", exit.With(exit.Usage, a.nobody(q))
	}
	a.introduce(q)
	for {
		typed, err := a.read(ctx, q, show.Line(q.prompt()))
		if err != nil {
			return "", err
		}
		answer, problem := q.judge(typed)
		if problem == nil {
			return answer, nil
		}
		fmt.Fprintln(a.out, "  "+show.Line(problem.Error()))
	}
}

// nobody says how a question can be answered without a terminal.
func (a *Asker) nobody(q Question) error {
	text := fmt.Sprintf("there is no terminal to ask for %q (%s): give the answer by %s FILE, or by %s - on standard input, as JSON: {%q: ...}", q.Name, q.Title, a.flag, a.flag, q.Name)
	if left := a.Left(); len(left) > 0 { // such as the same name in other letter case
		text = fmt.Sprintf("%s has no answer %q (%s), and nobody has asked for %s so far", a.flag, q.Name, q.Title, strings.Join(left, ", "))
	}
	if q.Flag != "" {
		text += ", or by " + q.Flag
	}
	if len(q.Choices) > 0 {
		var values []string
		for _, c := range q.Choices {
			values = append(values, c.Value)
		}
		text += "; the answers are " + strings.Join(values, ", ")
	}
	return errors.New(text)
}

// introduce shows what there is to say before the first prompt.
func (a *Asker) introduce(q Question) {
	if q.Help != "" {
		fmt.Fprintln(a.out, show.Line(q.Help))
	}
	if q.Lines {
		fmt.Fprintln(a.out, "Paste the whole PEM block or JSON object, and end with Enter.")
	}
	if len(q.Choices) == 0 {
		return
	}
	fmt.Fprintln(a.out, show.Line(q.Title)+":")
	for i, c := range q.Choices {
		title := c.Value
		if c.Title != "" && c.Title != c.Value {
			title = c.Title + " (" + c.Value + ")"
		}
		fmt.Fprintf(a.out, "  %d  %s\n", i+1, show.Line(title))
	}
}

// prompt returns what stands before the answer.
func (q Question) prompt() string {
	text := q.Title
	if len(q.Choices) > 0 {
		text = "Number or value"
	}
	switch {
	case q.Stored:
		text += " (empty keeps what is stored)"
	case q.Default != "":
		text += " [" + q.Default + "]"
	case q.Optional:
		text += " (may be empty)"
	}
	return text + ": "
}

// judge returns the answer that typed means, or what is wrong.
func (q Question) judge(typed string) (answer string, problem error) {
	if typed == "" {
		if q.Default == "" && !q.Optional {
			return "", errors.New("is required")
		}
		return q.Default, nil
	}
	if len(q.Choices) > 0 {
		if number, err := strconv.Atoi(typed); err == nil && number >= 1 && number <= len(q.Choices) && !q.has(typed) {
			typed = q.Choices[number-1].Value
		}
		if !q.Other && !q.has(typed) {
			return "", errors.New("is none of the choices")
		}
	}
	if q.Check != nil {
		problem = q.Check(typed)
	}
	return typed, problem
}

// has reports whether value is one of the choices.
func (q Question) has(value string) bool {
	return slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.Value == value })
}
