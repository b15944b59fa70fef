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
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// size is the length of a key in bytes: AES-256.
const size = 32

// Key returns the key that seals the store. The key comes from KeyCommand, which prints 32
// bytes in base64 or in hexadecimal digits, or else from the file. Where nothing is sealed so
// far, the first call makes the file. Where something is sealed, a missing file is an error,
// because another key opens nothing. The ID of the key is derived from the bytes, so the error
// of a value under another key names the keys.
//
// Key returns an error if the file belongs to another user, or if other users may read the file.
// The file may be a link; the target is what Key checks.
func (h *Home) Key(ctx context.Context) (tokenstore.Key, error) {
	if h.KeyCommand != "" {
		return h.ask(ctx)
	}
	key, err := h.read()
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	sealed, err := h.sealed()
	if err != nil {
		return tokenstore.Key{}, err
	}
	if !sealed {
		return h.create()
	}
	key, err = h.read() // another process may have made the key, and sealed a value, meanwhile
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the key file %s is missing, %s", h.keyFile(), h.advice(true))
	}
	return key, err
}

// keyFile is the path of the file of the key.
func (h *Home) keyFile() string { return filepath.Join(h.Dir, "key") }

// read returns the key of the file. The error is fs.ErrNotExist if nothing has the name of the
// file.
func (h *Home) read() (tokenstore.Key, error) {
	path := h.keyFile()
	file, err := os.OpenFile(path, os.O_RDONLY|noWait, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// a file, not a link, is a key that another process has made since
		if info, lstatErr := os.Lstat(path); lstatErr == nil && info.Mode()&fs.ModeSymlink != 0 {
			return tokenstore.Key{}, fmt.Errorf("%s is a link to a file that is missing: restore that file", path)
		}
	}
	if err != nil {
		return tokenstore.Key{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return tokenstore.Key{}, err
	}
	if err := checkKey(path, info); err != nil {
		return tokenstore.Key{}, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxOutput))
	if err != nil {
		return tokenstore.Key{}, err
	}
	key, err := decode(text)
	if err != nil {
		sealed, sealedErr := h.sealed()
		return tokenstore.Key{}, errors.Join(fmt.Errorf("%s %w, %s", path, err, h.advice(sealed)), sealedErr)
	}
	return key, nil
}

// advice ends the error of a key that is lost.
func (h *Home) advice(sealed bool) string {
	if !sealed {
		return "and nothing is sealed so far: remove the file, and the next command makes a new key"
	}
	return "and what is stored of the accounts cannot be read without the key: restore the file, or name the command that gives the key by --key-command. " +
		"If the key is lost, end connectorauth serve, remove accounts, clients, tokens and key from " + h.Dir + ", and connect the accounts again"
}

// sealed reports whether a value is sealed: of an account, or of consents that have ended. Locks
// are files, too: see tokenstore.File.
func (h *Home) sealed() (bool, error) {
	for _, dir := range []string{h.Tokens(), h.Clients()} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		for _, entry := range entries {
			lock := strings.HasSuffix(entry.Name(), ".lease") || strings.HasSuffix(entry.Name(), ".lock")
			if info, err := entry.Info(); err == nil && info.Size() > 0 && !lock {
				return true, nil
			}
		}
	}
	return false, nil
}

// create makes a key and its file. Of two processes, the second uses the key of the first: a
// link fails where the name is taken, and a reader never sees half a key.
func (h *Home) create() (tokenstore.Key, error) {
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
	if err := os.Link(file.Name(), h.keyFile()); err != nil && !errors.Is(err, fs.ErrExist) {
		return tokenstore.Key{}, err
	}
	if err := syncDir(h.Dir); err != nil { // before the key seals a value
		return tokenstore.Key{}, err
	}
	return h.read()
}

// decode reads a key. The error quotes nothing of the text.
func decode(text []byte) (tokenstore.Key, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	secret, err := hex.DecodeString(string(text))
	if err != nil {
		secret, err = base64.StdEncoding.DecodeString(string(text))
	}
	switch {
	case len(text) == 0:
		return tokenstore.Key{}, errors.New("is empty")
	case err != nil || len(secret) != size:
		return tokenstore.Key{}, fmt.Errorf("is no key (%d bytes, written in base64 or in hexadecimal digits)", size)
	}
	sum := sha256.Sum256(append([]byte("connectorauth key "), secret...))
	return tokenstore.Key{ID: hex.EncodeToString(sum[:4]), Secret: secret}, nil
}
