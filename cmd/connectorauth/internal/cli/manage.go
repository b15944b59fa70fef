package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/choose"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// namesOf says how an account is named.
const namesOf = "SERVICE is the name or the label of an account, or the name of the service if there is one account of the service."

// test returns the command test.
func (app *App) test() *cobra.Command {
	return &cobra.Command{
		Use: "test SERVICE", Short: "Ask the service whether an account works", Args: cobra.ExactArgs(1),
		Long: "Test asks the service whether an account works. The exit code is 7 if the account must be connected again.\n" + namesOf,
		RunE: func(c *cobra.Command, args []string) error {
			mine, a, err := app.opened(c, args[0])
			if err != nil {
				return err
			}
			done := app.Progress("Asking %s whether %s works", a.Definition, a.ID)
			tested, err := mine.Test(c.Context(), a.ID)
			done()
			meanwhile := errors.Is(err, accounts.ErrNotFound) || errors.Is(err, accounts.ErrSuperseded) // what is known is of an account before
			if tested.ID == "" || c.Context().Err() != nil || meanwhile {
				return err
			}
			failed := app.Print(viewed(tested), func(w io.Writer) {
				fmt.Fprintf(w, "%s: %s\n", show.Line(choose.Named(tested)), status(w, tested.Status))
				if err != nil {
					fmt.Fprintln(w, show.Lines(app.errorText(err)))
				}
				if tested.Status == accounts.StatusReauthRequired {
					fmt.Fprintln(w, "Run", app.again())
				}
			})
			if tested.Status == accounts.StatusReauthRequired {
				return exit.Silently(exit.Reauth)
			}
			if err != nil {
				return exit.Silently(exit.Of(err))
			}
			return failed
		},
	}
}

// disconnect returns the command disconnect.
func (app *App) disconnect() *cobra.Command {
	return &cobra.Command{
		Use: "disconnect SERVICE", Short: "Tell the service that the account is over, and forget the account", Args: cobra.ExactArgs(1),
		Long: "Disconnect tells the service that the account is over, and forgets the account: nobody is asked, and nothing brings the\n" +
			"account back. Where the service takes no such request, the output says so. " + namesOf,
		RunE: func(c *cobra.Command, args []string) error {
			mine, a, err := app.opened(c, args[0])
			var gone *local.UnknownError
			if err != nil && !errors.As(err, &gone) {
				return err
			}
			revoked, err := app.end(c.Context(), mine, a)
			if err != nil {
				return err
			}
			return app.Print(map[string]any{"id": a.ID, "revoked": revoked}, func(w io.Writer) {
				text := "The service was told."
				if !revoked {
					text = "The service was not told: remove the key or the access there, if need be."
				}
				fmt.Fprintf(w, "Disconnected %s. %s\n", show.Line(choose.Named(a)), text)
			})
		},
	}
}

// end disconnects an account, and forgets the Program. No other process connects or disconnects the
// account meanwhile.
func (app *App) end(ctx context.Context, mine *local.Accounts, a accounts.Account) (revoked bool, err error) {
	over, err := mine.Change(ctx, a.ID)
	if err != nil {
		return false, err
	}
	defer over()
	done := app.Progress("Telling %s", a.Definition)
	revoked, err = mine.Disconnect(ctx, a.ID)
	done()
	if err != nil {
		return false, fmt.Errorf("%w; run the command again", err)
	}
	return revoked, mine.SetProgram(ctx, a.ID, local.Program{})
}

// token is a token in JSON.
type token struct {
	Token  string    `json:"token"`
	Type   string    `json:"type"`
	Expiry time.Time `json:"expiry,omitzero"`
}

// token returns the command token.
func (app *App) token() *cobra.Command {
	return &cobra.Command{
		Use: "token SERVICE", Short: "Write the access token of an account to a pipe or a file", Args: cobra.ExactArgs(1),
		Long:    "Token writes the access token of an account, renewed if need be. A terminal gets no token, because terminals keep what they show.\n" + namesOf,
		Example: "  connectorauth token github | other-program --token-stdin",
		RunE: func(c *cobra.Command, args []string) error {
			if show.Terminal(app.Out) {
				return exit.With(exit.Refused, errors.New("a token is not shown on a terminal: write it to a pipe or a file, or use connectorauth call"))
			}
			mine, a, err := app.opened(c, args[0])
			if err != nil {
				return err
			}
			connected, err := mine.Connected(c.Context(), a.ID)
			if err != nil {
				return err
			}
			t, err := tokenOf(c.Context(), connected.Credential(), a.Definition)
			if err != nil {
				return err
			}
			if s, ok := connected.Credential().(interface {
				Status(context.Context) (connectorauth.Status, error)
			}); ok {
				if now, err := s.Status(c.Context()); err == nil && now.State == connectorauth.StateReauthRequired {
					app.Note("The token may be refused, because the account must be connected again; run %s", app.again())
				}
			}
			return app.Print(t, func(w io.Writer) { fmt.Fprintln(w, t.Token) })
		},
	}
}

// tokenOf returns the token of a connector that has tokens.
func tokenOf(ctx context.Context, c connectorauth.Connector, service string) (token, error) {
	switch c := c.(type) {
	case *connectorauth.OAuth2:
		t, err := c.Token(ctx)
		if err != nil {
			return token{}, err
		}
		return token{t.AccessToken, t.Type(), t.Expiry}, nil
	case *connectorauth.Custom:
		t, err := c.Credential(ctx)
		return token{string(t.Value), "", t.Expiry}, err
	}
	return token{}, exit.With(exit.Usage, fmt.Errorf("accounts of %s have no access token: requests carry something else; use connectorauth call", service))
}
