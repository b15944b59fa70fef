//go:build !unix

package home

import "io/fs"

const noWait = 0

// owner knows no owners: the access list of the folder decides on Windows.
func owner(fs.FileInfo) (uid uint32, foreign bool) { return 0, false }

// open is always false: the mode says nothing here.
func open(fs.FileInfo) bool { return false }

// syncDir does nothing: the system has no such call.
func syncDir(string) error { return nil }
