package ask

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// MaxLine is how many bytes Linux keeps of a line that a person types or pastes. The terminal
// drops the rest without a word.
const MaxLine = 4095

// read shows the prompt and reads an answer, or the end of ctx: then the terminal is as before.
// While a secret is typed, the terminal is in raw mode. The terminal then shows nothing, and
// bounds no line.
func (a *Asker) read(ctx context.Context, q Question, prompt string) (string, error) {
	restore := func() {}
	read := a.line
	if q.Secret {
		fd := int(a.terminal.Fd())
		before, err := term.MakeRaw(fd)
		if err != nil {
			return "", fmt.Errorf("the terminal would show what is typed (%w): give the answer by %s FILE", err, a.flag)
		}
		restore = func() {
			term.Restore(fd, before)
			fmt.Fprintln(a.out)
		}
		read = func() ([]byte, error) { return hidden(a.lines, q.Lines) }
	}
	fmt.Fprint(a.out, prompt)
	text, err := Await(ctx, read)
	restore()
	if ctx.Err() != nil && !q.Secret {
		fmt.Fprintln(a.out)
	}
	if errors.Is(err, io.EOF) {
		err = exit.With(exit.Usage, errors.New("the terminal was closed before the answer"))
	}
	return string(text), err
}

// line reads a line that the terminal shows and edits. The error is io.EOF if the terminal ends
// before the line begins.
func (a *Asker) line() (text []byte, err error) {
	for {
		b, err := a.lines.ReadByte()
		switch {
		case err == io.EOF && len(text) > 0:
			return text, nil
		case err != nil:
			return nil, err
		case ends(a.lines, b) && len(text) >= MaxLine:
			return nil, exit.With(exit.Usage, fmt.Errorf("the terminal cuts lines after %d bytes: give the answer by %s FILE", MaxLine, a.flag))
		case ends(a.lines, b):
			return text, nil
		}
		text = append(text, b)
	}
}

// ends reports whether b ends a line. A terminal in raw mode has a carriage return for Enter, and
// perhaps a line feed behind.
func ends(r *bufio.Reader, b byte) bool {
	if b == '\r' && r.Buffered() > 0 {
		if next, _ := r.Peek(1); next[0] == '\n' {
			r.Discard(1)
		}
	}
	return b == '\r' || b == '\n'
}

// The keys that a terminal in raw mode leaves to the program.
const (
	interrupt = 0x03 // Ctrl+C
	end       = 0x04 // Ctrl+D
	backspace = 0x08
	kill      = 0x15 // Ctrl+U
	suspend   = 0x1a // Ctrl+Z
	quit      = 0x1c // Ctrl+\
	erase     = 0x7f
)

// hidden reads an answer from a terminal in raw mode, to Enter or Ctrl+D. A PEM block goes on to
// the line with its end, and with lines, a JSON object goes on to its last brace: the further
// lines would otherwise answer the next questions, and be shown. The error is io.EOF for Ctrl+D
// without an answer, and has exit.Interrupted for Ctrl+C.
func hidden(r *bufio.Reader, lines bool) (text []byte, err error) {
	for {
		b, err := r.ReadByte()
		switch {
		case err != nil:
			return nil, err
		case b == interrupt:
			return nil, exit.With(exit.Interrupted, errors.New("interrupted"))
		case b == end && len(text) == 0:
			return nil, io.EOF
		case b == end:
			return text, nil
		case b == backspace || b == erase:
			_, size := utf8.DecodeLastRune(text)
			text = text[:len(text)-size]
		case b == kill:
			text = nil
		case b == suspend || b == quit:
		case !ends(r, b):
			text = append(text, b)
		case unfinished(text, lines):
			text = append(text, '\n')
		default:
			return text, nil
		}
	}
}

// unfinished reports whether further lines belong to the text.
func unfinished(text []byte, lines bool) bool {
	text = bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(text, []byte("-----BEGIN ")):
		return !bytes.Contains(text, []byte("-----END "))
	case lines && bytes.HasPrefix(text, []byte("{")):
		return !json.Valid(text)
	}
	return false
}
