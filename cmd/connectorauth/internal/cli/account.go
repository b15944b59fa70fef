package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
)

// choose returns the account that a person means: the account with the ID, or the only account
// that has the name as its label or its service. A label comes from a service, which could name
// an account like another service, so a label does not come before a service. An account whose
// consent did not end, such as of a program that was killed, stands back behind the other accounts of its service.
//
// An empty name, such as that of an empty variable of a script, is no account: the label of an account may be empty.
func choose(all []accounts.Account, name string) (accounts.Account, error) {
	if name == "" {
		return accounts.Account{}, exit.With(exit.Usage, errors.New("the name of the account is empty; run connectorauth list"))
	}
	connected := slices.ContainsFunc(all, func(a accounts.Account) bool {
		return a.Definition == name && a.Status != accounts.StatusConnecting
	})
	for _, same := range []func(accounts.Account) bool{
		func(a accounts.Account) bool { return a.ID == name },
		func(a accounts.Account) bool {
			return a.Label == name || a.Definition == name && !(connected && a.Status == accounts.StatusConnecting)
		},
	} {
		var found []string
		var chosen accounts.Account
		for _, a := range all {
			if same(a) {
				found, chosen = append(found, named(a)), a
			}
		}
		if len(found) == 1 {
			return chosen, nil
		}
		if len(found) > 1 {
			return accounts.Account{}, exit.With(exit.Usage, fmt.Errorf("%q is %d accounts: say %s", name, len(found), strings.Join(found, " or ")))
		}
	}
	return accounts.Account{}, exit.With(exit.Usage, unknown(all, name))
}

// named returns the ID and the label of an account.
func named(a accounts.Account) string {
	if a.Label == "" {
		return a.ID
	}
	return a.ID + " (" + a.Label + ")"
}

// unknown says that there is no account with a name, and which name was probably meant.
func unknown(all []accounts.Account, name string) error {
	var names []string
	for _, a := range all {
		for _, n := range []string{a.ID, a.Label, a.Definition} {
			if n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	near := local.Near(name, names)
	if len(near) == 0 {
		return fmt.Errorf("there is no account %q; run connectorauth list, or connectorauth connect %[1]s", name)
	}
	return fmt.Errorf("there is no account %q%s", name, local.Meant(near))
}

// opened returns the accounts, ready for the account that a person means. Requests for metadata
// may reach what allow says; empty means what the account may reach.
func (app *App) opened(c *cobra.Command, name string, allow ...string) (*local.Accounts, accounts.Account, error) {
	h, err := app.home()
	if err != nil {
		return nil, accounts.Account{}, err
	}
	all, err := local.List(c.Context(), h, program())
	if err != nil {
		return nil, accounts.Account{}, err
	}
	a, err := choose(all, name)
	if err != nil {
		return nil, accounts.Account{}, err
	}
	app.account = a.ID
	mine, err := app.open(c, allow...)
	if err != nil {
		return nil, accounts.Account{}, err
	}
	p, err := mine.Program(c.Context(), a.ID)
	if err == nil && len(allow) == 0 && len(p.Allow) > 0 {
		mine, err = app.open(c, p.Allow...)
	}
	if err != nil {
		return nil, accounts.Account{}, err
	}
	_, _, err = mine.Need(a.Definition)
	var gone *local.UnknownError
	if errors.As(err, &gone) {
		err = fmt.Errorf("the definition %q of the account is gone: import the definition again (%w)", a.Definition, err)
	}
	return mine, a, err
}
