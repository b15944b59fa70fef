package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// check returns an error if the folder belongs to another user, or if other users may enter the
// folder: such a user could put a definition there that sends the credentials elsewhere. A
// missing folder is good. A link to a folder is good if the link belongs to this user or to root.
// On Windows, the access list of the folder decides, and check looks at the type alone.
func (h *Home) check() error {
	link, err := os.Lstat(h.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if uid, foreign := owner(link); link.Mode()&fs.ModeSymlink != 0 && foreign && uid != 0 {
		return fmt.Errorf("the link %s belongs to the user %d: name the folder itself by --home", h.Dir, uid)
	}
	folder, err := os.Stat(h.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		if link.Mode()&fs.ModeSymlink == 0 {
			return nil // somebody has removed the folder since
		}
		return fmt.Errorf("%s is a link to a folder that is missing: make that folder, or name another one by --home", h.Dir)
	}
	if err != nil {
		return err
	}
	uid, foreign := owner(folder)
	switch {
	case !folder.IsDir():
		return fmt.Errorf("%s is no folder: name another one by --home", h.Dir)
	case foreign:
		return fmt.Errorf("the folder %s belongs to the user %d: run connectorauth as that user, or name another folder by --home; "+
			"if you trust what is in the folder, run chown -R %d %s", h.Dir, uid, os.Geteuid(), quoted(h.Dir))
	case open(folder):
		return fmt.Errorf("other users may use the folder %s: run chmod 700 %s", h.Dir, quoted(h.Dir))
	}
	return nil
}

// checkKey returns an error if the file of the key belongs to another user, or if other users
// may use the file. On Windows, the access list of the folder decides.
func checkKey(path string, info fs.FileInfo) error {
	uid, foreign := owner(info)
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file: the key stands in a file, or comes from --key-command", path)
	case foreign:
		return fmt.Errorf("%s belongs to the user %d, who knows the key: run connectorauth as that user, or run chown %d %s if that user may know the key",
			path, uid, os.Geteuid(), quoted(path))
	case open(info):
		return fmt.Errorf("other users may read %s: run chmod 600 %s, and connect the accounts again if somebody has", path, quoted(path))
	}
	return nil
}

// quoted returns a path as one word of a POSIX shell.
func quoted(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%:,=", r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
