package definition

import _ "embed"

//go:generate go test -run TestSchemaIsUpToDate -update .

//go:embed schema.json
var schema string

// Schema returns the format as JSON Schema, draft 2020-12, in UTF-8: for editors, which
// complete and explain each member, and for other programs. Parse takes no document that
// the schema refuses. The schema does not see everything: hosts, names that are there
// twice and what the constructors of connectors refuse are for Parse alone.
func Schema() string { return schema }
