package tokenstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/connectorauth/connectorauth/internal/poll"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// Lock waits until the caller alone holds key among all processes that use the
// directory, or until ctx ends. The lock ends with Unlock or with the process.
// The lock is lost only if somebody else removes the lock file. The store notices
// so in Check, and otherwise within some seconds.
func (s *File) Lock(ctx context.Context, key string) (Lease, error) {
	lock, err := lockFile(ctx, filepath.Join(s.dir, hash(key)+".lease"))
	if err != nil {
		return nil, fail("lock", key, err)
	}
	return lease.Keep(ctx, time.Now(), lease.Config{
		Prolong: func(context.Context) (held bool, err error) { return lock.held() },
		Release: func(context.Context) error { lock.release(); return nil },
		Wrap:    func(err error) error { return fail("check the lock of", key, err) },
	}), nil
}

// A fileLock is a lock that this process holds on the file at path.
//
// The holder removes the file before the lock ends. Another process may have
// opened the file before, and may lock the removed file afterwards. A lock
// therefore counts only if the locked file is still the file at path: then nobody
// else can have a lock that counts, and only the holder removes the file.
type fileLock struct {
	file *os.File
	path string
}

// lockFile waits for the lock on path, or until ctx ends. A waiter keeps no file
// open, so many waiters do not use up the file descriptors.
func lockFile(ctx context.Context, path string) (lock *fileLock, err error) {
	err = poll.Until(ctx, time.Millisecond, 50*time.Millisecond, func() (bool, error) {
		var f *os.File
		err := whenFree(ctx, func() (err error) {
			f, err = openOurs(path, os.O_RDWR|os.O_CREATE)
			return err
		})
		if err != nil {
			return false, err
		}
		locked, err := tryLock(f)
		if locked {
			lock = &fileLock{f, path}
			if locked, err = lock.held(); locked {
				return true, nil
			}
		}
		f.Close()
		return false, err
	})
	if err != nil {
		return nil, err
	}
	return lock, nil
}

// held reports whether the locked file is still the file at path.
func (l *fileLock) held() (bool, error) {
	mine, err := l.file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Lstat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}
