package inject_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// Characters with a meaning are found at every position among plain ones.
func TestJSONStringsAreScannedToTheByte(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
	for length := range 20 {
		for at := range length + 1 {
			before, after := strings.Repeat("é", at)[:at], strings.Repeat("a", length-at)
			if at%2 == 1 {
				before = strings.Repeat("\x7f", at)
			}
			for _, escaped := range []string{`\"`, `\\`, `\n`, `\u0001`, `\u00e9`} {
				body := `{"a":"` + before + escaped + after + `"`
				assert.Equal(t, body+`,"k":"v"}`, apply(t, f, jsonType, body+"}"))
			}
			for _, control := range []string{"\x00", "\x01", "\n", "\x1f"} {
				err := f.Apply(post(jsonType, []byte(`{"a":"`+before+control+after+`"}`)), inject.Room{})
				assert.ErrorContains(t, err, fmt.Sprintf("malformed at byte %d:", len(`{"a":"`)+len(before)))
			}
			body := `{"` + before + after + `":"` + after + before + `"`
			assert.Equal(t, body+`,"k":"v"}`, apply(t, f, jsonType, body+"}"))
		}
	}
}
