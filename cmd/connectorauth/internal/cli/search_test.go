package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What connect and catalog show know, catalog search finds: imported definitions too, in place of
// those of the catalogue.
func TestSearchFindsImportedServices(t *testing.T) {
	w := newWorld(t)
	w.ok(`{"connectorauth": 1, "name": "hooli-crm", "title": "Hooli Customers", "baseUrl": "https://api.hooli.example/v1",
		"methods": [{"name": "k", "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}"}]}`, "import", "-")
	for _, text := range []string{"hooli", "HOOLI-CRM", "customers", "api.hooli.example", ""} {
		assert.Regexp(t, `(?m)^hooli-crm +Hooli Customers +ApiKey +imported$`, w.ok("", "catalog", "search", text), text)
	}
	assert.NotContains(t, w.ok("", "catalog", "search", "github"), "hooli-crm")

	w.ok(`{"connectorauth": 1, "name": "github", "title": "Mine", "baseUrl": "https://git.example", "methods": [{"name": "n", "type": "None"}]}`, "import", "-", "--force")
	var found []map[string]any
	w.read(&found, "catalog", "search", "github")
	require.NotEmpty(t, found)
	assert.Equal(t, map[string]any{"name": "github", "title": "Mine", "types": []any{"None"}, "imported": true}, found[0])
	for _, e := range found[1:] {
		assert.NotEqual(t, "github", e["name"])
	}
}
