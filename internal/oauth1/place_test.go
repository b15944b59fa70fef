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

// A body that is changed no longer matches its digest, and nothing can be added to a body
// that is encoded.
func TestBodyThatMustNotChangeIsRefused(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s"})
	for name, value := range map[string]string{
		"Content-Md5": "x", "digest": "sha-256=x", "Content-Digest": "sha-256=:x:", "Repr-Digest": "sha-256=:x:", "content-encoding": "gzip",
	} {
		for _, test := range []struct {
			in      dialect.Location
			form    string
			refused bool
		}{
			{dialect.InBody, "a=1", true}, {dialect.InHeader, "a=1&oauth_nonce=old", true}, {dialect.InQuery, "a=1&oauth_nonce=old", true},
			{dialect.InHeader, "a=1", false}, {dialect.InQuery, "a=1", false},
		} {
			req, _ := newRequest(t, "POST", "https://h/", test.form)
			req.Header[name] = []string{value}
			room := inject.Room{}
			err := oauth1.Place{In: test.in, MaxBody: 1 << 20}.Put(req, signer, 0, room)
			if !test.refused {
				require.NoError(t, err, "%s, %+v", name, test)
				continue
			}
			assert.ErrorIs(t, err, inject.ErrNotInjectable, "%s, %+v", name, test)
			assert.Empty(t, req.Header["Authorization"])
		}
	}
}
