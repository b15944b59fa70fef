package catalog

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Each nickname is of a service that is there, says something that the names of the service
// do not say, and is spelled as Search compares.
func TestNicknamesAreOfServices(t *testing.T) {
	for name, list := range nicknames {
		at := slices.IndexFunc(index(), func(e *Entry) bool { return e.Name == name })
		if !assert.NotEqual(t, -1, at, name) {
			continue
		}
		for _, nickname := range list {
			assert.Equal(t, letters(nickname), nickname)
			assert.NotEqual(t, letters(name), nickname)
		}
	}
}
