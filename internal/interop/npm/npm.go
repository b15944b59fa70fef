// Package npm installs the packages for Node.js that tests need.
package npm

import (
	"fmt"
	"os/exec"
)

// Install installs the packages that dir/package.json names into dir, and runs no
// script of theirs. The error says what is missing: node, npm, or the network.
func Install(dir string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	npm := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install: %w\n%s", err, out)
	}
	return nil
}
