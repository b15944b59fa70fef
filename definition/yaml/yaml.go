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
	return nil, placed(file, err, place)
}

// Lint lists what a definition in YAML may say, and should not, as definition.Lint does for
// JSON. The error is that of Parse.
func Lint(file string, document []byte, options definition.Options) ([]definition.Finding, error) {
	text, place, err := ToJSON(document)
	if err == nil {
		var found []definition.Finding
		if found, err = definition.Lint(file, text, options); err == nil {
			for i := range found {
				found[i].Line, found[i].Column = place(found[i].Line, found[i].Column)
			}
			return found, nil
		}
	}
	return nil, placed(file, err, place)
}

// placed returns err with the places of its mistakes in the YAML document. A nil place
// means that the mistakes are those of ToJSON.
func placed(file string, err error, place func(line, column int) (int, int)) error {
	var failed *definition.Error
	if !errors.As(err, &failed) {
		return err
	}
	for i := range failed.Findings {
		f := &failed.Findings[i]
		f.File = file
		if place != nil {
			f.Line, f.Column = place(f.Line, f.Column)
		}
	}
	return failed
}
