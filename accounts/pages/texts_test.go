package pages

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/look"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Both languages have every text, no text is the other language's, and each can be filled
// with and without the name of the program.
func TestBuiltInLanguagesAreComplete(t *testing.T) {
	english, german := builtin()["en"], builtin()["de"]
	assert.Equal(t, keys(english), keys(german))
	require.NoError(t, english.check())
	require.NoError(t, german.check())
	for word, text := range german {
		assert.NotEmpty(t, text, word)
		if !strings.HasPrefix(text, "{") {
			assert.NotEqual(t, english[word], text, word)
		}
		for _, text := range []string{text, english[word]} {
			full := placeholders(english[word])
			for name := range full {
				full[name] = "x"
			}
			nameless := maps.Clone(full)
			if _, known := full["name"]; known { // of the program, the only one that may always be empty
				nameless["name"] = ""
			}
			for _, names := range []map[string]string{full, nameless} {
				filled, err := look.Fill(text, names)
				require.NoError(t, err, word)
				assert.NotRegexp(t, `^\s|\s$|[\[\]{}|]`, filled, word)
			}
		}
	}
	assert.Equal(t, english, English())
}

// Each text is used, and each word that is used has a text.
func TestEachTextIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, name := range []string{"page.html", "page.go", "html.go", "account.go", "failure.go", "routes.go"} {
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`(?:T|text|has|failure)\(? ?"([a-z_.]+)"`).FindAllStringSubmatch(string(source), -1) {
			used[match[1]], used["failed."+match[1]] = true, true
		}
	}
	for _, status := range []accounts.Status{accounts.StatusConnecting, accounts.StatusOK, accounts.StatusFailing, accounts.StatusReauthRequired, accounts.StatusDisconnected} {
		assert.Contains(t, builtin()["en"], "status."+string(status))
		assert.Contains(t, builtin()["en"], "status."+string(status)+".text")
	}
	for _, reason := range []definition.CheckReason{definition.ReasonRefused, definition.ReasonForbidden, definition.ReasonMoved, definition.ReasonUnavailable,
		definition.ReasonStatus, definition.ReasonNotJSON, definition.ReasonNoMember} {
		assert.Contains(t, builtin()["en"], "failed."+string(reason))
		used["failed."+string(reason)] = true
	}
	for _, format := range []definition.Format{definition.FormatText, definition.FormatLabel, definition.FormatHost, definition.FormatOrigin, definition.FormatURL, definition.FormatUUID,
		definition.FormatEmail, definition.FormatInteger, definition.FormatKey} {
		assert.Contains(t, builtin()["en"], "field.format."+string(format))
	}
	computed := []string{"status.", "field.format.", "did.", "failed.no_address", "field.missing", "field.no_choice", "field.space"}
	for word := range builtin()["en"] {
		assert.True(t, used[word] || slices.ContainsFunc(computed, func(c string) bool { return strings.HasPrefix(word, c) }), "nothing says %q", word)
	}
}
