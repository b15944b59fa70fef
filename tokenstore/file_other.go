//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package tokenstore

import (
	"errors"
	"io/fs"
	"os"
)

// tryLock refuses: these systems have no lock that ends with its holder.
func tryLock(*os.File) (locked bool, err error) { return false, errors.ErrUnsupported }

func unlockAndClose(f *os.File) { f.Close() }

func private(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }

func syncDir(string) error { return nil }

func inUse(error) bool { return false }
