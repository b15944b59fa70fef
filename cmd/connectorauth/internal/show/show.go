// Package show writes what the program has to say: text for people, JSON for programs, and
// nothing that could command a terminal.
package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Screen is where the program writes. Out is for results, and Err for progress and errors.
type Screen struct {
	Out, Err io.Writer
	// JSON: results are JSON, one document for each command.
	JSON bool
}

// Terminal reports whether a writer or a reader is a terminal.
func Terminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Coloured reports whether colours may go to w: to a terminal, unless NO_COLOR is set
// (https://no-color.org) or the terminal is dumb.
func Coloured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Terminal(w)
}

// Print writes a result as JSON, or as text by the function.
func (s *Screen) Print(result any, text func(w io.Writer)) error {
	if !s.JSON {
		text(s.Out)
		return nil
	}
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(result); err != nil {
		return err
	}
	_, err := io.WriteString(s.Out, escaped(document.String()))
	return err
}

// escaped returns a JSON document whose strings spell each character that would command a
// terminal as \uXXXX. Outside of strings, the line breaks of the document stay.
func escaped(document string) string {
	var b strings.Builder
	for _, r := range document {
		if r >= 0x20 && commands(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Note writes one line for the person to Err.
func (s *Screen) Note(format string, args ...any) {
	fmt.Fprintln(s.Err, Line(fmt.Sprintf(format, args...)))
}

// quick is how long a step may take before the person reads of the step.
const quick = 700 * time.Millisecond

// Progress writes a line to Err if a step takes long. The returned function ends the step:
// afterwards, nothing is written.
func (s *Screen) Progress(format string, args ...any) (done func()) {
	var mu sync.Mutex
	ended := false
	timer := time.AfterFunc(quick, func() {
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			s.Note(format+" ...", args...)
		}
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		ended = true
	}
}

// The colours.
const (
	Green  = "32"
	Red    = "31"
	Yellow = "33"
)

// Paint returns text in a colour, where colours may go to w.
func Paint(w io.Writer, colour, text string) string {
	if text == "" || !Coloured(w) {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// Line returns a text of somebody else as one line without control characters.
func Line(text string) string {
	var b strings.Builder
	for i, r := range text {
		escape(&b, r, text[i:])
	}
	return b.String()
}

// escape writes a character, or a spelling of a character that would command the terminal.
func escape(b *strings.Builder, r rune, rest string) {
	switch {
	case r == utf8.RuneError && !strings.HasPrefix(rest, "\ufffd"):
		fmt.Fprintf(b, `\x%02x`, rest[0])
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\t':
		b.WriteString(`\t`)
	case !commands(r):
		b.WriteRune(r)
	case r < 0xa0:
		fmt.Fprintf(b, `\x%02x`, r)
	default:
		fmt.Fprintf(b, `\u%04x`, r)
	}
}

// commands reports whether a character controls a terminal, ends a line, or changes the
// direction of what follows.
func commands(r rune) bool {
	return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x61c || r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Lines returns a text as Line does, and keeps line breaks.
func Lines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Line(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

// Safe returns a writer for the body of a response: a terminal gets no control characters but
// line breaks and tabs, and anything else gets the bytes as they are.
func Safe(w io.Writer) io.Writer {
	if !Terminal(w) {
		return w
	}
	return &Escaper{W: w}
}

// An Escaper writes text to W as Lines does, whatever the pieces in which the text comes.
type Escaper struct {
	W    io.Writer
	rest []byte // the begin of a character, or a carriage return before the next piece
}

// Write writes what is whole of the text.
func (e *Escaper) Write(p []byte) (int, error) {
	text := append(e.rest, p...)
	e.rest = nil
	var b strings.Builder
	for len(text) > 0 {
		if text[0] == '\r' && len(text) == 1 || !utf8.FullRune(text) {
			e.rest = append(e.rest, text...)
			break
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r == '\r' && text[1] == '\n':
		default:
			escape(&b, r, string(text[:size]))
		}
		text = text[size:]
	}
	_, err := io.WriteString(e.W, b.String())
	return len(p), err
}

// Flush writes what was left of the text at its end.
func (e *Escaper) Flush() error {
	_, err := io.WriteString(e.W, Line(string(e.rest)))
	e.rest = nil
	return err
}
