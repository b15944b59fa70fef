package oauth1_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// The names of headers are the same in any letter case (RFC 9110 section 5.1), and
// net/http sends a name as the caller spells the name.
func TestFormIsAFormHoweverTheHeaderIsSpelled(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", Custom: custom{name: "M", signature: "BASE"}})
	for _, name := range []string{"Content-Type", "content-type", "CONTENT-TYPE"} {
		for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InBody} {
			req, _ := newRequest(t, "POST", "https://h/", "a=1&oauth_nonce=old")
			req.Header = http.Header{name: {"application/x-www-form-urlencoded; charset=utf-8"}}
			room := inject.Room{}
			require.NoError(t, oauth1.Place{In: in, MaxBody: 1 << 20}.Put(req, signer, 0, room), "%s in the %s", name, in)
			body, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(body), "a=1"), "%s in the %s", name, in)
			assert.NotContains(t, string(body), "oauth_nonce=old", "%s in the %s", name, in)
			sent := req.Header.Get("Authorization") + req.URL.RawQuery + string(body)
			assert.Contains(t, sent, encode("POST&https%3A%2F%2Fh%2F&a%3D1%26oauth_consumer_key"), "%s in the %s", name, in)
		}
	}
}
