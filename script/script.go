package script

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/script/internal/engine"
	"github.com/connectorauth/connectorauth/script/internal/turns"
)

const (
	// MaxSource is the maximum length of a script for Compile, in bytes.
	MaxSource = 64 << 10

	compiling     = "compile" // the tenant of all compilations: whoever compiles many sources has one share
	compileTime   = 2 * time.Second
	compileMemory = 64 << 20
)

// queue shares the processors among all scripts of the program.
var queue turns.Queue

// A Script is a compiled script. A Script is immutable: any number of connectors
// can use a Script at the same time.
type Script struct {
	source string
	ready  engine.Snapshot // a machine that has the code, and has not run
	words  map[string]bool // all words of the source
}

// Compile checks and compiles a script, but does not run the script. The error is
// an [*Error]. The first call in a program takes about a second, because it also
// compiles the engine.
func Compile(source string) (*Script, error) {
	if len(source) > MaxSource {
		return nil, &Error{Message: fmt.Sprintf("the source is longer than %d bytes", MaxSource), cause: ErrLimit}
	}
	if !utf8.ValidString(source) {
		return nil, &Error{Message: "the source is not UTF-8"}
	}
	s := &Script{source: source, words: make(map[string]bool)}
	for name := range strings.FieldsFuncSeq(unescaped(source), func(c rune) bool {
		return c != '_' && c != '$' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	}) {
		s.words[name] = true
	}
	if err := engine.Load(); err != nil {
		return nil, err
	}
	turn, err := queue.Enter(context.Background(), compiling, false)
	if err != nil {
		return nil, err
	}
	c := &compiler{turn: turn}
	defer func() { c.turn.Leave() }()
	code, functions, err := c.compile(source)
	if err != nil {
		return nil, err
	}
	if err := checkNames(functions); err != nil {
		return nil, err
	}
	if s.ready, err = c.prepare(code); err != nil {
		return nil, err
	}
	return s, nil
}

// escape is a character of a name that a source spells by its number.
var escape = lazy.Regexp(`\\u(?:[0-9A-Fa-f]{4}|\{[0-9A-Fa-f]{1,6}\})`)

// unescaped returns a source with the names as they are meant.
func unescaped(source string) string {
	return escape().ReplaceAllStringFunc(source, func(s string) string {
		n, _ := strconv.ParseInt(strings.Trim(s[2:], "{}"), 16, 32)
		return string(rune(n))
	})
}

// mentions reports whether name is a word of the source. Without this word, the
// script has no handler of this name and needs no global of this name.
func (s *Script) mentions(name string) bool { return s.words[name] }

func tooLong() error {
	return &Error{Message: "the compiler needs too much time or memory for the source", cause: ErrLimit}
}

// A compiler is the host of a machine that compiles.
type compiler struct {
	turn   *turns.Turn
	thrown thrown
}

func (c *compiler) compile(source string) (code []byte, functions []string, err error) {
	m, err := engine.Get(compileMemory)
	if err != nil {
		return nil, nil, err
	}
	defer engine.Put(m)
	code, functions, err = m.Compile(c, source)
	if err != nil {
		return nil, nil, tooLong()
	}
	if code == nil {
		return nil, nil, c.thrown.compileError()
	}
	return code, functions, nil
}

// prepare returns a machine that has the code.
func (c *compiler) prepare(code []byte) (engine.Snapshot, error) {
	m, err := engine.Get(compileMemory)
	if err != nil {
		return engine.Snapshot{}, err
	}
	defer engine.Put(m)
	if err := m.Prepare(c, code); err != nil {
		return engine.Snapshot{}, tooLong()
	}
	return m.Save()
}

// Tick ends a compilation that takes too long.
func (c *compiler) Tick() error {
	if c.turn.Ran() > compileTime {
		return ErrLimit
	}
	return c.turn.Yield(context.Background())
}

// Call takes the error.
func (c *compiler) Call(what engine.What, text []byte) ([]byte, error) {
	if what == engine.Thrown {
		c.thrown = readThrown(text)
	}
	return nil, nil
}
