package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A wrong flag of connect is told before anybody asks for a secret or sends a request, in the
// words of the command line.
func TestConnectChecksItsFlagsFirst(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.consent()
	before := len(w.p.Requests(""))
	connect := func(args ...string) []string { return append([]string{"connect"}, args...) }
	for name, row := range map[string]struct {
		args []string
		says string
	}{
		"a name with a space":          {connect("acme", "--name", "a b"), "--name: want at most 100"},
		"a name with a slash":          {connect("acme", "--name", "a/b"), "--name: want at most 100"},
		"a name in right-to-left text": {connect("acme", "--name", "a\u202eb"), "--name: want at most 100"},
		"a name like a flag":           {connect("acme", "--name", "-x"), "--name: want at most 100"},
		"a name like a folder":         {connect("acme", "--name", ".."), "--name: want at most 100"},
		"a long name":                  {connect("acme", "--name", strings.Repeat("a", 101)), "--name: want at most 100"},
		"a name that is there":         {connect("acme", "--name", "acme-1"), `--name: there is an account "acme-1" already`},
		"a name for --again":           {connect("--again", "acme-1", "--name", "new"), "--name is for a new account"},
		"no prefix":                    {connect("acme", "--allow", "10.0.0.0/99"), `--allow: "10.0.0.0/99" is no host, address or prefix`},
		"a pattern":                    {connect("acme", "--allow", "*.x"), `--allow: "*.x" is no host, address or prefix`},
		"no redirect URL":              {connect("globex", "--redirect-url", "foo"), "--redirect-url: want a URL such as http://127.0.0.1/callback"},
		"a redirect URL to paste":      {connect("globex", "--redirect-url", "https://acme.example/cb"), "--redirect-url: there is no terminal to paste"},
		"scopes of a key":              {connect("acme", "--scopes", "read"), "--scopes: the method key asks for no scopes"},
		"an unknown scope":             {connect("globex", "--scopes", "raed"), `--scopes: the method oauth has no scope "raed"; its scopes are read`},
		"unknown scope, again":         {connect("--again", "globex-1", "--scopes", "raed"), `has no scope "raed"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, err := w.run("", row.args...)
			assert.Equal(t, exit.Usage, code)
			assert.Contains(t, err, row.says)
			assert.Empty(t, out)
			assert.Equal(t, 1, strings.Count(err, "\n"), "%q", err)
		})
	}
	assert.Len(t, w.p.Requests(""), before)
}
