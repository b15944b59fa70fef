package doctor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// The colours of outcomes in a terminal (ECMA-48 section 8.3.117).
var colours = map[Outcome]string{OK: "\x1b[32m", Warning: "\x1b[33m", Fault: "\x1b[31m", Skipped: "\x1b[2m"}

const plainAgain = "\x1b[0m"

// Format writes the report for people: a line for each step, and the advice at the end. colour
// is for terminals alone. The error is the error of w. A program with a function tell for Run
// calls FormatStep for each step, and FormatAdvice at the end.
func Format(w io.Writer, r Report, colour bool) error {
	b := bufio.NewWriter(w)
	writeSteps(b, r, colour)
	return b.Flush()
}

// FormatStep writes the line of a step, for the function tell of Run.
func FormatStep(w io.Writer, s Step, colour bool) error {
	_, err := io.WriteString(w, line(s, colour))
	return err
}

// FormatAdvice writes the advice of a report, after an empty line.
func FormatAdvice(w io.Writer, r Report, colour bool) error {
	_, err := fmt.Fprintf(w, "\n%s\n", painted(show.Line(r.Advice), r.Outcome, colour))
	return err
}

func writeSteps(w io.Writer, r Report, colour bool) {
	for _, s := range r.Steps {
		FormatStep(w, s, colour) // bufio.Writer remembers an error
	}
	FormatAdvice(w, r, colour)
}

// line returns the line of a step.
func line(s Step, colour bool) string {
	what := s.Name
	if s.Target != "" {
		what += " " + s.Target
	}
	took := ""
	if s.Duration >= time.Millisecond {
		took = " (" + spelled(s.Duration) + ")"
	}
	return fmt.Sprintf("%s %s: %s%s\n", painted(fmt.Sprintf("%-7s", s.Outcome), s.Outcome, colour), what, show.Line(strings.TrimSpace(s.Detail)), took)
}

func painted(text string, o Outcome, colour bool) string {
	if !colour {
		return text
	}
	return colours[o] + text + plainAgain
}
