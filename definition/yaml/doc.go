// Package yaml reads definitions of services that are written in YAML: see package
// definition for the format.
//
//	d, err := yaml.Parse("acme.yaml", text, definition.Options{})
//	if err != nil {
//		return err // every mistake, with line and column of the YAML
//	}
//
// [Parse] and [Lint] read one file. A Folder, and Load of package definition, read files in both
// spellings with [ToJSON]:
//
//	options := definition.Options{Converters: map[string]definition.Converter{".yaml": yaml.ToJSON}}
//	set, err := definition.Load(os.DirFS("definitions"), options, "*.json", "*.yaml")
//
// # The same format
//
//	connectorauth: 1
//	name: acme
//	baseUrl: https://{subdomain}.acme.example.com/api
//	inputs:
//	  - name: subdomain
//	    format: label
//	methods:
//	  - name: key
//	    type: ApiKey
//	    inputs:
//	      - {name: apiKey, secret: true}
//	    key: '{apiKey}'
//	headers:
//	  Accept-Version: 2026-01-31
//
// A document is JSON in another spelling, and nothing more. What YAML has beyond JSON is
// refused, with line and column: anchors, aliases, tags, merge keys, directives, a second
// document, names that are no text, and texts in another encoding than UTF-8.
//
// # Scalars
//
// A scalar in quotes, or in a block after | or >, is text. A scalar without quotes is what
// JSON reads in the same letters: true, false, and numbers such as 200. A scalar without
// quotes that JSON does not read is text as written: yes, no, on, True, 2026-01-31, 1_000,
// 0o17, 012, 0x1F, 1.2.3 and .inf. So a member that wants text takes a date or a version
// such as 1.2.3 without quotes, and 3.10 in quotes only: without quotes, 3.10 is a number,
// and a mistake that [Parse] lists. A member that wants true or false does not take yes.
// Nothing, ~ and null are null, which no member takes.
//
// A template begins with a brace, as YAML's maps do, so a template stands in quotes if a
// brace is the first character.
//
// # Limits
//
// A document has at most 1 MiB, also as JSON. The characters U+0085, U+2028 and U+2029,
// which are line breaks for some readers of YAML, are written as escapes in double
// quotes.
package yaml
