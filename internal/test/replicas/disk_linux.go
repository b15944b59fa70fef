package replicas

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// fullDisk returns a site on a small disk of its own, which is in memory. The
// disturbance fills the disk for a while.
func (s Store) fullDisk(t *testing.T) Site {
	dir := s.mount(t, "size=8m,mode=0700")
	site := s.In(t, dir)
	site.Disturb = func(long time.Duration) {
		ballast := filepath.Join(dir, "ballast")
		check(t, fill(ballast))
		time.Sleep(long)
		check(t, os.Remove(ballast))
	}
	return site
}

// fill writes a file until the disk is full.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; block = block[:len(block)/2] {
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	return nil
}

// readOnly returns a site in a directory that the disturbance makes read-only for
// a while.
func (s Store) readOnly(t *testing.T) Site {
	dir := s.mount(t, "size=64m,mode=0700")
	site := s.In(t, dir)
	site.Disturb = func(long time.Duration) {
		check(t, syscall.Mount(dir, dir, "", syscall.MS_BIND, ""))
		err := error(syscall.EBUSY) // as long as a process is writing
		for errors.Is(err, syscall.EBUSY) {
			err = syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		}
		check(t, err)
		time.Sleep(long)
		check(t, syscall.Unmount(dir, syscall.MNT_DETACH))
	}
	return site
}

// mount mounts a disk in memory on a new directory, until the end of the test.
func (s Store) mount(t *testing.T, options string) (dir string) {
	t.Helper()
	if s.In == nil {
		t.Skip("the store is not in a directory")
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("no right to mount a file system: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}
