package records_test

import (
	"slices"
	"testing"

	"github.com/connectorauth/connectorauth/internal/records"
	"github.com/stretchr/testify/assert"
)

func TestLists(t *testing.T) {
	for name, test := range map[string]struct {
		list, client, want string
		changed            bool
	}{
		"the first": {"", "a", `["a"]`, true},
		"another":   {`["a"]`, "b", `["a","b"]`, true},
		"the same":  {`["a","b"]`, "a", `["a","b"]`, false},
		"damaged":   {`["a"`, "b", `["b"]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			next, changed := records.Enlist([]byte(test.list), test.client)
			assert.Equal(t, test.want, string(next))
			assert.Equal(t, test.changed, changed)
			clients, ok := records.Listed(next)
			assert.True(t, ok)
			assert.Contains(t, clients, test.client)
		})
	}
	_, ok := records.Listed([]byte(`["a"`))
	assert.False(t, ok)
	clients, ok := records.Listed(nil)
	assert.True(t, ok)
	assert.Empty(t, clients)
}

// A walk over all keys meets each key that a record can have.
func TestWalksMeetEachKey(t *testing.T) {
	consents := slices.Collect(records.Consents())
	lists := slices.Collect(records.ClientLists())
	used := map[string]bool{}
	for b := range 256 {
		assert.Contains(t, consents, records.Consent(byte(b)))
		list := records.ClientList(records.Client(string(rune('a' + b))))
		assert.Contains(t, lists, list)
		used[list] = true
	}
	assert.Greater(t, len(used), 100, "the clients share few lists")
	for range records.Consents() {
		break // the walk may end early
	}
}
