//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package tokenstore

import (
	"errors"
	"io/fs"
	"os"
)

// tryLock always fails: these systems have no lock that ends when the process
// dies.
func tryLock(*os.File) (locked bool, err error) { return false, errors.ErrUnsupported }

func (l *fileLock) release() { l.file.Close() }

const noFollow = 0

func owned(fs.FileInfo) bool { return true }

func writable(mode fs.FileMode) bool { return mode.Perm()&0o022 != 0 }

func private(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }

func syncDir(string) error { return nil }

func inUse(error) bool { return false }
