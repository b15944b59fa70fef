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
	"strings"
	"sync"
	"time"
)

// File is a [SharedStore] in a directory, with one file per key: for the
// programs of one host. Create it with [NewFile].
//
// A value is written to a temporary file, synced, renamed into place, and the
// directory is synced before Save returns: after a crash or a full disk the
// key has its old value or its new one. Files have mode 0600 in a directory of
// mode 0700 whatever the umask; on Windows the directory's access list decides.
// File names show the first 40 characters of the key in lower case, with
// anything but letters and digits as an underscore.
// A file that is torn, was edited, or was copied from another key is reported
// as an error that names the key; CompareAndSwap leaves it alone, Save replaces
// it and Delete removes it.
//
// Locks belong to the operating system, which releases them when their holder
// dies. They have no other end: while a holder is merely stopped, others wait
// until their context ends. Empty files with the endings .lease and .lock serve
// the locks and stay in the directory; do not remove them while programs run.
// Network file systems often lack dependable locks: use [SQL] there.
type File struct {
	dir string
}

// NewFile opens the store in dir, which it creates with mode 0700 if it is
// missing. A directory that other users may read or enter is refused.
func NewFile(dir string) (*File, error) {
	if dir == "" {
		return nil, errors.New("tokenstore: NewFile needs a directory")
	}
	dir, err := filepath.Abs(dir) // the program may change its working directory
	if err != nil {
		return nil, fmt.Errorf("tokenstore: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("tokenstore: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("tokenstore: %w", err)
	}
	if !private(info.Mode()) {
		return nil, fmt.Errorf("tokenstore: directory %s is open to other users (%v): chmod it to 700, or name a subdirectory for NewFile to create", dir, info.Mode())
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("tokenstore: %w", err)
	}
	return &File{dir: dir}, nil
}

// Load returns the value under key. It takes no lock.
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

// Delete removes the file of key, damaged or not.
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

// CompareAndSwap stores new under key if the current value equals old; a nil
// old means that key must be absent.
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

// Lock waits until the caller alone holds key among all processes that use the
// directory, or ctx ends.
func (s *File) Lock(ctx context.Context, key string) (unlock func(), err error) {
	unlock, err = lockFile(ctx, filepath.Join(s.dir, hash(key)+".lease"))
	if err != nil {
		return nil, fail("lock", key, err)
	}
	return unlock, nil
}

// change runs do while no other process changes key. The lock is not the one
// that callers hold, who must be able to save.
func (s *File) change(ctx context.Context, operation, key string, do func() error) error {
	unlock, err := lockFile(ctx, filepath.Join(s.dir, hash(key)+".lock"))
	if err == nil {
		defer unlock()
		err = do()
	}
	if err != nil {
		return fail(operation, key, err)
	}
	return nil
}

func (s *File) read(ctx context.Context, key string) (value []byte, ok bool, err error) {
	var data []byte
	path := s.valuePath(key)
	err = whenFree(ctx, func() (err error) {
		data, err = os.ReadFile(path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(s.dir) // a directory that is gone is not an absent key
		return nil, false, err
	}
	if err != nil {
		return nil, false, err
	}
	line, value, found := bytes.Cut(data, []byte("\n"))
	switch {
	case found && string(line) == header(key, value):
		return value, true, nil
	case bytes.HasPrefix(data, []byte(magic)) && !bytes.HasPrefix(data, []byte(magic+version)):
		return nil, false, fmt.Errorf("%s has a newer format: upgrade this program", path)
	default:
		return nil, false, fmt.Errorf("%s is damaged: restore it, or delete the key and connect the account again", path)
	}
}

// write replaces the file of key in one step.
func (s *File) write(ctx context.Context, key string, value []byte) error {
	temp := s.tempPath(key)
	os.Remove(temp) // a dead process may have left it
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
	version = "1 "
)

// header is the first line of a file. The sum covers the key, so that a file
// copied to the name of another key is noticed.
func header(key string, value []byte) string {
	sum := sha256.New()
	sum.Write([]byte(key + "\x00"))
	sum.Write(value)
	return fmt.Sprintf("%s%s%d %x", magic, version, len(value), sum.Sum(nil))
}

// valuePath is the file of key: a readable part and a hash that keeps keys
// apart on every file system, in lower case because some ignore case.
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

// tempPath is where the next value of key is written; the lock of change keeps
// it to one writer.
func (s *File) tempPath(key string) string { return filepath.Join(s.dir, hash(key)+".tmp") }

// hash is a name for key that is safe everywhere.
func hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// lockFile waits for the lock on path. No descriptor is held while waiting, so
// that many waiters do not use them up.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	err = poll(ctx, time.Millisecond, 50*time.Millisecond, func() (bool, error) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return false, err
		}
		locked, err := tryLock(f)
		if !locked {
			f.Close()
			return false, err
		}
		unlock = sync.OnceFunc(func() { unlockAndClose(f) })
		return true, nil
	})
	return unlock, err
}

// whenFree runs do, for up to two seconds again while Windows refuses because
// another process has the file open at this moment.
func whenFree(ctx context.Context, do func() error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if pollErr := poll(ctx, time.Millisecond, 20*time.Millisecond, func() (bool, error) {
		err = do()
		return !inUse(err), nil
	}); err == nil {
		err = pollErr
	}
	return err
}
