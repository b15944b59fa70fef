package home

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// size is the length of a key in bytes: AES-256.
const size = 32

// Key returns the key that seals the store. The key comes from KeyCommand, which prints 32
// bytes in base64 or in hexadecimal digits, or else from the file, which the first call makes.
// The ID of the key is derived from the bytes, so the error of a value under another key names
// the keys.
func (h *Home) Key(ctx context.Context) (tokenstore.Key, error) {
	if h.KeyCommand != "" {
		return h.ask(ctx)
	}
	path := filepath.Join(h.Dir, "key")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return h.create(path)
	}
	if err != nil {
		return tokenstore.Key{}, err
	}
	if err := private(path); err != nil {
		return tokenstore.Key{}, err
	}
	return decode(text, path)
}

// create makes a key and its file. Of two processes, the second uses the key of the first: a
// link fails where the name is taken, and a reader never sees half a key.
func (h *Home) create(path string) (tokenstore.Key, error) {
	if err := h.Make(); err != nil {
		return tokenstore.Key{}, err
	}
	secret := make([]byte, size)
	rand.Read(secret)
	file, err := os.CreateTemp(h.Dir, "key-*") // mode 0600
	if err != nil {
		return tokenstore.Key{}, err
	}
	defer os.Remove(file.Name())
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(secret))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return tokenstore.Key{}, err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return tokenstore.Key{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return tokenstore.Key{}, err
	}
	return decode(text, path)
}

// ask runs KeyCommand. What the command prints on standard error goes to the person, who may
// have to unlock a keyring.
func (h *Home) ask(ctx context.Context) (tokenstore.Key, error) {
	shell := []string{"/bin/sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C"}
	}
	command := exec.CommandContext(ctx, shell[0], shell[1], h.KeyCommand)
	command.Stdin, command.Stderr = os.Stdin, os.Stderr
	text, err := command.Output()
	if err != nil {
		if ctx.Err() != nil {
			return tokenstore.Key{}, ctx.Err()
		}
		return tokenstore.Key{}, fmt.Errorf("the command of --key-command has failed: %w", err)
	}
	return decode(text, "the output of --key-command")
}

// decode reads a key. The error quotes nothing of the text.
func decode(text []byte, from string) (tokenstore.Key, error) {
	text = bytes.TrimSpace(text)
	secret, err := hex.DecodeString(string(text))
	if err != nil {
		secret, err = base64.StdEncoding.DecodeString(string(text))
	}
	if err != nil || len(secret) != size {
		return tokenstore.Key{}, fmt.Errorf("%s is no key: a key is %d bytes, written in base64 or in hexadecimal digits", from, size)
	}
	sum := sha256.Sum256(append([]byte("connectorauth key "), secret...))
	return tokenstore.Key{ID: hex.EncodeToString(sum[:4]), Secret: secret}, nil
}

// private returns an error if other users may read the file. On Windows, the folder's access
// list decides, and the mode says nothing.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("other users may read %s: run chmod 600 %[1]s, and connect the accounts again if somebody has", path)
	}
	return nil
}
