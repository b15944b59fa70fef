package tokenstore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"unsafe"
)

var (
	kernel32     = syscall.NewLazyDLL("kernel32.dll")
	lockFileEx   = kernel32.NewProc("LockFileEx")
	unlockFileEx = kernel32.NewProc("UnlockFileEx")
)

const (
	exclusiveNow = 0x2 | 0x1 // LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY

	errSharingViolation = syscall.Errno(32)
	errLockViolation    = syscall.Errno(33)
)

// tryLock locks the first byte of f without waiting. release ends the lock at
// once. When the process dies, Windows ends the lock after some time.
func tryLock(f *os.File) (locked bool, err error) {
	var offset syscall.Overlapped
	ok, _, err := lockFileEx.Call(f.Fd(), exclusiveNow, 0, 1, 0, uintptr(unsafe.Pointer(&offset)))
	if ok != 0 {
		return true, nil
	}
	if errors.Is(err, errLockViolation) || errors.Is(err, syscall.ERROR_IO_PENDING) {
		return false, nil
	}
	return false, os.NewSyscallError("LockFileEx", err)
}

// release ends the lock and removes the file. Windows does not remove a file that
// anybody has opened with os.OpenFile, so the file of another holder stays.
func (l *fileLock) release() {
	var offset syscall.Overlapped
	unlockFileEx.Call(l.file.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(&offset)))
	l.file.Close()
	os.Remove(l.path)
}

const noFollow = 0 // the file is looked at before and after the opening

// owned is always true, and writable always false: on Windows the directory's access
// list decides.
func owned(fs.FileInfo) bool    { return true }
func writable(fs.FileMode) bool { return false }

// private is always true: on Windows the directory's access list decides, and
// Go does not show access lists as mode bits.
func private(fs.FileMode) bool { return true }

// syncDir does nothing: Windows cannot sync a directory, and NTFS has a journal
// of names.
func syncDir(string) error { return nil }

// inUse reports whether an operation failed because another process has the
// file open.
func inUse(err error) bool {
	return errors.Is(err, errSharingViolation) || errors.Is(err, syscall.ERROR_ACCESS_DENIED)
}
