package tokenstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/poll"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// File is a [SharedStore] in a directory, for the programs of a single host.
// Each key has a file of its own. Create a File with [NewFile].
//
// Save writes a value to a temporary file, syncs the file, renames the file
// into place, and syncs the directory. After a crash, or on a full disk, the
// key therefore has the old value or the new value. Files have mode 0600 and
// the directory has mode 0700, whatever the umask. On Windows the directory's
// access list decides who may read the files. The name of a file begins with
// the first 40 bytes of the key, in lower case. Characters other than ASCII
// letters and digits become underscores.
//
// A file may be incomplete, edited, or copied from another key. Somebody may have put
// a link or a FIFO in its place, or a file that another user owns or may write, before
// the directory became private. Load and CompareAndSwap then return an error that names
// the key, and leave the file as it is. Links are not followed. Save replaces the file.
// Delete removes the file. On Windows, NewFile and Load ask for no owner.
//
// Locks belong to the operating system. When the holder of a lock dies, the operating
// system releases the lock at once. A holder that is only stopped keeps the lock: others
// wait until their context ends. The locks need files, whose names end in .lease and .lock,
// while somebody holds or wants a lock. A .lease says who holds the lock: process, host and
// time. The holder removes the file, so a key at rest has a single file. A file that a dead
// holder has left stays until the next lock of the key. If somebody else removes the file
// of a held lock, the lock is lost. The locks of network file systems often do not work
// well: use [SQL] there.
type File struct {
	dir   string
	watch lease.Watch
}

// NewFile opens the store in dir. A missing directory is created with mode
// 0700. NewFile refuses a directory that other users may read or enter, a directory of
// another user, and a link. Directories above dir may be links. Whoever may write to a
// directory above dir can put another directory in the place of dir, so the
// directories above should belong to the same user or to root.
func NewFile(dir string) (*File, error) {
	if dir == "" {
		return nil, errors.New("tokenstore: NewFile needs a directory")
	}
	dir, err := filepath.Abs(dir) // dir stays the same when the program changes the working directory
	if err != nil {
		return nil, fmt.Errorf("tokenstore: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("tokenstore: %w", err)
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("tokenstore: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("tokenstore: %s is a link (%v): name the directory itself", dir, info.Mode())
	case !owned(info):
		return nil, fmt.Errorf("tokenstore: the directory %s belongs to another user: run as that user, or name a subdirectory that NewFile can create", dir)
	case !private(info.Mode()):
		return nil, fmt.Errorf("tokenstore: other users may use the directory %s (%v): change its mode to 0700, or name a subdirectory that NewFile can create", dir, info.Mode())
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("tokenstore: %w", err)
	}
	s := &File{dir: dir}
	s.watch.Read = s.readAll
	return s, nil
}

// Load returns the value under key. Load takes no lock.
func (s *File) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, fail("load", key, err)
	}
	if value, ok, err = s.read(ctx, key); err != nil {
		return nil, false, fail("load", key, err)
	}
	return value, ok, nil
}

// Save stores value under key.
func (s *File) Save(ctx context.Context, key string, value []byte) error {
	return s.change(ctx, "save", key, func() error { return s.write(ctx, key, value) })
}

// Delete removes the file of key, even a damaged file.
func (s *File) Delete(ctx context.Context, key string) error {
	return s.change(ctx, "delete", key, func() error {
		for _, path := range []string{s.tempPath(key), s.valuePath(key)} {
			err := whenFree(ctx, func() error { return os.Remove(path) })
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return syncDir(s.dir)
	})
}

// CompareAndSwap stores new under key if the current value equals old, and
// reports whether new was stored. A nil old means that key must be absent.
func (s *File) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	err = s.change(ctx, "swap", key, func() error {
		current, ok, err := s.read(ctx, key)
		if err != nil || ok != (old != nil) || !bytes.Equal(current, old) {
			return err
		}
		err = s.write(ctx, key, new)
		swapped = err == nil
		return err
	})
	return swapped, err
}

// Wait returns the value of key as soon as the value is not old, or an error when
// ctx ends. A nil value is absent. Wait does not return while the file is damaged.
func (s *File) Wait(ctx context.Context, key string, old []byte) (value []byte, err error) {
	if value, err = s.watch.Wait(ctx, key, old); err != nil {
		return nil, fail("wait for", key, err)
	}
	return value, nil
}

// readAll reads the files of keys.
func (s *File) readAll(ctx context.Context, keys []string, found func(key string, value []byte)) error {
	var failed error
	for _, key := range keys {
		value, _, err := s.read(ctx, key)
		if err != nil {
			failed = fail("load", key, err)
			continue
		}
		found(key, value)
	}
	return failed
}

// change calls do while no other process changes key. The lock of change is not
// the lock of Lock, because the holder of Lock must be able to save.
func (s *File) change(ctx context.Context, operation, key string, do func() error) error {
	lock, err := lockFile(ctx, filepath.Join(s.dir, hash(key)+".lock"), false)
	if err == nil {
		defer lock.release()
		err = do()
	}
	if err != nil {
		return fail(operation, key, err)
	}
	return nil
}

// read returns the value in the file of key.
func (s *File) read(ctx context.Context, key string) (value []byte, ok bool, err error) {
	var data []byte
	path := s.valuePath(key)
	err = whenFree(ctx, func() (err error) {
		data, err = readFile(path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(s.dir) // a missing directory is an error, not an absent key
		return nil, false, err
	}
	if planted := notOurs(""); errors.As(err, &planted) {
		return nil, false, damaged(string(planted))
	}
	if err != nil {
		return nil, false, err
	}
	line, value, found := bytes.Cut(data, []byte("\n"))
	switch {
	case found && string(line) == header(key, value):
		return value, true, nil
	default:
		return nil, false, unreadable(path, data)
	}
}

// write replaces the file of key in a single step.
func (s *File) write(ctx context.Context, key string, value []byte) error {
	temp := s.tempPath(key)
	os.Remove(temp) // remains of a process that died
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append([]byte(header(key, value)+"\n"), value...))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = whenFree(ctx, func() error { return os.Rename(temp, s.valuePath(key)) })
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	return syncDir(s.dir)
}

const (
	magic   = "connectorauth-token "
	version = 1
)

// unreadable returns the error of a file that is not one of this version.
func unreadable(path string, data []byte) error {
	rest, ours := strings.CutPrefix(string(data), magic)
	text, _, _ := strings.Cut(rest, " ")
	if v, err := strconv.Atoi(text); ours && err == nil && v > version {
		return fmt.Errorf("%s: %w", path, &storeerror.Newer{Version: v, Known: version})
	}
	return damaged(path + " is damaged: restore the file, or delete the key and connect the account again")
}

// header returns the first line of a file. The checksum covers the key and the
// value, so a file that was copied to the name of another key is noticed.
func header(key string, value []byte) string {
	sum := sha256.New()
	sum.Write([]byte(key + "\x00"))
	sum.Write(value)
	return fmt.Sprintf("%s%d %d %x", magic, version, len(value), sum.Sum(nil))
}

// valuePath returns the path of the file of key. The file name has a readable
// part and a hash, which keeps keys apart on every file system. The name is in
// lower case, because some file systems ignore case.
func (s *File) valuePath(key string) string {
	readable := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, key[:min(len(key), 40)])
	return filepath.Join(s.dir, readable+"-"+hash(key)+".token")
}

// tempPath returns the path of the temporary file for the next value of key.
// The lock of change makes sure that only a single process writes the temporary
// file.
func (s *File) tempPath(key string) string { return filepath.Join(s.dir, hash(key)+".tmp") }

// hash returns a name for key that is valid in every file system and database.
func hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// whenFree calls do. On Windows, do fails while another process has the file
// open; whenFree then calls do again, for up to two seconds.
func whenFree(ctx context.Context, do func() error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if pollErr := poll.Until(ctx, time.Millisecond, 20*time.Millisecond, func() (bool, error) {
		err = do()
		return !inUse(err), nil
	}); err == nil {
		err = pollErr
	}
	return err
}
