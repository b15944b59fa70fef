package accounts

import (
	"fmt"
	"slices"

	"github.com/connectorauth/connectorauth/definition"
)

// moreScopes returns the scopes that a asks for, together with more. Nil means the default
// choice of a definition that asks for all its scopes.
func (r *Registry) moreScopes(a definition.Account, more []string) ([]string, error) {
	d, err := r.config.Definitions().Find(a)
	if err != nil {
		return nil, err
	}
	m, err := d.Method(a.Method)
	if err != nil {
		return nil, err
	}
	var all, chosen []string
	for _, s := range m.Scopes() {
		if all = append(all, s.Name); s.Default {
			chosen = append(chosen, s.Name)
		}
	}
	if a.Scopes != nil {
		chosen = slices.Clone(a.Scopes)
	}
	for _, scope := range more {
		if !slices.Contains(all, scope) {
			return nil, fmt.Errorf("accounts: Reconnect: MoreScopes: %q is no scope of method %s of %s", scope, a.Method, d.Name)
		}
		if chosen != nil && !slices.Contains(chosen, scope) {
			chosen = append(chosen, scope)
		}
	}
	return chosen, nil
}
