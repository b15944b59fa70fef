package local

import (
	"errors"
	"fmt"
	"slices"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/mcp"
)

// Named returns the definition with a present or former name, or nil. dir is the folder of
// imported definitions.
func Named(dir, name string, options definition.Options) *definition.Definition {
	d, _, err := Lookup(dir, name, options, mcp.KindConfig{})
	if err != nil {
		return nil
	}
	return d
}

// Named is Named for accounts that are open.
func (a *Accounts) Named(name string) *definition.Definition {
	if d, err := a.definitions().Lookup(name); err == nil {
		return d
	}
	return Named(a.home.Definitions(), name, a.options)
}

// Ready finds the definition of an account, if the Registry does not have the definition yet: see
// Need. A definition that has changed is found anew where the account is of the changed one.
func (a *Accounts) Ready(account accounts.Account) error {
	if d, err := a.definitions().Lookup(account.Definition); err == nil && d.Revision >= account.Revision && has(d, account.Method) {
		return nil
	}
	_, _, err := a.Need(account.Definition)
	var gone *UnknownError
	if errors.As(err, &gone) {
		err = fmt.Errorf("the definition %q of the account is gone: import the definition again (%w)", account.Definition, err)
	}
	return err
}

// has reports whether a definition has a method with a present or former name.
func has(d *definition.Definition, method string) bool {
	return slices.ContainsFunc(d.Methods, func(m definition.Method) bool { return m.Name == method || slices.Contains(m.Was, method) })
}
