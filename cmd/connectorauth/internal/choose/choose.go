// Package choose finds the account of a name, for people and for programs.
package choose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/definition"
)

// An UnknownError is the error for a name without an account. An UnknownError matches
// accounts.ErrNotFound.
type UnknownError struct {
	Name string
	Near []string // names of accounts like Name, at most three; empty means none
}

// Error suggests names.
func (e *UnknownError) Error() string {
	if e.Name == "" {
		return "the name of the account is empty; run connectorauth list"
	}
	name := shortened(e.Name)
	if len(e.Near) > 0 {
		return fmt.Sprintf("there is no account %q%s", name, local.Meant(e.Near))
	}
	return fmt.Sprintf("there is no account %q; run connectorauth list, or connectorauth connect %[1]s", name)
}

// Is reports whether target is accounts.ErrNotFound.
func (e *UnknownError) Is(target error) bool { return target == accounts.ErrNotFound }

// An AmbiguousError is the error for a name of several accounts.
type AmbiguousError struct {
	Name     string
	Accounts []accounts.Account // at least two
}

// Error lists the accounts.
func (e *AmbiguousError) Error() string {
	var names []string
	for _, a := range e.Accounts {
		names = append(names, Named(a))
	}
	return fmt.Sprintf("%q is %d accounts: say %s", shortened(e.Name), len(names), strings.Join(names, " or "))
}

// Named returns the ID and the label of an account, for people.
func Named(a accounts.Account) string {
	if a.Label == "" {
		return a.ID
	}
	return a.ID + " (" + a.Label + ")"
}

// Account returns the account of a name: the account with the ID, or else the only account with
// the label, or with the present or former name of a service. An account on its way out counts
// if no other account has the name, and so does an account whose consent did not end, such as
// of a program that was killed. find returns the
// definition with a present or former name, or nil. The error is an *UnknownError or an
// *AmbiguousError.
//
// A label comes from a service, and could be the name of another service: what a person means for
// the other service would go there, a key for connect --again included. So no label counts that is
// the name of a service, whether or not there is an account of the service.
func Account(all []accounts.Account, name string, find func(name string) *definition.Definition) (accounts.Account, error) {
	if i := slices.IndexFunc(all, func(a accounts.Account) bool { return a.ID == name }); i >= 0 {
		return all[i], nil
	}
	if name == "" { // as the label of many accounts is, and an empty variable of a script
		return accounts.Account{}, &UnknownError{}
	}
	services := []string{name}
	d := find(name)
	if d != nil {
		services = append(append(services, d.Name), d.Was...)
	}
	isService := d != nil || slices.ContainsFunc(all, func(a accounts.Account) bool { return a.Definition == name })
	var found, behind []accounts.Account
	for _, a := range all {
		switch {
		case (isService || a.Label != name) && !slices.Contains(services, a.Definition):
		case a.Status == accounts.StatusDisconnected, a.Status == accounts.StatusConnecting:
			behind = append(behind, a)
		default:
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		found = behind
	}
	switch len(found) {
	case 0:
		return accounts.Account{}, &UnknownError{name, near(all, name)}
	case 1:
		return found[0], nil
	}
	return accounts.Account{}, &AmbiguousError{name, found}
}

// longest is the length in bytes of the longest name that is compared and quoted. IDs and names
// of services are shorter.
const longest = 200

// near returns the names of accounts that are like a name.
func near(all []accounts.Account, name string) []string {
	if len(name) > longest {
		return nil
	}
	var names []string
	for _, a := range all {
		for _, n := range []string{a.ID, a.Label, a.Definition} {
			if n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return local.Near(name, names)
}

// shortened returns a name for a text.
func shortened(name string) string {
	if len(name) > longest {
		return strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return name
}
