package openapi

import (
	"slices"

	"github.com/connectorauth/connectorauth/internal/importer"
)

// An operation is a request that the API takes.
type operation struct{ at, path importer.Value }

// verbs are the members of a path that are operations.
var verbs = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

// operations returns all operations of the document.
func (i *imported) operations() []operation {
	if i.known != nil {
		return i.known
	}
	i.known = []operation{}
	for _, item := range i.root.Get("paths").Members() {
		path, ok := i.resolve(item)
		if !ok {
			continue
		}
		for name, at := range path.Members() {
			if slices.Contains(verbs, name) && at.IsObject() {
				i.known = append(i.known, operation{at, path})
			}
		}
		for _, at := range path.Get("additionalOperations").Members() {
			i.known = append(i.known, operation{at, path})
		}
	}
	return i.known
}
