//go:build unix

package home

import (
	"io/fs"
	"os"
	"syscall"
)

// noWait opens a FIFO without waiting for the other end.
const noWait = syscall.O_NONBLOCK

// owner returns the user who owns a file, and whether that user is somebody else.
func owner(info fs.FileInfo) (uid uint32, foreign bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, stat.Uid != uint32(os.Geteuid())
}

// open reports whether the mode of a file gives rights to other users.
func open(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// syncDir writes the names in a folder to the disk.
func syncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
