//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tokenstore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// tryLock locks f without waiting. The lock ends when f is closed, and at the
// latest when the process dies.
func tryLock(f *os.File) (locked bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, os.NewSyscallError("flock", err)
}

// release removes the file and ends the lock, in this order: see fileLock.
func (l *fileLock) release() {
	if held, _ := l.held(); held {
		os.Remove(l.path)
	}
	l.file.Close()
}

// noFollow makes the opening of a link fail, and does not wait for the other end of a
// FIFO.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// owned reports whether a file belongs to the user of this process.
func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == uint32(os.Geteuid())
}

// writable reports whether mode lets other users write to a file.
func writable(mode fs.FileMode) bool { return mode.Perm()&0o022 != 0 }

// private reports whether mode keeps other users out of a directory.
func private(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }

// syncDir makes changes of the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// inUse is always false: only Windows refuses to replace an open file.
func inUse(error) bool { return false }
