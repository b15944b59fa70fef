package cli

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// needsOwner are the causes that end when the account is connected again.
var needsOwner = []doctor.Cause{doctor.CauseRevoked, doctor.CauseReauth, doctor.CauseNotConnected, doctor.CauseCredential}

// doctor returns the command doctor.
func (app *App) doctor() *cobra.Command {
	var bundle string
	c := &cobra.Command{
		Use:   "doctor SERVICE",
		Short: "Say why an account does not work, and what to do",
		Long: "Doctor goes through name resolution, TLS, the clock, the token endpoint, the record of the account, the scopes and\n" +
			"the response of the API, and ends with one sentence that says what to do. Secrets are masked. The exit code is 0\n" +
			"if the account works.",
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&bundle, "bundle", "", "write a new file for a bug report, without secrets")
	c.RunE = func(c *cobra.Command, args []string) error {
		mine, a, err := app.opened(c, args[0])
		if err != nil {
			return err
		}
		colour := show.Coloured(app.Out)
		tell := func(s doctor.Step) { doctor.FormatStep(app.Out, s, colour) }
		if app.JSON {
			tell = nil
		}
		report, err := doctor.Run(c.Context(), doctor.Config{Accounts: mine.Config(), ID: a.ID}, tell)
		if err != nil {
			return err
		}
		if bundle != "" {
			if err := write(bundle, report); err != nil {
				return err
			}
		}
		if err := app.Print(report, func(io.Writer) { doctor.FormatAdvice(app.Out, report, colour) }); err != nil {
			return err
		}
		switch {
		case report.Outcome != doctor.Fault:
			return nil
		case slices.Contains(needsOwner, report.Cause):
			return exit.Silently(exit.Reauth)
		}
		return exit.Silently(exit.Failed)
	}
	return c
}

// write writes the bundle of a report to a new file, which its owner alone can read.
func write(name string, r doctor.Report) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(doctor.Bundle(f, r), f.Close())
}
