//go:build !race

package connectorauth_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A signed request needs seven allocations at most, whatever its parameters are, without
// the response. (Under the race detector sync.Pool forgets things on purpose.)
func TestSignedRequestsNeedFewAllocations(t *testing.T) {
	connector, _ := oauth1Contenders(t)
	for _, shape := range oauth1Shapes {
		assert.LessOrEqual(t, testing.AllocsPerRun(500, shape.sender(t, connector)), 7.0, shape.name)
	}
}
