package endpoint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A response decides neither how long its reader works nor how much memory that takes:
// 9,000 lists around half a megabyte, joined list by list, took seconds and gigabytes.
func TestListsInListsAreNotJoined(t *testing.T) {
	token, err := ask(t, reply{body: `{"access_token":"a","scope":` +
		strings.Repeat(`["",`, 9000) + `"` + strings.Repeat("x", 500_000) + `"` + strings.Repeat("]", 9000) + `}`}, request{})
	require.Nil(t, err)
	assert.Less(t, len(token.Scope), 10)
}
