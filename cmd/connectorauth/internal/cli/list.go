package cli

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// account is an account in JSON. The names of the members stay as they are.
type account struct {
	ID       string          `json:"id"`
	Service  string          `json:"service"`
	Method   string          `json:"method"`
	Label    string          `json:"label,omitempty"`
	Identity string          `json:"identity,omitempty"`
	Status   accounts.Status `json:"status"`
	Reason   string          `json:"reason,omitempty"`
	Error    string          `json:"error,omitempty"`
	Since    time.Time       `json:"since"`
	Granted  []string        `json:"granted,omitempty"`
	Missing  []string        `json:"missing,omitempty"`
	Created  time.Time       `json:"created"`
	Tested   time.Time       `json:"tested,omitzero"`
	Expiry   time.Time       `json:"expiry,omitzero"`
	ReauthBy time.Time       `json:"reauthBy,omitzero"`
}

// viewed returns what JSON shows of an account.
func viewed(a accounts.Account) account {
	return account{
		ID: a.ID, Service: a.Definition, Method: a.Method, Label: a.Label, Identity: a.Identity, Status: a.Status, Reason: string(a.Reason),
		Error: a.Error, Since: a.Since, Granted: a.Granted, Missing: a.Missing, Created: a.Created, Tested: a.Tested, Expiry: a.Expiry, ReauthBy: a.ReauthBy,
	}
}

// list returns the command list.
func (app *App) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the accounts", Args: cobra.NoArgs,
		Long: "List lists the accounts, and asks no service. The statuses are those of the last use or test:\n\n" +
			"  ok               works, as far as anybody knows\n" +
			"  failing          does not work for now; nobody has to act\n" +
			"  reauth_required  must be connected again: connectorauth connect --again ACCOUNT\n" +
			"  connecting       the first consent was not finished\n" +
			"  disconnected     disconnect was not finished: run the command again",
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := app.home()
			if err != nil {
				return err
			}
			all, err := local.List(c.Context(), h, program())
			if err != nil {
				return err
			}
			views := make([]account, 0, len(all))
			for _, a := range all {
				views = append(views, viewed(a))
			}
			return app.Print(views, func(w io.Writer) { app.table(w, views) })
		},
	}
}

// table writes accounts for a person.
func (app *App) table(w io.Writer, views []account) {
	if len(views) == 0 {
		fmt.Fprintln(app.Err, "There are no accounts: run connectorauth connect SERVICE.")
		return
	}
	inColumns(w, func(columns io.Writer) {
		fmt.Fprintln(columns, "ACCOUNT\tSERVICE\tLABEL\tSTATUS") // the colour of the status is last, where no column is aligned
		for _, v := range views {
			fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", show.Line(v.ID), show.Line(v.Service), cmp.Or(show.Line(v.Label), "-"), status(w, v.Status))
		}
	})
}

// inColumns aligns the cells of lines. write writes lines, with a tab between cells.
func inColumns(w io.Writer, write func(columns io.Writer)) {
	lines := bufio.NewWriter(w) // or each cell would be a system call
	columns := tabwriter.NewWriter(lines, 0, 8, 2, ' ', 0)
	write(columns)
	columns.Flush()
	lines.Flush()
}

// status returns a status in its colour.
func status(w io.Writer, s accounts.Status) string {
	colour := show.Red
	switch s {
	case accounts.StatusOK:
		colour = show.Green
	case accounts.StatusConnecting:
		colour = show.Yellow
	}
	return show.Paint(w, colour, string(s))
}

// commands returns all commands.
func (app *App) commands() []*cobra.Command {
	return []*cobra.Command{app.connect(), app.list(), app.test(), app.disconnect(), app.token(), app.call(), app.check(), app.importing(), app.catalog(), app.doctor(), app.serveCommand()}
}
