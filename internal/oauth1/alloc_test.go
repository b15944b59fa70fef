//go:build !race

package oauth1_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// A signed request costs the value of the header, and with a form the body, the
// function GetBody and the Close of the reader. (Under the race detector sync.Pool
// forgets things on purpose.)
func TestSigningAllocatesOnlyItsResults(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s", Token: "t", TokenSecret: "u"})
	place := oauth1.Place{In: dialect.InHeader, MaxBody: 1 << 20}
	for _, test := range []struct {
		query, form string
		want        float64
	}{
		{"", "", 1},
		{"file=vacation.jpg&size=original&page=2", "", 1},
		{strings.Repeat("page_of_photos=2%20of%203&", 30), "", 1},
		{"", "file=vacation.jpg&size=original&page=2", 4},
		{"", strings.Repeat("page_of_photos=2%20of%203&", 30), 4},
	} {
		req, _ := newRequest(t, "POST", "https://api.example.com/photos?"+test.query, test.form)
		if test.form == "" {
			req.Body = nil
		}
		body, room := strings.NewReader(test.form), inject.Room{Value: new([1]string), Body: new(bytes.Reader)}
		closed := io.NopCloser(body)
		allocations := testing.AllocsPerRun(1000, func() {
			body.Reset(test.form)
			if test.form != "" {
				req.Body = closed
			}
			if err := place.Put(req, signer, 0, room); err != nil {
				t.Error(err)
			}
		})
		assert.LessOrEqual(t, allocations, test.want, "%+v", test)
	}
}
