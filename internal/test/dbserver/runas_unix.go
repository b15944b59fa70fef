//go:build unix

package dbserver

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// runAs prepares cmd to run a server in dir. The servers refuse to run as root.
// For root, runAs therefore runs cmd as account, and makes account the owner of
// dir.
func runAs(cmd *exec.Cmd, account, dir string) error {
	cmd.Dir = dir
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup(account)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return os.Chown(dir, uid, gid)
}
