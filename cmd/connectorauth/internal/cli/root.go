// Package cli has the commands of the program connectorauth.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// App is what all commands have in common.
type App struct {
	show.Screen
	In io.Reader

	dir, keyCommand string
	account         string            // the ID of the account of the command, once known
	inUse           []*local.Accounts // by the command
}

// Main runs the program with the arguments, and returns the exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), ends()...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl+C ends the program at once
	app := &App{Screen: show.Screen{Out: os.Stdout, Err: os.Stderr}, In: os.Stdin}
	return int(app.Run(ctx, args))
}

// ends returns the signals that end a command.
func ends() []os.Signal {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup wants
		ends = append(ends, syscall.SIGHUP) // of a terminal that is closed
	}
	return ends
}

// Run runs a command, writes the error of the command, and returns the exit code.
func (app *App) Run(ctx context.Context, args []string) exit.Code {
	root := app.root()
	root.SetArgs(args)
	root.SetIn(app.In)
	root.SetOut(app.Out)
	root.SetErr(app.Err)
	err := root.ExecuteContext(ctx)
	app.settle(ctx)
	code := exit.Of(err)
	if ctx.Err() != nil && errorText(err) != "" { // or the command has said everything, and its code counts
		code, err = exit.Interrupted, errors.New("interrupted")
	}
	if text := app.errorText(err); text != "" {
		if code == exit.Reauth && app.account != "" {
			text += "; run " + app.again()
		}
		app.fail(code, text)
	}
	return code
}

// settle waits until the renewals that the command has begun are saved, and the index knows what
// has happened. A renewal goes on when its caller gives up, and a process that ended meanwhile
// would lose a new refresh token.
func (app *App) settle(ctx context.Context) {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second)
	defer cancel()
	for _, mine := range app.inUse {
		if err := mine.Shutdown(end); err != nil {
			app.Note("%s", errorText(err)) // which names the accounts whose tokens are not saved
		}
	}
}

// again returns the command that connects the account of this command again.
func (app *App) again() string { return "connectorauth connect --again " + app.account }

// fail tells why a command has failed.
func (app *App) fail(code exit.Code, text string) {
	if app.JSON {
		app.Print(map[string]any{"error": text, "code": code}, nil)
		return
	}
	io.WriteString(app.Err, show.Paint(app.Err, show.Red, "connectorauth:")+" "+show.Lines(text)+"\n")
}

// errorText is the function errorText for the account of the command, which another command may have
// disconnected since this command has found the account.
func (app *App) errorText(err error) string {
	text := errorText(err)
	if app.account == "" {
		return text
	}
	for _, gone := range []struct {
		err  error
		text string
	}{
		{accounts.ErrNotFound, "the account %s has just been disconnected"},
		{accounts.ErrDisconnected, "the account %s is being disconnected, or its disconnect was not finished: run connectorauth disconnect %[1]s"},
	} {
		if errors.Is(err, gone.err) {
			text = strings.ReplaceAll(text, errorText(gone.err), fmt.Sprintf(gone.text, app.account))
		}
	}
	return text
}

// errorText returns the text of an error without the names of packages of the library in front, and
// in the words of the command line where the library speaks to programmers.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	var private *egress.Error
	if errors.As(err, &private) && private.Addr.IsValid() { // whose advice is for programs
		text = strings.ReplaceAll(text, private.Error(), fmt.Sprintf("the host %q %s; to reach a host of your own, connect with --allow %[1]s", private.Host, private.Reason))
	}
	text = strings.ReplaceAll(text, ": connectorauth: ", ": ")
	var sealed *storeerror.Sealed
	if errors.As(err, &sealed) && !slices.Contains(sealed.Keys, sealed.Key) {
		text = strings.ReplaceAll(text, sealed.Error(), "what is stored is sealed with another key than that of this run: restore the former key file, or name the former --key-command")
	}
	for _, prefix := range []string{"connectorauth: ", "accounts: ", "definition: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// root returns the command that has all others.
func (app *App) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "connectorauth",
		Short: "Connect accounts at services, and call their APIs",
		Long: "Connectorauth connects accounts at services and calls their APIs with the credentials of the accounts.\n\n" +
			"Accounts are kept below the folder of your configuration, sealed. Exit codes:\n\n" + exit.Table,
		SilenceUsage: true, SilenceErrors: true, Version: version(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true}, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			var names []string
			for _, sub := range c.Commands() {
				names = append(names, sub.Name())
			}
			near := local.Near(args[0], names)
			if len(near) == 0 {
				return exit.With(exit.Usage, fmt.Errorf("there is no command %q; run connectorauth help", args[0]))
			}
			return exit.With(exit.Usage, fmt.Errorf("there is no command %q%s", args[0], local.Meant(near)))
		},
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&app.JSON, "json", false, "write the result as JSON")
	flags.StringVar(&app.dir, "home", "", "folder of the accounts (default $"+home.Variable+", or the folder of your configuration)")
	flags.StringVar(&app.keyCommand, "key-command", "", "command that prints the key of the store, in place of the file (default $CONNECTORAUTH_KEY_COMMAND)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit.With(exit.Usage, err) })
	root.AddCommand(app.commands()...)
	for _, c := range all(root) {
		if check := c.Args; check != nil {
			c.Args = func(c *cobra.Command, args []string) error {
				if err := check(c, args); err != nil {
					return exit.With(exit.Usage, errors.New(err.Error()+"; usage: "+c.UseLine()))
				}
				return nil
			}
		}
	}
	return root
}

// all returns the commands below a command.
func all(c *cobra.Command) (commands []*cobra.Command) {
	for _, sub := range c.Commands() {
		commands = append(append(commands, sub), all(sub)...)
	}
	return commands
}

// version returns the version of the program: that of the module, or of the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// program is the name and the version of the program.
func program() string { return "connectorauth " + version() }

// home returns the folder of the accounts.
func (app *App) home() (*home.Home, error) {
	return home.Find(app.dir, cmp.Or(app.keyCommand, os.Getenv("CONNECTORAUTH_KEY_COMMAND"))) // no default of the flag, which help would print
}

// open opens the accounts for a command.
func (app *App) open(c *cobra.Command, allow ...string) (*local.Accounts, error) {
	h, err := app.home()
	if err != nil {
		return nil, err
	}
	mine, err := local.Open(c.Context(), local.Config{Home: h, Program: program(), Allow: allow})
	if err == nil {
		app.inUse = append(app.inUse, mine)
	}
	return mine, err
}

// asker returns what asks the person. values is the name of a file with answers, or "-" for
// standard input, and flag is the flag that has named the file.
func (app *App) asker(ctx context.Context, flag, values string) (*ask.Asker, error) {
	a, err := ask.New(ctx, app.In, app.Err, flag, values)
	return a, exit.With(exit.Usage, err)
}
