package tokenstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// notOurs is the error of something that this store has not put there.
type notOurs string

func (n notOurs) Error() string { return string(n) }

// openOurs opens a file of this store for reading or locking. openOurs follows no link
// and waits for nobody. What is no ordinary file of this user is a notOurs.
func openOurs(path string, flag int) (*os.File, error) {
	before, err := os.Lstat(path)
	if err == nil {
		err = checkOurs(path, before)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, flag|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat() // another file may have come since
	if err == nil {
		err = checkOurs(path, opened)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func checkOurs(path string, info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return notOurs(fmt.Sprintf("%s is no ordinary file (%v): remove it", path, info.Mode().Type()))
	case !owned(info):
		return notOurs(path + " belongs to another user: remove the file, or run as that user")
	case writable(info.Mode()):
		return notOurs(fmt.Sprintf("other users may write to %s (%v): remove the file", path, info.Mode()))
	}
	return nil
}

// readFile returns the content of a file of this store.
func readFile(path string) ([]byte, error) {
	f, err := openOurs(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
