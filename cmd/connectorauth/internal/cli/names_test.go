package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A script whose variable is empty must not reach, or end, the account that has no label.
func TestAnEmptyNameIsNoAccount(t *testing.T) {
	w := newWorld(t)
	w.ok(`{"connectorauth": 1, "name": "open", "baseUrl": "`+w.p.OpenURL+`", "methods": [{"name": "none", "type": "None"}]}`, "import", "-")
	w.ok("{}", "connect", "open", "--values", "-")
	for _, args := range [][]string{
		{"disconnect", ""}, {"call", "", "GET", "/x"}, {"test", ""}, {"token", ""}, {"doctor", ""},
	} {
		code, out, err := w.run("", args...)
		assert.Equal(t, exit.Usage, code, args)
		assert.Empty(t, out, args)
		assert.Contains(t, err, "the name of the account is empty", args)
	}
	code, _, err := w.run("", "connect", "")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, "name a service")
	var all []map[string]any
	w.read(&all, "list")
	require.Len(t, all, 1)
	assert.Empty(t, all[0]["label"])
}

func TestAServiceThatIsNothingLikeAnotherHasNoSuggestions(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{" ", "!"} {
		_, _, err := w.run("", "catalog", "show", name)
		assert.NotContains(t, err, "did you mean", name)
		assert.Equal(t, 1, strings.Count(err, "\n"))
	}
}

func TestConnectTakesAServiceOrAnAccountAndNotBoth(t *testing.T) {
	w := newWorld(t)
	w.key()
	for says, args := range map[string][]string{
		"name no service":                   {"connect", "acme", "--again", "acme-1"},
		"the name of the account is empty":  {"connect", "--again", ""},
		"name a service, or an account":     {"connect"},
		"usage: connectorauth connect SERV": {"connect", "acme", "acme"},
	} {
		code, _, err := w.run("", args...)
		assert.Equal(t, exit.Usage, code, args)
		assert.Contains(t, err, says, args)
	}
}

// The examples of connect are what a new user copies: --values takes JSON.
func TestTheExampleOfConnectGivesJSON(t *testing.T) {
	w := newWorld(t)
	help := w.ok("", "connect", "--help")
	assert.Contains(t, help, "jq -R '{apiKey: .}' | connectorauth connect acme --values -")
	assert.Contains(t, help, "connectorauth connect SERVICE | --again ACCOUNT [flags]")
}

// The help of list names every status that list can show.
func TestTheHelpOfListExplainsEveryStatus(t *testing.T) {
	help := newWorld(t).ok("", "list", "--help")
	for _, s := range []accounts.Status{accounts.StatusConnecting, accounts.StatusOK, accounts.StatusFailing, accounts.StatusReauthRequired, accounts.StatusDisconnected} {
		assert.Regexp(t, `(?m)^  `+string(s)+`  +\S`, help)
	}
}
