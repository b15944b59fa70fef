package cli

import (
	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/choose"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/definition"
)

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
	options, err := parsing()
	if err != nil {
		return nil, accounts.Account{}, err
	}
	a, err := choose.Account(all, name, func(name string) *definition.Definition { return local.Named(h.Definitions(), name, options) })
	if err != nil {
		return nil, accounts.Account{}, exit.With(exit.Usage, err)
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
	return mine, a, mine.Ready(a)
}
