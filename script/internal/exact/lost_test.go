package exact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rounded number in a text is lost, unless the source has just this number.
func TestLostNumbers(t *testing.T) {
	for _, test := range []struct {
		source, text string
		lost         bool
	}{
		{`[7615917337495251231]`, "id 7615917337495251000", true},
		{`[7615917337495251231]`, "id 7615917337495251231", false},
		{`[7615917337495251231,7615917337495251000]`, "id 7615917337495251000", false},
		{`[7615917337495251231,"no 7615917337495251000"]`, "id 7615917337495251000", false},
		{`[7615917337495251231,76159173374952510001]`, "id 7615917337495251000", true}, // a part of a longer number
		{`[-7615917337495251231,-7615917337495251000]`, "id -7615917337495251000", false},
		{`[-7615917337495251231,7615917337495251000]`, "id -7615917337495251000", true},
		{`[7615917337495251231,7615917337495251000,8615917337495251231]`, "7615917337495251000 8615917337495251000", true},
		{`[]`, "id 7615917337495251000", false},
	} {
		parsed, err := Parse([]byte(test.source))
		require.NoError(t, err)
		assert.Equal(t, test.lost, Rounded(parsed).LostIn([]byte(test.text), []byte(test.source)), "%s of %s", test.text, test.source)
	}
}

// The time is that of reading a text and a source once, not once for each number: the
// square would be minutes here, in which nothing ends a script.
func TestLostNumbersOfALongSource(t *testing.T) {
	var source strings.Builder
	source.WriteString("[1")
	for i := range 50_000 {
		fmt.Fprintf(&source, ",%d", 7615917337495251231+i*5000)
	}
	source.WriteString("]")
	parsed, err := Parse([]byte(source.String()))
	require.NoError(t, err)
	numbers := Rounded(parsed)
	require.Greater(t, len(numbers), 50_000)
	assert.True(t, numbers.LostIn([]byte("id 7615917337495251000"), []byte(source.String())))
	assert.False(t, numbers.LostIn([]byte("id 1"), []byte(source.String())))
}
