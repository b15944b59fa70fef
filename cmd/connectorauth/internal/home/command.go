package home

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/term"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// grace is how long the command of the key may go on after an interrupt, such as to give a
// terminal its mode back, and how long a process that the command leaves may keep the pipe.
const grace = 2 * time.Second

// maxOutput bounds the output of the command of the key in bytes.
const maxOutput = 4096

// ask runs KeyCommand. What the command prints on standard error goes to the person, who may
// have to unlock a keyring, so ask waits until the command or ctx ends. The command reads the
// terminal, and nothing else: standard input may be answers or the body of a request.
func (h *Home) ask(ctx context.Context) (tokenstore.Key, error) {
	shell := []string{"/bin/sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C"}
	}
	command := exec.CommandContext(ctx, shell[0], shell[1], h.KeyCommand)
	var text output
	command.Stdout, command.Stderr = &text, os.Stderr
	if term.IsTerminal(int(os.Stdin.Fd())) {
		command.Stdin = os.Stdin
	}
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = grace
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		return tokenstore.Key{}, ctx.Err()
	case text.full:
		return tokenstore.Key{}, fmt.Errorf("the command of --key-command prints more than a key: more than %d bytes", maxOutput)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // which is that of an agent that keeps the pipe
		return tokenstore.Key{}, fmt.Errorf("the command of --key-command has failed: %w", err)
	case len(bytes.TrimSpace(text.text)) == 0:
		return tokenstore.Key{}, errors.New("the command of --key-command has printed nothing")
	}
	key, err := decode(text.text)
	if err != nil {
		return tokenstore.Key{}, fmt.Errorf("the output of --key-command %w", err)
	}
	return key, nil
}

// output keeps maxOutput bytes, and fails afterwards: the command then finds its pipe closed.
type output struct {
	text []byte
	full bool
}

// Write keeps p.
func (o *output) Write(p []byte) (int, error) {
	if o.full = o.full || len(o.text)+len(p) > maxOutput; o.full {
		return 0, errors.New("too long")
	}
	o.text = append(o.text, p...)
	return len(p), nil
}
