package cli

import (
	"context"
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
var needsOwner = []doctor.Cause{doctor.CauseRevoked, doctor.CauseReauthRequired, doctor.CauseNotConnected, doctor.CauseCredential}

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
		var file *os.File
		if bundle != "" { // before the examination, so that nothing is examined in vain
			if file, err = os.OpenFile(bundle, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
				return err
			}
		}
		report, err := app.examine(c.Context(), doctor.Config{Accounts: mine.Config(), ID: a.ID})
		if file != nil {
			err = errors.Join(err, finish(file, report, err == nil))
		}
		switch {
		case err != nil:
			return err
		case report.Outcome != doctor.Fault:
			return nil
		case slices.Contains(needsOwner, report.Cause):
			return exit.Silently(exit.Reauth)
		}
		return exit.Silently(exit.Failed)
	}
	return c
}

// examine runs the examination, and writes the report for a person or for a program. After an
// error, there is no report.
func (app *App) examine(ctx context.Context, config doctor.Config) (doctor.Report, error) {
	colour := show.Coloured(app.Out)
	tell := func(s doctor.Step) { doctor.FormatStep(app.Out, s, colour) }
	if app.JSON {
		tell = nil
	}
	report, err := doctor.Run(ctx, config, tell)
	if err != nil {
		return report, err
	}
	return report, app.Print(report, func(io.Writer) { doctor.FormatAdvice(app.Out, report, colour) })
}

// finish writes the bundle of a report and closes the file. Without a report, and after an
// error, the file goes.
func finish(file *os.File, r doctor.Report, written bool) (err error) {
	if written {
		err = doctor.Bundle(file, r)
	}
	if err = errors.Join(err, file.Close()); err != nil || !written {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}
