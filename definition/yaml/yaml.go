package yaml

import (
	"errors"

	"github.com/connectorauth/connectorauth/definition"
)

// Parse reads a definition in YAML, as definition.Parse reads JSON. The name of the file
// is for the error, which is a *definition.Error and lists all mistakes with lines and
// columns of the YAML document. Mistakes of the YAML itself come first: then the error
// lists no others.
func Parse(file string, document []byte, options definition.Options) (*definition.Definition, error) {
	text, place, err := ToJSON(document)
	if err == nil {
		var d *definition.Definition
		if d, err = definition.Parse(file, text, options); err == nil {
			return d, nil
		}
	}
	var failed *definition.Error
	if !errors.As(err, &failed) {
		return nil, err
	}
	for i := range failed.Findings {
		f := &failed.Findings[i]
		f.File = file
		if place != nil {
			f.Line, f.Column = place(f.Line, f.Column)
		}
	}
	return nil, failed
}
