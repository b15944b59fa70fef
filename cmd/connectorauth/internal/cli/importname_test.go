package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// What import advises must work: --name names what has no name of its own.
func TestImportAdvisesANameWhereANameIsTaken(t *testing.T) {
	w := newWorld(t)
	definition := w.file("acme.json", `{"connectorauth": 1, "name": "acme", "baseUrl": "https://acme.example", "methods": [{"name": "none", "type": "None"}]}`)
	code, _, err := w.run("", "import", definition)
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `say --force to replace the service, or change the member "name" of the definition`)
	assert.NotContains(t, err, "--name")
	code, _, err = w.run("", "import", definition, "--name", "other")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `--name is for OpenAPI and Cyclr: change the member "name" of the definition`)

	api := w.file("api.json", `{"openapi": "3.0.3", "info": {"title": "Acme", "version": "1"}, "servers": [{"url": "https://api.acme.example"}],
		"paths": {}, "security": [{"k": []}], "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "X-Key"}}}}`)
	code, _, err = w.run("", "import", api)
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, "say --force to replace the service, or give another name by --name")
	w.ok("", "import", api, "--name", "other")
}
