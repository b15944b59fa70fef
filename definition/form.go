package definition

import (
	"fmt"

	"github.com/connectorauth/connectorauth"
)

// A Field is a question of a form.
type Field struct {
	// Input is what the definition says, with its Title filled in. Its lists must not be
	// modified.
	Input
	// Value is what the field shows at first: what is stored, or else Default. The Value of
	// a secret is always empty.
	Value string
	// Stored: a value is stored. A secret that is stored may be left empty: see
	// Account.Edited.
	Stored bool
}

// Required reports whether the person must fill in the field.
func (f *Field) Required() bool { return !f.optional() && !(f.Secret && f.Stored) }

// Form returns what to ask of the account owner for a method, in the order of the
// definition: first the inputs of the definition, then those of the method. Hidden inputs
// are left out. The name of the method may be a former name; empty means the default
// method, or the only one. stored are the values of an account that is edited; nil means
// a new account.
func (d *Definition) Form(method string, stored map[string]connectorauth.Secret) ([]Field, error) {
	m, err := d.Method(method)
	if err != nil {
		return nil, err
	}
	var fields []Field
	for _, i := range d.inputs(m) {
		if i.Hidden {
			continue
		}
		value := i.of(stored)
		f := Field{Input: *i, Value: i.Default, Stored: value != ""}
		f.Title = i.title()
		if f.Stored && !i.Secret {
			f.Value = value
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// Validate returns the mistakes of values as Connect does, mostly as an *InputError, and
// needs neither a client nor a store: for a form that shows mistakes early. The values of
// hidden inputs count too.
func (d *Definition) Validate(method string, values map[string]connectorauth.Secret) error {
	m, err := d.Method(method)
	if err != nil {
		return err
	}
	sample := m.sampleConnection(d)
	sample.Method, sample.Values = m.Name, values
	_, err = d.Connect(*sample)
	return err
}

// Method returns the method with a name or former name. Empty means the default method, or the
// only one. The Method must not be modified.
func (d *Definition) Method(name string) (*Method, error) {
	if m := d.find(name); m != nil {
		return m, nil
	}
	if name == "" {
		return nil, fmt.Errorf("definition: %s has several methods and no default; choose one of them", d.Name)
	}
	return nil, fmt.Errorf("definition: %s has no method %s%s", d.Name, shown(name), hint(name, d.methods()))
}
