package tokenstore

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/connectorauth/connectorauth/internal/poll"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// Lock waits until the caller alone holds key among all processes that use the
// directory, or until ctx ends. The lock ends with Unlock or with the process.
// The lock is lost only if somebody else removes the lock file. The store notices
// so in Check, and otherwise within some seconds. If ctx ends while somebody holds the
// lock, the error is a *storeerror.Locked, which names the process.
func (s *File) Lock(ctx context.Context, key string) (Lease, error) {
	lock, err := lockFile(ctx, filepath.Join(s.dir, hash(key)+".lease"), true)
	if err != nil {
		return nil, fail("lock", key, err)
	}
	lock.sign()
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
// open, so many waiters do not use up the file descriptors. A file of one's own is one
// that this call has made: nobody else has a link to the file, so the holder may sign.
func lockFile(ctx context.Context, path string, own bool) (lock *fileLock, err error) {
	busy := false
	err = poll.Until(ctx, time.Millisecond, 50*time.Millisecond, func() (bool, error) {
		f, made, err := openLock(ctx, path)
		if f == nil {
			return false, err
		}
		locked, err := tryLock(f)
		busy = !locked && err == nil
		if locked {
			lock = &fileLock{f, path}
			if locked, err = lock.held(); locked && own && !made {
				lock.release() // what a dead holder has left
				return false, nil
			} else if locked {
				return true, nil
			}
		}
		f.Close()
		return false, err
	})
	switch {
	case err == nil:
		return lock, nil
	case busy && ctx.Err() != nil:
		return nil, &storeerror.Locked{Holder: signed(path), Err: err}
	}
	return nil, err
}

// openLock opens the file at path, and makes the file if there is none. A nil file
// without an error means that the file has just gone.
func openLock(ctx context.Context, path string) (f *os.File, made bool, err error) {
	err = whenFree(ctx, func() error {
		f, err = openOurs(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		if made = err == nil; errors.Is(err, fs.ErrExist) {
			f, err = openOurs(path, os.O_RDWR)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Stat(filepath.Dir(path)); gone == nil {
			return nil, false, nil
		}
	}
	return f, made, err
}

// sign writes into the file who holds the lock, for the error of who waits in vain. A
// failure leaves the holder unnamed. The text follows the first byte: on Windows, nobody
// else can read the byte that is locked.
func (l *fileLock) sign() {
	if text, err := json.Marshal(thisProcess()); err == nil {
		l.file.WriteAt(append([]byte("\n"), text...), 0)
	}
}

// signed returns who has signed the file at path, or the zero Holder.
func signed(path string) (h storeerror.Holder) {
	f, err := openOurs(path, os.O_RDONLY)
	if err != nil {
		return storeerror.Holder{}
	}
	defer f.Close()
	const most = 4 << 10
	if json.NewDecoder(io.NewSectionReader(f, 1, most)).Decode(&h) != nil {
		return storeerror.Holder{}
	}
	return h
}

// thisProcess returns this process as a holder from now on.
func thisProcess() storeerror.Holder {
	host, _ := os.Hostname()
	return storeerror.Holder{PID: os.Getpid(), Host: host, Program: filepath.Base(os.Args[0]), Since: time.Now().UTC().Truncate(time.Second)}
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
