package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A body that can be read again is sent again after the renewal of the token. Standard input
// cannot be read again, and the exit code tells so.
func TestABodyIsSentAgainAfterARenewal(t *testing.T) {
	w := newWorld(t)
	w.consent()
	path := w.file("body.txt", "a file")
	for name, row := range map[string]struct {
		in   string
		args []string
		sent []string // bodies, in order
		want exit.Code
	}{
		"a text":           {"", []string{"-d", "a=1"}, []string{"a=1", "a=1"}, exit.OK},
		"texts":            {"", []string{"-d", "a=1", "--data-raw", "b=2"}, []string{"a=1&b=2", "a=1&b=2"}, exit.OK},
		"JSON":             {"", []string{"--json", `{"a":1}`}, []string{`{"a":1}`, `{"a":1}`}, exit.OK},
		"a file":           {"", []string{"-d", "@" + path}, []string{"a file", "a file"}, exit.OK},
		"no bytes":         {"", []string{"-d", ""}, []string{"", ""}, exit.OK},
		"an empty file":    {"", []string{"-d", "@" + w.file("empty.txt", "")}, []string{"", ""}, exit.OK},
		"a file of a list": {"", []string{"-d", "@" + path, "-d", "b=2"}, []string{"a file&b=2", "a file&b=2"}, exit.OK},
		"standard input":   {"typed", []string{"-d", "@-"}, []string{"typed"}, exit.Client},
	} {
		t.Run(name, func(t *testing.T) {
			w.p.RevokeAccessTokens() // and the program takes the token for good
			before := len(w.p.Requests(w.p.BearerURL))
			code, _, err := w.run(row.in, append([]string{"call", "globex", "POST", "/orders"}, row.args...)...)
			assert.Equal(t, row.want, code, err)
			var sent []string
			for _, r := range w.p.Requests(w.p.BearerURL)[before:] {
				sent = append(sent, string(r.Body))
			}
			assert.Equal(t, row.sent, sent)
			w.ok("", "call", "globex", "GET", "/me")
		})
	}
}
