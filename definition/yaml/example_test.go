package yaml_test

import (
	"fmt"
	"testing/fstest"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/yaml"
)

func ExampleParse() {
	d, err := yaml.Parse("acme.yaml", []byte(`
connectorauth: 1
name: acme
baseUrl: https://api.acme.example.com
methods:
  - name: key
    type: ApiKey
    inputs:
      - {name: apiKey, secret: true}
    key: '{apiKey}'
headers:
  Accept-Version: 2026-01-31 # text, as in JSON
`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Name, d.Methods[0].Name, d.Headers)
	// Output: acme key map[Accept-Version:2026-01-31]
}

// A mistake has the line and the column of the YAML document.
func ExampleParse_mistakes() {
	_, err := yaml.Parse("acme.yaml", []byte(`
connectorauth: 1
name: &name acme
`), definition.Options{})
	fmt.Println(err)
	// Output: acme.yaml:3:7: an anchor is not allowed; remove the anchor
}

// ToJSON is a definition.Converter: Load and Folder then read files in both spellings.
func ExampleToJSON() {
	set, err := definition.Load(fstest.MapFS{ // or an embed.FS, or os.DirFS
		"acme.yaml": {Data: []byte("connectorauth: 1\nname: acme\nbaseUrl: https://api.acme.example\nmethods: [{name: open, type: None}]\n")},
		"beta.json": {Data: []byte(`{"connectorauth": 1, "name": "beta", "baseUrl": "https://api.beta.example", "methods": [{"name": "open", "type": "None"}]}`)},
	}, definition.Options{Converters: map[string]definition.Converter{".yaml": yaml.ToJSON}}, "*.yaml", "*.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range set.Definitions() {
		fmt.Println(d.Name, d.BaseURL)
	}
	// Output:
	// acme https://api.acme.example
	// beta https://api.beta.example
}
