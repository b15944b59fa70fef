package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/definition"
)

// connecting is one run of the command connect.
type connecting struct {
	app         *App
	again       string
	method      string
	name        string
	values      string
	redirectURL string
	noBrowser   bool
	scopes      []string
	allow       []string

	ask  *ask.Asker
	mine *local.Accounts
	d    *definition.Definition
}

// connect returns the command connect.
func (app *App) connect() *cobra.Command {
	w := &connecting{app: app}
	c := &cobra.Command{
		Use: "connect SERVICE | --again ACCOUNT", Short: "Connect an account at a service, or at an MCP server by its URL", Args: cobra.MaximumNArgs(1),
		Long: "Connect asks for what the service wants, leads through the consent in the browser or with a code for another device,\n" +
			"tests the account and keeps the account. Secrets are typed without echo, or come from --values, and are never arguments.\n\n" +
			"The answers of --values are a JSON object, by the names of the inputs. client_id and client_secret are those of the\n" +
			"application that you have registered at the service.",
		Example: "  connectorauth connect github\n  pass show acme | jq -R '{apiKey: .}' | connectorauth connect acme --values -\n  connectorauth connect --again github-1\n  connectorauth connect https://mcp.example.com/mcp",
		RunE: func(c *cobra.Command, args []string) error {
			service := strings.Join(args, "")
			switch again := c.Flags().Changed("again"); {
			case again && len(args) > 0:
				return exit.With(exit.Usage, errors.New("--again ACCOUNT takes the service of the account: name no service"))
			case !again && service == "":
				return exit.With(exit.Usage, errors.New("name a service, or an account by --again"))
			}
			if err := w.check(c.Flags().Changed("name")); err != nil {
				return exit.With(exit.Usage, err)
			}
			err := w.run(c, service)
			if service != "" && exit.Of(err) == exit.Reauth { // there is no account to connect again
				err = exit.With(exit.Failed, err)
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&w.again, "again", "", "connect this account again, and keep its name")
	f.StringVar(&w.method, "method", "", "way to authenticate, where the service has several")
	f.StringVar(&w.name, "name", "", "name of the account, such as work (default the service and a number)")
	f.StringVar(&w.values, "values", "", "file with the answers as JSON; - means standard input")
	f.StringSliceVar(&w.scopes, "scopes", nil, "scopes to ask for (default those of the definition)")
	f.StringSliceVar(&w.allow, "allow", nil, "host, address or prefix of a private network that the account may reach, such as 10.1.2.0/24")
	f.StringVar(&w.redirectURL, "redirect-url", "", "redirect URL of your application at the service (default http://127.0.0.1/callback with any port)")
	f.BoolVar(&w.noBrowser, "no-browser", false, "print the URL of the consent, and open no browser")
	return c
}

// run connects a new account, or an account again.
func (w *connecting) run(c *cobra.Command, service string) (err error) {
	if w.ask, err = w.app.asker(c.Context(), "--values", w.values); err != nil {
		return err
	}
	request := accounts.Request{ID: w.name, Owner: local.Owner, Scopes: w.scopes, Method: w.method}
	var former accounts.Account
	var p local.Program
	if service == "" {
		if w.mine, former, err = w.app.opened(c, w.again, w.allow...); err != nil {
			return err
		}
		if p, err = w.mine.Program(c.Context(), former.ID); err != nil {
			return err
		}
		w.again, service, request.ID = former.ID, former.Definition, former.ID
		if request.Method == "" {
			request.Method = former.Method
		}
	} else if w.mine, err = w.app.open(c, w.allow...); err != nil {
		return err
	} else if w.name != "" {
		if _, err := w.mine.Get(c.Context(), w.name); err == nil {
			return exit.With(exit.Usage, fmt.Errorf("--name: there is an account %q already", w.name))
		}
	}
	server := "" // that the command line names
	if strings.HasPrefix(service, "https://") || strings.HasPrefix(service, "http://") {
		w.ask.Answer("url", service)
		service, server = "mcp", service
	}
	draft := false
	if w.d, draft, err = w.mine.Need(service); err != nil {
		return exit.With(exit.Usage, err)
	}
	if draft {
		w.app.Note("Note: the definition of %s is a draft, which one witness describes.", w.d.Name)
	}
	if w.d.Name == "mcp" {
		if url, given := w.ask.Given("url"); given { // as a person calls what the definition calls server
			w.ask.Answer("server", url)
		}
		if wrong := w.mistake(w.d.Methods[0].Name, "server", server); server != "" && wrong != nil {
			_, what, _ := strings.Cut(wrong.Error(), ": ")
			return exit.With(exit.Usage, fmt.Errorf("%q is no URL of an MCP server: %s; the host has a name, not a number; a server on this machine, or in a private network, needs a definition of the type MCP with its url, which connectorauth import adds", server, what))
		}
	}
	if len(w.allow) > 0 {
		p.Allow = w.allow
	}
	m, err := w.choose(c.Context(), request.Method)
	if err != nil {
		return err
	}
	if err := w.checkScopes(m); err != nil {
		return err
	}
	request.Definition, request.Method = w.d.Name, m.Name
	if err := w.program(c.Context(), m, &p); err != nil {
		return err
	}
	if request.Values, err = w.inputs(c.Context(), m, former.ID != "" && former.Method == m.Name); err != nil {
		return err
	}
	if left := w.ask.Left(); len(left) > 0 {
		return exit.With(exit.Usage, fmt.Errorf("--values: nobody asks for %s", strings.Join(left, ", ")))
	}
	return w.finish(c.Context(), request, p, former)
}

// choose returns the method: the named method, the default, the only method, or what the
// person chooses.
func (w *connecting) choose(ctx context.Context, name string) (*definition.Method, error) {
	q := ask.Question{Name: "method", Title: "How does the account authenticate", Flag: "--method"}
	for i := range w.d.Methods {
		m := &w.d.Methods[i]
		if m.Name == name || slices.Contains(m.Was, name) || name == "" && len(w.d.Methods) == 1 {
			return m, nil
		}
		if m.Default {
			q.Default = m.Name
		}
		q.Choices = append(q.Choices, ask.Choice{Value: m.Name, Title: m.Title})
	}
	if name != "" {
		var names []string
		for _, c := range q.Choices {
			names = append(names, c.Value)
		}
		return nil, exit.With(exit.Usage, fmt.Errorf("--method: %s has no method %q; its methods are %s", w.d.Name, name, strings.Join(names, ", ")))
	}
	answer, err := w.ask.Ask(ctx, q)
	if err != nil {
		return nil, err
	}
	return w.choose(ctx, answer)
}

// program asks for what the definition leaves to programs: a client, and hidden inputs. What
// another account of the service has is the default of the client.
func (w *connecting) program(ctx context.Context, m *definition.Method, p *local.Program) error {
	if slices.ContainsFunc(append([]definition.Credential{m.Credential}, m.And...), local.WantsClient) {
		id, err := w.ask.Ask(ctx, ask.Question{Name: "client_id", Title: "Client ID of your application", Default: p.Client.ID,
			Help: w.register(m)})
		if err != nil {
			return err
		}
		secret, err := w.ask.Ask(ctx, ask.Question{Name: "client_secret", Title: "Client secret", Secret: true, Optional: true})
		if err != nil {
			return err
		}
		if secret != "" || id != p.Client.ID {
			p.Client = definition.Client{ID: id, Secret: connectorauth.Secret(secret)}
		}
	}
	for _, input := range slices.Concat(w.d.Inputs, m.Inputs) {
		if !input.Hidden {
			continue
		}
		q := question(definition.Field{Input: input, Value: input.Default}, false)
		answer, err := w.ask.Ask(ctx, q)
		if err != nil {
			return err
		}
		if p.Values == nil {
			p.Values = map[string]connectorauth.Secret{}
		}
		if answer != "" && answer != input.Default {
			p.Values[input.Name] = connectorauth.Secret(answer)
		}
	}
	return nil
}

// register says what to register at the service. The grants without a browser have no redirect
// URL (RFC 8628 section 3, RFC 6749 section 4.4).
func (w *connecting) register(m *definition.Method) string {
	switch s, _ := m.Scheme.(*definition.OAuth2); {
	case s != nil && s.Grant.DeviceCode != nil:
		return "Register an application for devices at the service first."
	case s != nil && s.Grant.AuthorizationCode == nil:
		return "Register an application at the service first."
	}
	return "Register an application at the service with the redirect URL " + cmp.Or(w.redirectURL, "http://127.0.0.1/callback") + " first."
}

// inputs asks for the inputs of a method. Of an account that is connected again, an empty
// answer keeps a secret.
func (w *connecting) inputs(ctx context.Context, m *definition.Method, again bool) (map[string]connectorauth.Secret, error) {
	var stored map[string]connectorauth.Secret
	if again {
		given, err := w.mine.Given(ctx, w.again)
		if err == nil {
			stored = given.Given()
		}
	}
	fields, err := w.d.Form(m.Name, stored)
	if err != nil {
		return nil, err
	}
	values := map[string]connectorauth.Secret{}
	for _, field := range fields {
		q := question(field, again)
		q.Check = func(answer string) error { return w.mistake(m.Name, field.Name, answer) }
		answer, err := w.ask.Ask(ctx, q)
		if err != nil {
			return nil, err
		}
		if answer != "" {
			values[field.Name] = connectorauth.Secret(answer)
		}
	}
	return values, nil
}

// question returns the question for a field of a form.
func question(f definition.Field, again bool) ask.Question {
	isKey := f.Format == definition.FormatKey
	q := ask.Question{Name: f.Name, Title: f.Title, Help: f.Help, Secret: f.Secret || isKey, Lines: isKey, Default: f.Value,
		Optional: !f.Required() || again && f.Stored, Stored: again && f.Stored && (f.Secret || isKey)}
	if q.Title == "" {
		q.Title = f.Name
	}
	if f.Example != "" {
		q.Title += " (such as " + f.Example + ")"
	}
	for _, c := range f.Enum {
		q.Choices = append(q.Choices, ask.Choice{Value: c.Value, Title: c.Title})
	}
	return q
}

// mistake returns what the definition has against the answer to one question, before the other
// questions are answered.
func (w *connecting) mistake(method, input, answer string) error {
	var wrong *definition.InputError
	if !errors.As(w.d.Validate(method, map[string]connectorauth.Secret{input: connectorauth.Secret(answer)}), &wrong) {
		return nil
	}
	for _, p := range wrong.Problems {
		if p.Input == input {
			return errors.New(p.Title + ": " + p.Text)
		}
	}
	return nil
}
