//go:build !linux

package replicas

import "testing"

func (Store) fullDisk(t *testing.T) Site { return noMounts(t) }
func (Store) readOnly(t *testing.T) Site { return noMounts(t) }

func noMounts(t *testing.T) Site {
	t.Helper()
	t.Skip("the tests mount file systems on Linux only")
	return Site{}
}
