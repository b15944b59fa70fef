//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tokenstore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// tryLock locks f until it is closed, by unlockAndClose or by the kernel.
func tryLock(f *os.File) (locked bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, os.NewSyscallError("flock", err)
}

func unlockAndClose(f *os.File) { f.Close() }

// private reports whether a directory keeps other users out.
func private(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// inUse is about Windows, where an open file cannot be replaced.
func inUse(error) bool { return false }
