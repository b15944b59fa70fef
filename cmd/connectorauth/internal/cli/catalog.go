package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	catalogue "github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
)

// catalog returns the command catalog.
func (app *App) catalog() *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "Search the catalogue of services", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return exit.With(exit.Usage, errors.New("say connectorauth catalog search TEXT, or connectorauth catalog show SERVICE"))
	}}
	c.AddCommand(app.catalogSearch(), app.catalogShow())
	return c
}

// entry is a service of the catalogue in JSON.
type entry struct {
	Name  string   `json:"name"`
	Title string   `json:"title"`
	Types []string `json:"types"`
	Draft bool     `json:"draft,omitempty"`

	Imported bool `json:"imported,omitempty"`
}

// note returns what a person has to know of a service.
func (e entry) note() string {
	switch {
	case e.Imported:
		return "imported"
	case e.Draft:
		return "draft"
	}
	return ""
}

// catalogSearch returns the command catalog search.
func (app *App) catalogSearch() *cobra.Command {
	drafts := true
	c := &cobra.Command{
		Use: "search [TEXT]", Short: "Find services by name, title, nickname or host, imported ones too",
		RunE: func(c *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			entries, err := app.imported(text)
			if err != nil {
				return err
			}
			own := len(entries)
			for _, e := range catalogue.Search(text, catalogue.Options{AnyHost: true, Drafts: drafts}) {
				if slices.ContainsFunc(entries[:own], func(i entry) bool { return i.Name == e.Name }) {
					continue // connect takes the imported one
				}
				types := []string{}
				for _, t := range e.Types {
					types = append(types, string(t))
				}
				entries = append(entries, entry{Name: e.Name, Title: e.Title, Types: types, Draft: e.Draft})
			}
			return app.Print(entries, func(w io.Writer) {
				if len(entries) == 0 {
					fmt.Fprintln(app.Err, "Nothing was found. Connectorauth import adds a service, also from an OpenAPI document.")
					return
				}
				inColumns(w, func(columns io.Writer) {
					for _, e := range entries {
						fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", e.Name, show.Line(e.Title), strings.Join(e.Types, ", "), e.note())
					}
				})
			})
		},
	}
	c.Flags().BoolVar(&drafts, "drafts", true, "find also definitions that one witness describes")
	return c
}

// imported returns the imported services whose name, title or base URL has the text.
func (app *App) imported(text string) ([]entry, error) {
	h, err := app.home()
	if err != nil {
		return nil, err
	}
	options, err := parsing()
	if err != nil {
		return nil, err
	}
	all, err := local.Imported(h.Definitions(), "", options)
	if err != nil {
		return nil, err
	}
	entries := []entry{}
	for _, d := range all {
		if !strings.Contains(strings.ToLower(d.Name+"\n"+d.Title+"\n"+d.BaseURL), strings.ToLower(strings.TrimSpace(text))) {
			continue
		}
		types := []string{}
		for i := range d.Methods {
			if t := string(d.Methods[i].Type); !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
		entries = append(entries, entry{Name: d.Name, Title: d.Title, Types: types, Imported: true})
	}
	return entries, nil
}

// field is a question of a service in JSON.
type field struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Help     string   `json:"help,omitempty"`
	Example  string   `json:"example,omitempty"`
	Secret   bool     `json:"secret"`
	Required bool     `json:"required"`
	Choices  []string `json:"choices,omitempty"`
}

// method is a way to authenticate in JSON.
type method struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Type    string   `json:"type"`
	Default bool     `json:"default"`
	Client  bool     `json:"client"` // --values has client_id and client_secret
	Values  []field  `json:"values"`
	Scopes  []string `json:"scopes,omitempty"`
}

// service is a service in JSON.
type service struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	BaseURL string   `json:"baseUrl"`
	Draft   bool     `json:"draft,omitempty"`
	Links   []string `json:"links,omitempty"`
	Methods []method `json:"methods"`
}

// catalogShow returns the command catalog show.
func (app *App) catalogShow() *cobra.Command {
	document := false
	c := &cobra.Command{
		Use: "show SERVICE", Short: "Show what a service wants of an account", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			h, err := app.home()
			if err != nil {
				return err
			}
			finder, err := discovery.New(discovery.Config{})
			if err != nil {
				return err
			}
			options := local.Options(finder, nil)
			d, draft, err := local.Lookup(h.Definitions(), args[0], options, mcp.KindConfig{Finder: finder})
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			if document {
				text, err := d.Document()
				if err == nil {
					_, err = app.Out.Write(append(text, '\n'))
				}
				return err
			}
			s, err := described(d, draft)
			if err != nil {
				return err
			}
			return app.Print(s, func(w io.Writer) { s.write(w) })
		},
	}
	c.Flags().BoolVar(&document, "document", false, "write the definition itself")
	return c
}

// described returns what a definition wants.
func described(d *definition.Definition, draft bool) (service, error) {
	s := service{Name: d.Name, Title: d.Title, BaseURL: d.BaseURL, Draft: draft}
	for _, l := range d.Links {
		s.Links = append(s.Links, l.URL)
	}
	for i := range d.Methods {
		m := &d.Methods[i]
		described := method{Name: m.Name, Title: m.Title, Type: string(m.Type), Default: m.Default, Client: local.WantsClient(m.Credential), Values: []field{}}
		fields, err := d.Form(m.Name, nil)
		if err != nil {
			return service{}, err
		}
		for _, f := range fields {
			view := field{Name: f.Name, Title: f.Title, Help: f.Help, Example: f.Example, Secret: f.Secret, Required: f.Required()}
			for _, c := range f.Enum {
				view.Choices = append(view.Choices, c.Value)
			}
			described.Values = append(described.Values, view)
		}
		for _, scope := range m.Scopes() {
			described.Scopes = append(described.Scopes, scope.Name)
		}
		s.Methods = append(s.Methods, described)
	}
	return s, nil
}

// write writes a service for a person.
func (s service) write(w io.Writer) {
	fmt.Fprintf(w, "%s (%s)\n", show.Line(s.Title), s.Name)
	if s.Draft {
		fmt.Fprintln(w, "A draft: one witness describes the service.")
	}
	if s.BaseURL != "" {
		fmt.Fprintf(w, "API: %s\n", show.Line(s.BaseURL))
	}
	for _, l := range s.Links {
		fmt.Fprintf(w, "See %s\n", show.Line(l))
	}
	for _, m := range s.Methods {
		fmt.Fprintf(w, "\n--method %s: %s\n", m.Name, m.Type)
		if m.Client {
			fmt.Fprintln(w, "  client_id, client_secret: of the application that you register at the service")
		}
		for _, f := range m.Values {
			notes := []string{}
			if f.Secret {
				notes = append(notes, "secret")
			}
			if !f.Required {
				notes = append(notes, "optional")
			}
			suffix := ""
			if len(notes) > 0 {
				suffix = " (" + strings.Join(notes, ", ") + ")"
			}
			fmt.Fprintf(w, "  %s: %s%s\n", f.Name, show.Line(f.Title), suffix)
		}
		if len(m.Scopes) > 0 {
			fmt.Fprintf(w, "  scopes: %s\n", show.Line(strings.Join(m.Scopes, " ")))
		}
	}
}
