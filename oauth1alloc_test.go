//go:build !race

package connectorauth_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A signed request needs eight allocations at most, whatever its parameters are. (Under
// the race detector sync.Pool forgets things on purpose.)
func TestSignedRequestsNeedFewAllocations(t *testing.T) {
	connector, _ := oauth1Contenders(t)
	for _, shape := range oauth1Shapes {
		assert.LessOrEqual(t, testing.AllocsPerRun(500, shape.sender(t, connector)), 8.0, shape.name)
	}
}
