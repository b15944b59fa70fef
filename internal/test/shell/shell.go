// Package shell reads commands of a shell in documents, and runs none.
package shell

import (
	"regexp"
	"strings"
)

var (
	assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)
	descriptor = regexp.MustCompile(`^\d*$`)
)

// Commands returns the words of each simple command in a text for a POSIX shell. Quotes, comments,
// redirections and the variables in front of a command are taken away. Nothing is expanded, and a
// command inside of a word, such as $(date), stays a part of the word.
func Commands(text string) [][]string {
	var r reader
	for _, c := range text + "\n" {
		r.read(c)
	}
	return r.commands
}

// A reader has read the beginning of a text.
type reader struct {
	commands [][]string
	words    []string
	word     strings.Builder
	quote    rune // the quote that is open, or 0
	inWord   bool // also in an empty word, such as ''
	escaped  bool // a backslash stands before the next character
	comment  bool
	redirect bool // the next word is the target of a redirection
}

// read reads the next character.
func (r *reader) read(c rune) {
	switch {
	case r.comment && c != '\n':
	case r.escaped:
		r.escaped = false
		if c != '\n' {
			r.add(c)
		}
	case c == r.quote:
		r.quote = 0
	case c == '\\' && r.quote != '\'':
		r.escaped = true
	case r.quote != 0:
		r.add(c)
	case c == '\'' || c == '"':
		r.quote, r.inWord = c, true
	case c == '#' && !r.inWord:
		r.comment = true
	case c == '<' || c == '>':
		if descriptor.MatchString(r.word.String()) {
			r.word.Reset()
			r.inWord = false
		}
		r.endWord()
		r.redirect = true
	case c == '&' && r.redirect:
		r.add(c)
	case strings.ContainsRune("\n;|&", c):
		r.endCommand()
	case c == ' ' || c == '\t':
		r.endWord()
	default:
		r.add(c)
	}
}

func (r *reader) add(c rune) {
	r.word.WriteRune(c)
	r.inWord = true
}

func (r *reader) endWord() {
	if !r.inWord {
		return
	}
	if !r.redirect {
		r.words = append(r.words, r.word.String())
	}
	r.word.Reset()
	r.inWord, r.redirect = false, false
}

func (r *reader) endCommand() {
	r.endWord()
	for len(r.words) > 0 && assignment.MatchString(r.words[0]) {
		r.words = r.words[1:]
	}
	if len(r.words) > 0 {
		r.commands = append(r.commands, r.words)
	}
	r.words, r.comment, r.redirect = nil, false, false
}
