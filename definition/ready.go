package definition

import (
	"fmt"
	"slices"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A NotReadyError says what a program lacks to connect accounts by a method. The text is for
// developers: no account owner can help.
type NotReadyError struct {
	Definition, Method string // names
	// Err lists the mistakes, each with the field of Connection.
	Err error
}

func (e *NotReadyError) Error() string {
	return fmt.Sprintf("definition: %s: method %s: %v", e.Definition, e.Method, e.Err)
}

// Unwrap returns Err.
func (e *NotReadyError) Unwrap() error { return e.Err }

// Ready reports whether a program has what connection.Method needs, before any account owner
// has given a value: a Client, an HTTPClient with a certificate, the values of hidden inputs,
// and a finder for an Issuer. What is missing or does not fit is a *NotReadyError, and so is a
// negative RenewBefore, or an HTTPClient that package egress does not guard, where an input may
// lead to any host: see Connection. Ready makes no request, and looks at Method, Client,
// HTTPClient, RenewBefore and Values alone, and at no value of an input that is not hidden.
//
// A program that asks account owners for a method asks Ready first. Package accounts does so.
func (d *Definition) Ready(finder *discovery.Finder, connection Connection) error {
	m, err := d.Method(connection.Method)
	if err != nil {
		return err
	}
	err = m.checkFinder(d, finder)
	if err == nil {
		err = d.tryProgram(m, connection)
	}
	if err != nil {
		return &NotReadyError{d.Name, m.Name, err}
	}
	return nil
}

// Ready is Definition.Ready for a stored account: see Set.Connect. A hidden input may have the
// value of the account.
func (s *Set) Ready(finder *discovery.Finder, a Account, connection Connection) error {
	d, err := s.stored(a, &connection)
	if err != nil {
		return err
	}
	return d.Ready(finder, connection)
}

// tryProgram connects a sample account with what the program gives. Parse has done so with
// samples alone, so each mistake is one of the program.
func (d *Definition) tryProgram(m *Method, of Connection) error {
	c := &Connection{
		Client: of.Client, Values: of.Values, HTTPClient: of.HTTPClient, RenewBefore: of.RenewBefore, stored: of.stored, trial: true,
		Store: new(tokenstore.Memory), Account: "sample", Shared: new(connectorauth.Shared), // which a Kind may require
	}
	b := &builder{d: d, c: c, program: true, inputs: d.inputs(m), filler: template.Filler{Values: map[string]string{}}}
	b.values(m.Name)
	if err := b.mistakes.Joined(); err != nil { // of hidden inputs
		return err
	}
	b.problems.Problems = nil // of the account owner, who has given nothing yet
	for _, i := range b.inputs {
		if !i.Hidden {
			b.filler.Values[i.Name] = i.sample()
		}
	}
	_, err := b.connect(m)
	if mistakes := b.mistakes.Joined(); mistakes != nil {
		return mistakes
	}
	return err
}

// sampled reports whether samples stand in a template, or nothing, in place of values.
func (b *builder) sampled(s string) bool {
	names := b.d.texts[s].Names()
	isSample := func(i *Input) bool { return slices.Contains(names, i.Name) && !(i.Hidden && b.program) }
	return b.c.trial && (len(names) == 0 || slices.ContainsFunc(b.inputs, isSample))
}
