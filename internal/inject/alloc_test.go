//go:build !race

package inject_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// The fields cost the same number of allocations in small and in large bodies: the new
// body, the reader with its Close, GetBody, and a few for the changes. XML has as many
// again for each different name outside ASCII, which encoding/xml judges.
func TestAllocationsDoNotGrowWithTheBody(t *testing.T) {
	for _, test := range []struct {
		name, contentType string
		body              func(n int) []byte // of n orders
		want              float64
	}{
		{"JSON", jsonType, manyOrders, 8},
		{"JSON of long strings", jsonType, longStrings, 8},
		{"XML", xmlType, xmlOrders, 10},
		{"XML with prefixes and names in Greek", xmlType, greekOrders, 60},
	} {
		f := newFields(t, benchFields, "")
		for _, n := range []int{1, 100, 5000} {
			body := string(test.body(n))
			reader := strings.NewReader(body)
			req := &http.Request{Method: "POST", Header: http.Header{"Content-Type": {test.contentType}}}
			closer := io.NopCloser(reader)
			allocations := testing.AllocsPerRun(20, func() {
				reader.Reset(body)
				req.Body, req.ContentLength = closer, int64(len(body))
				if err := f.Apply(req, inject.Room{}); err != nil {
					t.Error(err)
				}
			})
			assert.LessOrEqual(t, allocations, test.want, "%s, %d orders", test.name, n)
		}
	}
}
