package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/send"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// calling is one run of the command call.
type calling struct {
	app     *App
	request send.Request
	base    string
	output  string
	include bool
	maxTime float64
}

// call returns the command call.
func (app *App) call() *cobra.Command {
	w := &calling{app: app}
	c := &cobra.Command{
		Use: "call SERVICE METHOD PATH [--json BODY]", Short: "Send a request to the API of a service", Args: callArgs,
		Long: "Call sends a request to the API of a service, with the credentials of an account, and writes the body of the response.\n" +
			"PATH is added to the URL of the API. Credentials go to the hosts of the service alone. The exit code is 4 for a status\n" +
			"of 400 to 499, 5 for 500 to 599, 6 if connectorauth refused to send, and 7 if the account must be connected again.\n\n" +
			"--json BODY sends a body of the type application/json, as with curl. --json without a body writes status, header and\n" +
			"body of the response as one JSON document.",
		Example: "  connectorauth call github GET /user\n  connectorauth call acme POST /orders --json '{\"item\": 7}'\n  connectorauth call acme PUT /files/7 -d @picture.png -H 'Content-Type: image/png'",
		RunE: func(c *cobra.Command, args []string) error {
			w.request.Method, w.request.Path, w.request.In = args[1], args[2], app.In
			if len(args) == 4 {
				if !app.JSON || w.request.JSON != "" {
					return exit.With(exit.Usage, errors.New("want SERVICE METHOD PATH; a body is --json BODY or -d BODY"))
				}
				w.request.JSON, app.JSON = args[3], false
			}
			return w.run(c, args[0])
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&w.request.Headers, "header", "H", nil, `header of the request, "Name: value"; "Name:" sends no such header`)
	f.StringArrayVarP(&w.request.Data, "data", "d", nil, "body of the request; @FILE is a file, @- standard input")
	f.StringArrayVar(&w.request.Raw, "data-raw", nil, "body of the request as written, also with an @")
	f.StringVar(&w.request.JSON, "json-body", "", "as --json BODY, where --json means the response; @FILE and @- as with -d")
	f.StringVar(&w.base, "base", "", "name of one of the further base URLs of the service, such as upload")
	f.StringVarP(&w.output, "output", "o", "", "write the body of the response to a file; - is standard output")
	f.BoolVarP(&w.include, "include", "i", false, "write status and header of the response before the body")
	f.Float64Var(&w.maxTime, "max-time", 0, "seconds that the whole call may take (default no limit)")
	return c
}

// longest is the longest time of a call in seconds: thirty years, which a time.Duration can hold.
const longest = 1e9

// callArgs refuses another number of arguments than three, or four with the body of --json.
func callArgs(_ *cobra.Command, args []string) error {
	if len(args) != 3 && len(args) != 4 {
		return errors.New("want SERVICE METHOD PATH; a body is --json BODY or -d BODY")
	}
	return nil
}

// writable returns why the file for the response cannot be written, before anything is sent. The
// file stays as it is until there is a response.
func (w *calling) writable() error {
	if w.output == "" {
		return nil
	}
	info, err := os.Stat(w.output)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("-o: %s is a folder", w.output)
	case err == nil && !info.Mode().IsRegular(): // opening a FIFO waits for the reader
		return nil
	case err == nil:
		return tried(os.OpenFile(w.output, os.O_WRONLY, 0))
	}
	file, err := os.CreateTemp(filepath.Dir(w.output), ".connectorauth-*")
	if err == nil {
		defer os.Remove(file.Name())
	}
	return tried(file, err)
}

// tried closes a file that was opened to see whether the file can be opened.
func tried(file *os.File, err error) error {
	if err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	return file.Close()
}

// run sends the request and writes the response.
func (w *calling) run(c *cobra.Command, name string) error {
	if !(w.maxTime >= 0 && w.maxTime <= longest) { // nor NaN
		return exit.With(exit.Usage, fmt.Errorf("--max-time: want seconds from 0, which means no limit, to %g", longest))
	}
	if w.output == "-" {
		w.output = ""
	}
	if err := w.writable(); err != nil {
		return exit.With(exit.Usage, err)
	}
	mine, a, err := w.app.opened(c, name)
	if err != nil {
		return err
	}
	ctx := c.Context()
	if w.maxTime > 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(w.maxTime*float64(time.Second)))
		defer cancel()
		ctx = limited
	}
	err = w.exchange(ctx, mine, a)
	if c.Context().Err() == nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return exit.With(exit.Failed, fmt.Errorf("--max-time: the call took more than %g seconds", w.maxTime))
	}
	return err
}

// exchange sends the request and writes the response, within the time of ctx.
func (w *calling) exchange(ctx context.Context, mine *local.Accounts, a accounts.Account) error {
	connected, err := mine.Connected(ctx, a.ID)
	if err != nil {
		return err
	}
	if w.request.Base, err = connected.BaseURL(ctx, w.base); err != nil {
		if w.base != "" && exit.Of(err) == exit.Failed {
			return exit.With(exit.Usage, fmt.Errorf("--base: %s", errorText(err)))
		}
		return err
	}
	req, err := ask.Await(ctx, func() (*http.Request, error) { return w.request.HTTP(ctx) }) // which may wait for a pipe
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	client, err := mine.Client(ctx, a.ID)
	if err != nil {
		return err
	}
	done := w.app.Progress("Waiting for %s", a.Definition)
	following := *client
	following.CheckRedirect = w.request.Redirect(client.CheckRedirect)
	resp, err := following.Do(req)
	done()
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := w.write(resp); err != nil {
		return err
	}
	return w.code(resp)
}

// code returns the exit code of a response as an error without a text.
func (w *calling) code(resp *http.Response) error {
	if err := connectorauth.RenewalError(resp); err != nil {
		w.app.Note("The token could not be renewed: %s", errorText(err))
		if exit.Of(err) == exit.Reauth {
			w.app.Note("Run %s", w.app.again())
			return exit.Silently(exit.Reauth)
		}
	}
	switch {
	case resp.StatusCode >= 500:
		return exit.Silently(exit.Server)
	case resp.StatusCode >= 400:
		return exit.Silently(exit.Client)
	}
	return nil
}

// response is a response in JSON. Body is the body if the body is JSON, or a text; other bytes
// are in base64.
type response struct {
	Status int         `json:"status"`
	URL    string      `json:"url"`
	Header http.Header `json:"header"`
	Body   any         `json:"body,omitempty"`
	Base64 []byte      `json:"base64,omitempty"`
}

// write writes the response to standard output, or to the file of --output.
func (w *calling) write(resp *http.Response) error {
	resp.Body = whole{resp.Body}
	if w.output == "" {
		return w.to(w.app.Out, resp)
	}
	file, err := os.Create(w.output)
	if err != nil {
		return err
	}
	return errors.Join(w.to(file, resp), file.Close())
}

// whole is a body whose errors say that a part of the body is missing. An error of the file or
// the pipe to which the body is written does not say so.
type whole struct{ io.ReadCloser }

// Read reads a part of the body.
func (w whole) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("the response broke off: %w", err)
	}
	return n, err
}

// to writes the response to out: the body as the body comes, or all of the response as JSON.
func (w *calling) to(out io.Writer, resp *http.Response) error {
	if w.app.JSON {
		return w.document(out, resp)
	}
	out = show.Safe(out)
	if w.include {
		if err := send.Head(out, resp); err != nil {
			return err
		}
	}
	if _, err := io.Copy(out, resp.Body); err != nil {
		return err
	}
	if e, ok := out.(*show.Escaper); ok {
		return e.Flush()
	}
	return nil
}

// document writes the response as a JSON document.
func (w *calling) document(out io.Writer, resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	r := response{Status: resp.StatusCode, URL: send.Redacted(resp.Request.URL), Header: resp.Header}
	switch {
	case !utf8.Valid(body): // also of JSON in another encoding, whose characters would be lost
		r.Base64 = body
	case json.Valid(body):
		r.Body = json.RawMessage(body)
	default:
		r.Body = string(body)
	}
	screen := show.Screen{Out: out, JSON: true}
	return screen.Print(r, nil)
}
