package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/choose"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
)

// serving is one run of the command serve.
type serving struct {
	app      *App
	port     int
	six, run bool
	envFile  string

	home *home.Home
	mine *local.Accounts
}

// serveCommand returns the command serve.
func (app *App) serveCommand() *cobra.Command {
	w := &serving{app: app}
	c := &cobra.Command{
		Use:   "serve [--run -- PROGRAM ARG...]",
		Short: "Serve your accounts to programs of this machine, and the pages to connect accounts",
		Long: "Serve lets programs in any language call the services of your accounts at http://127.0.0.1:PORT/SERVICE/path, and has\n" +
			"pages to connect accounts. The first Ctrl+C lets requests under way end.\n\n" +
			"With --run, serve ends with the program and with its exit code. Ctrl+C is then for the program, and the third kills\n" +
			"the program. With --json, each thing that serve has to say is one line on standard output, a JSON object.",
		Args: func(_ *cobra.Command, args []string) error {
			if w.run != (len(args) > 0) {
				return errors.New("--run and a program after -- belong together")
			}
			if w.run && w.envFile != "" {
				return errors.New("--env-file is without --run, whose program has the variables in its environment")
			}
			if w.port < 0 || w.port > 65535 {
				return errors.New("--port: want a number from 1 to 65535, or 0 for a free port")
			}
			return nil
		},
		RunE: w.serve,
	}
	c.Flags().IntVar(&w.port, "port", 0, "port to listen on (default a free one)")
	c.Flags().BoolVar(&w.six, "ipv6", false, "listen on [::1], too")
	c.Flags().StringVar(&w.envFile, "env-file", "", "write the variables to a file of mode 0600 until the end, and not to standard output")
	c.Flags().BoolVar(&w.run, "run", false, "run a program with the variables, and end with its exit code")
	return c
}

// serve serves until the context ends, or the program.
func (w *serving) serve(c *cobra.Command, args []string) (err error) {
	ctx := c.Context()
	if w.home, err = w.app.home(); err != nil {
		return err
	}
	if w.mine, err = w.app.open(c); err != nil {
		return err
	}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	listeners, err := serve.Listen(ctx, w.port, w.six)
	if err != nil {
		return err
	}
	server, err := serve.New(serve.Config{Listeners: listeners, Registry: w.mine.Registry, Owner: local.Owner, Logger: w.logger(), Resolve: w.resolve})
	if err != nil {
		return err
	}
	programEnded := func() {}
	if w.run {
		var stop func()
		programEnded, stop = keepSignals()
		defer stop()
	}
	defer func() { // renewals under way are saved
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second)
		defer cancel()
		err = errors.Join(err, w.mine.Shutdown(end))
	}()
	if w.run {
		code, err := server.Run(context.WithoutCancel(ctx), serve.Program{Args: args, Stdin: w.app.In, Stdout: w.app.Out, Stderr: w.app.Err, Ended: programEnded})
		if err == nil && code != 0 {
			err = exit.Silently(exit.Code(code))
		}
		return err
	}
	if w.envFile != "" {
		if err := server.WriteEnv(w.envFile); err != nil {
			return err
		}
		defer server.RemoveEnv(w.envFile)
	}
	if err := w.announce(server); err != nil {
		return err
	}
	return server.Serve(ctx)
}

// keepSignals keeps the signals of a program from ending this process, until stop is called. After
// the call of programEnded, one more signal is without effect: keys that are pressed twice may come
// once before and once after the end of the program, when requests that are left end and renewals
// are being saved. A further signal ends this process at once.
func keepSignals() (programEnded, stop func()) {
	signals, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, ends()...)
	programEnded = func() {
		select {
		case <-signals: // which was for the program
		default:
		}
		go func() {
			select {
			case <-signals:
				signal.Stop(signals)
			case <-over:
			}
		}()
	}
	return programEnded, func() {
		signal.Stop(signals)
		close(over)
	}
}

// prepare finds the definitions of the accounts, and of the services that the pages offer. An
// account whose definition is gone does not keep the others from being served.
func (w *serving) prepare(ctx context.Context) error {
	if err := w.mine.Offer(ctx); err != nil {
		return err
	}
	all, err := local.List(ctx, w.home, program())
	if err != nil {
		return err
	}
	for _, a := range all {
		err := w.mine.Ready(a)
		switch {
		case err != nil && w.app.JSON && !w.run: // standard output of a run is the program's
			err = w.say(said{Event: "account_unusable", Account: a.ID, Message: errorText(err)})
		case err != nil:
			w.app.Note("%s: %s", a.ID, errorText(err))
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// resolve is the Resolve of the Server. Other processes may have connected accounts meanwhile.
func (w *serving) resolve(ctx context.Context, name string) (accounts.Account, error) {
	all, err := local.List(ctx, w.home, program())
	if err != nil {
		return accounts.Account{}, err
	}
	a, err := choose.Account(all, name, w.mine.Named)
	if err != nil {
		return accounts.Account{}, err
	}
	return a, w.mine.Ready(a)
}

// logger returns where the Server tells of failures: standard error.
func (w *serving) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelWarn}
	if w.app.JSON {
		return slog.New(slog.NewJSONHandler(w.app.Err, options))
	}
	return slog.New(slog.NewTextHandler(w.app.Err, options))
}

// said is one line of serve --json.
type said struct {
	// Event is "serving", or "account_unusable" for an account whose definition is gone.
	Event   string `json:"event"`
	URL     string `json:"url,omitempty"`     // CONNECTORAUTH_URL
	Token   string `json:"token,omitempty"`   // CONNECTORAUTH_TOKEN, unless the variables are in EnvFile
	EnvFile string `json:"envFile,omitempty"` // as given
	Pages   string `json:"pages,omitempty"`   // a link that signs a browser in once
	Account string `json:"account,omitempty"` // ID
	Message string `json:"message,omitempty"`
}

// say writes one line of JSON.
func (w *serving) say(line said) error {
	encoder := json.NewEncoder(w.app.Out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(line)
}

// announce tells where the Server is.
func (w *serving) announce(server *serve.Server) error {
	if w.app.JSON {
		line := said{Event: "serving", URL: server.URL(), EnvFile: w.envFile, Pages: server.Link()}
		if w.envFile == "" {
			line.Token = string(server.Token())
		}
		return w.say(line)
	}
	if w.envFile == "" {
		for _, line := range server.Env() {
			if _, err := fmt.Fprintln(w.app.Out, "export "+line); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(w.app.Err, "Accounts: open", server.Link())
	return nil
}
