package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

func TestMistakesOfDocumentsHaveALineAndAColumn(t *testing.T) {
	const (
		isCyclr   = ":1:1: is a connector of Cyclr, and no definition: run connectorauth import"
		isOpenAPI = ":1:1: is an OpenAPI document, and no definition: run connectorauth import"
		isUTF16   = ":1:1: is UTF-16: save the file as UTF-8"
	)
	w := newWorld(t)
	for name, row := range map[string]struct {
		file, text     string
		check, import_ []string // what stands behind the name of the file
	}{
		"YAML with mistakes": {"a.yaml", "connectorauth: 1\nname: BAD\nbaseUrl: \"ftp://x\"\nmethods:\n  - {name: k, type: ApiKeys}\n",
			[]string{`:2:7: name: "BAD" is no name`, ":3:10: baseUrl: must begin with https://", `:5:21: methods[0].type: "ApiKeys" is none of`},
			[]string{`:2:7: name: "BAD" is no name`, ":3:10: baseUrl: must begin with https://", `:5:21: methods[0].type: "ApiKeys" is none of`}},
		"YAML with a mark": {"a.yml", "\ufeffconnectorauth: 1\nname: BAD\n", []string{`:2:7: name: "BAD"`}, []string{`:2:7: name: "BAD"`}},
		"YAML that is cut": {"a.yaml", "name: [\n b", []string{":3:1: is not YAML"}, []string{":3:1: is not YAML"}},
		"YAML in Latin-1":  {"a.yaml", "connectorauth: 1\nname: caf\xe9\n", []string{":2:10: is not UTF-8"}, []string{":2:10: is not UTF-8"}},
		"JSON with a mark": {"a.json", "\ufeff{\"connectorauth\": 1,\n \"name\": \"BAD\"}", []string{`:2:10: name: "BAD"`}, []string{`:2:10: name: "BAD"`}},
		"JSON that is cut": {"a.json", "{\"connectorauth\": 1,\n \"name\": ", []string{":2:10: "}, []string{":2:10: "}},
		"JSON in UTF-16":   {"a.json", "\xff\xfe{\x00}\x00", []string{isUTF16}, []string{isUTF16}},
		"YAML in UTF-16":   {"a.yaml", "\xfe\xff\x00a\x00:", []string{isUTF16}, []string{isUTF16}},
		"nothing":          {"a.json", "", []string{":1:1: "}, []string{":1:1: "}},
		"Cyclr, unknown type": {"a.json", "{\n \"Name\": \"Acme\", \"BaseUrl\": \"https://api.acme.example\",\n \"Authentication\": [\n  {\"AuthName\": \"Key\", \"AuthType\": \"ApiKeys\"}]\n}",
			[]string{isCyclr}, []string{`:4:3: Authentication[0]: is left out: the AuthType "ApiKeys" cannot be a definition`, ":1:1: the draft has mistakes; change the document: methods: is missing"}},
		"Cyclr, wrong member":  {"a.json", `{"Name": "Acme", "BaseUrl": 5}`, []string{isCyclr}, []string{":1:1: is no connector of Cyclr"}},
		"Cyclr, no URL":        {"a.json", `{"Name": "Acme", "AuthType": "Basic"}`, []string{isCyclr}, []string{":1:1: BaseUrl: is missing"}},
		"Cyclr that is cut":    {"a.json", "{\n\"Name\": \"Acme\",\n \"BaseUrl\": ,}", []string{":3:13: "}, []string{":3:13: "}},
		"Cyclr in YAML":        {"a.yaml", "Name: Acme\nAuthType: Basic\n", []string{isCyclr}, []string{":1:1: is a connector of Cyclr in YAML"}},
		"OpenAPI in YAML":      {"a.yaml", "openapi: \"3.0.3\"\ninfo: {title: X, version: \"1\"}\nservers:\n  - url: ftp://x\npaths: {}\n", []string{isOpenAPI}, []string{":4:10: servers[0].url: cannot be a base URL"}},
		"neither of all these": {"a.json", "{\n \"swagger_\": 1}", []string{":1:1: is no definition"}, []string{":1:1: is no definition"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := w.file(row.file, row.text)
			code, out, err := w.run("", "check", path)
			assert.Equal(t, exit.Findings, code, err)
			for _, place := range row.check {
				assert.Contains(t, out, path+place)
			}
			code, out, err = w.run("", "import", path)
			assert.Contains(t, []exit.Code{exit.Findings, exit.Usage}, code)
			assert.Empty(t, out)
			for _, place := range row.import_ {
				assert.Contains(t, err, path+place)
			}
			entries, readErr := os.ReadDir(filepath.Join(w.home, "definitions"))
			require.NoError(t, readErr)
			assert.Len(t, entries, 3, "a definition with mistakes was added")
		})
	}
}

func TestCheckGoesOnBehindAFileThatIsNoText(t *testing.T) {
	w := newWorld(t)
	code, out, _ := w.run("", "check", w.file("a.json", "\xff\xfe{\x00}\x00"), w.file("b.json", `{"connectorauth": 2}`))
	assert.Equal(t, exit.Findings, code)
	assert.Contains(t, out, "a.json:1:1: is UTF-16")
	assert.Contains(t, out, "b.json:1:19: ")
}

func TestAConnectorOfCyclrBecomesAService(t *testing.T) {
	w := newWorld(t)
	document := w.file("crm.json", `{"Name": "Acme CRM", "BaseUrl": "`+w.p.KeyHeaderURL+`", "Authentication": [{"AuthName": "Key", "AuthType": "ApiKey", "AuthScheme": "X-Api-Key"}]}`)
	assert.Contains(t, w.ok("", "import", document), "Run connectorauth connect acme-crm.")
	w.ok(values("apiKey", w.p.APIKey), "connect", "acme-crm", "--values", "-")
	assert.Contains(t, w.ok("", "call", "acme-crm", "GET", "/me"), w.p.Username)
}
