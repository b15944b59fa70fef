package inject_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// A field may be shorter or longer than what it replaces, and so may the next, whether
// the length of the body is known or not.
func TestFieldsOfAnyLength(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	for _, old := range [][2]int{{0, 0}, {1, 300}, {300, 1}, {20, 20}, {300, 300}} {
		for _, is := range [][2]int{{0, 0}, {0, 400}, {400, 0}, {20, 20}, {21, 19}, {19, 21}, {400, 400}} {
			f := newFields(t, []inject.Field{{Key: "a", Value: text(is[0])}, {Key: "b", Value: text(is[1])}}, "")
			for contentType, document := range map[string]string{
				jsonType: `{"before":1,"a":"%s","between":2,"b":"%s","after":3}`,
				xmlType:  `<r><before/><a>%s</a><between>2</between><b>%s</b><after/></r>`,
			} {
				body := fmt.Sprintf(document, text(old[0]), text(old[1]))
				want := fmt.Sprintf(document, text(is[0]), text(is[1]))
				assert.Equal(t, want, apply(t, f, contentType, body))
				req := post(contentType, nil)
				req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), -1
				require.NoError(t, f.Apply(req, inject.Room{}))
				assert.Equal(t, want, sent(t, req))
			}
		}
	}
}
