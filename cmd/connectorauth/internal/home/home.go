// Package home is the folder of the program connectorauth: accounts, tokens and definitions of
// one person.
//
//	accounts/     the index of the accounts, without secrets
//	definitions/  the definitions that the person has imported
//	tokens/       tokens and what the person has given, sealed
//	clients/      what the program adds to accounts, such as client secrets, sealed
//	key           the key that seals, in a file of mode 0600, unless a command gives the key
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Variable is the environment variable that names the folder.
const Variable = "CONNECTORAUTH_HOME"

// A Home is the folder. The zero value is not ready for use: see Find.
type Home struct {
	// Dir is the path of the folder.
	Dir string
	// KeyCommand is a command of the shell that prints the key. Empty means the key in the
	// file.
	KeyCommand string
}

// Find returns the Home at dir. An empty dir means the folder that CONNECTORAUTH_HOME names, and
// else the folder connectorauth below os.UserConfigDir. Find creates nothing, and returns an error if
// the folder belongs to another user, or if other users may enter the folder.
func Find(dir, keyCommand string) (*Home, error) {
	if dir == "" {
		dir = os.Getenv(Variable)
	}
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("there is no folder for configuration (%w); name one by --home or %s", err, Variable)
		}
		dir = filepath.Join(config, "connectorauth")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	h := &Home{Dir: dir, KeyCommand: keyCommand}
	if err := h.check(); err != nil {
		return nil, err
	}
	return h, nil
}

// Make creates the folder with mode 0700. Of a folder that is there, Make asks the same as Find.
func (h *Home) Make() error {
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		return err
	}
	return h.check()
}

// Accounts is the folder of the index.
func (h *Home) Accounts() string { return filepath.Join(h.Dir, "accounts") }

// Definitions is the folder of imported definitions.
func (h *Home) Definitions() string { return filepath.Join(h.Dir, "definitions") }

// Tokens is the folder of the store.
func (h *Home) Tokens() string { return filepath.Join(h.Dir, "tokens") }

// Empty reports whether the person has no account so far: there is no index.
func (h *Home) Empty() bool {
	_, err := os.Stat(h.Accounts())
	return errors.Is(err, os.ErrNotExist)
}

// Clients is the folder of what the program adds to accounts, such as client secrets.
func (h *Home) Clients() string { return filepath.Join(h.Dir, "clients") }
