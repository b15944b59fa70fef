package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/choose"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
)

// serveCommand returns the command serve.
func (app *App) serveCommand() *cobra.Command {
	var port int
	var six, run bool
	var envFile string
	c := &cobra.Command{
		Use:   "serve [--run -- PROGRAM ARG...]",
		Short: "Serve your accounts to programs of this machine, and the pages to connect accounts",
		Args: func(_ *cobra.Command, args []string) error {
			if run != (len(args) > 0) {
				return errors.New("--run and a program after -- belong together")
			}
			return nil
		},
	}
	c.Flags().IntVar(&port, "port", 0, "port to listen on (default a free one)")
	c.Flags().BoolVar(&six, "ipv6", false, "listen on [::1], too")
	c.Flags().StringVar(&envFile, "env-file", "", "write the variables to a file of mode 0600 until the end, and not to standard output")
	c.Flags().BoolVar(&run, "run", false, "run a program with the variables, and end with its exit code")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		h, err := app.home()
		if err != nil {
			return err
		}
		mine, err := app.open(c)
		if err != nil {
			return err
		}
		all, err := local.List(c.Context(), h, program())
		if err != nil {
			return err
		}
		for _, a := range all { // or the account has no client
			if err := mine.Ready(a); err != nil {
				fmt.Fprintln(app.Err, errorText(err))
			}
		}
		listeners, err := serve.Listen(c.Context(), port, six)
		if err != nil {
			return err
		}
		server, err := serve.New(serve.Config{
			Listeners: listeners, Registry: mine.Registry, Owner: local.Owner,
			Logger: slog.New(slog.NewTextHandler(app.Err, &slog.HandlerOptions{Level: slog.LevelWarn})),
			Resolve: func(ctx context.Context, name string) (accounts.Account, error) {
				all, err := local.List(ctx, h, program())
				if err != nil {
					return accounts.Account{}, err
				}
				a, err := choose.Account(all, name, mine.Named)
				if err != nil {
					return a, err
				}
				return a, mine.Ready(a)
			},
		})
		if err != nil {
			return err
		}
		defer func() { // renewals under way are saved
			end, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), 40*time.Second)
			defer cancel()
			err = errors.Join(err, mine.Shutdown(end))
		}()
		if run {
			code, err := server.Run(context.WithoutCancel(c.Context()), serve.Program{Args: args, Stdin: app.In, Stdout: app.Out, Stderr: app.Err})
			if err == nil && code != 0 {
				err = exit.Silently(exit.Code(code))
			}
			return err
		}
		if envFile != "" {
			if err := server.WriteEnv(envFile); err != nil {
				return err
			}
			defer os.Remove(envFile)
		} else {
			for _, line := range server.Env() {
				fmt.Fprintln(app.Out, "export "+line)
			}
		}
		fmt.Fprintln(app.Err, "Accounts: open", server.Link())
		return server.Serve(c.Context())
	}
	return c
}
