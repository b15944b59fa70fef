package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/cyclr"
	"github.com/connectorauth/connectorauth/definition/openapi"
	"github.com/connectorauth/connectorauth/definition/yaml"
	"github.com/connectorauth/connectorauth/mcp"
)

// importing is one run of the command import.
type importing struct {
	app     *App
	answers string
	out     string
	name    string
	from    string
	force   bool
	ask     *ask.Asker
	rename  string // how the service gets another name
}

// importing returns the command import.
func (app *App) importing() *cobra.Command {
	w := &importing{app: app}
	c := &cobra.Command{
		Use: "import FILE", Short: "Add a definition, also from OpenAPI or Cyclr", Args: cobra.ExactArgs(1),
		Long: "Import adds the definition of a service, so that connectorauth connect knows the service. FILE is a definition, an OpenAPI\n" +
			"document, or a connector of Cyclr. What such a document leaves open is asked, or comes from --answers: a JSON object by\n" +
			"the IDs of the questions.",
		RunE: func(c *cobra.Command, args []string) error { return w.run(c.Context(), args[0]) },
	}
	f := c.Flags()
	f.StringVar(&w.answers, "answers", "", "file with the answers as JSON; - means standard input")
	f.StringVar(&w.out, "out", "", "write the definition to this file, and add nothing; - means standard output")
	f.StringVar(&w.name, "name", "", "name of the service of an OpenAPI document or of Cyclr (default that of the document)")
	f.StringVar(&w.from, "url", "", "where an OpenAPI document comes from, for relative URLs")
	f.BoolVar(&w.force, "force", false, "replace a definition that is there")
	return c
}

// imported is the result in JSON.
type imported struct {
	Name    string    `json:"name"`
	File    string    `json:"file,omitempty"`
	Methods []string  `json:"methods"`
	Notes   []finding `json:"notes,omitempty"`
}

// run imports a document.
func (w *importing) run(ctx context.Context, file string) (err error) {
	if file == "-" && w.answers == "-" {
		return exit.With(exit.Usage, errors.New("standard input cannot be both the document and the answers"))
	}
	document, err := w.app.read(ctx, file)
	if err != nil {
		return err
	}
	if w.ask, err = w.app.asker(ctx, "--answers", w.answers); err != nil {
		return err
	}
	options, err := parsing()
	if err != nil {
		return err
	}
	d, notes, err := w.definition(ctx, file, document, options)
	var wrong *definition.Error
	if errors.As(err, &wrong) {
		return exit.With(exit.Findings, err)
	}
	if err != nil {
		return err
	}
	text, err := d.Document()
	if err != nil {
		return err
	}
	return w.keep(ctx, d, text, kinds(notes, "note"))
}

// keep writes the definition to a file, and says where.
func (w *importing) keep(ctx context.Context, d *definition.Definition, text []byte, notes []finding) error {
	text = append(text, '\n')
	if w.out == "-" {
		_, err := w.app.Out.Write(text)
		return err
	}
	path, err := w.out, error(nil)
	if path == "" {
		path, err = w.alone(ctx, d, text)
	} else {
		err = replace(path, text)
	}
	if err != nil {
		return err
	}
	result := imported{Name: d.Name, File: path, Notes: notes}
	for _, m := range d.Methods {
		result.Methods = append(result.Methods, m.Name)
	}
	return w.app.Print(result, func(out io.Writer) {
		for _, n := range notes {
			fmt.Fprintln(w.app.Err, show.Line("note: "+n.Path+": "+n.Text))
		}
		fmt.Fprintf(out, "Wrote %s. ", show.Line(path))
		if w.out == "" {
			fmt.Fprintf(out, "Run connectorauth connect %s.", show.Line(d.Name))
		}
		fmt.Fprintln(out)
	})
}

// alone writes the definition to a file in the folder. No other process imports a definition
// between the look at the names that are taken and the end of the writing.
func (w *importing) alone(ctx context.Context, d *definition.Definition, text []byte) (path string, err error) {
	h, err := w.app.home()
	if err != nil {
		return "", err
	}
	done, err := local.ChangeDefinitions(ctx, h)
	if err != nil {
		return "", err
	}
	defer done()
	if path, err = w.place(h, d); err != nil {
		return "", err
	}
	return path, replace(path, text)
}

// place returns the file of a definition in the folder. A definition takes the place of another
// with --force alone, be it imported or of the catalogue: the accounts of that service would
// send their credentials where the new definition says.
func (w *importing) place(h *home.Home, d *definition.Definition) (string, error) {
	if err := os.MkdirAll(h.Definitions(), 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(h.Definitions(), d.Name+".json")
	if w.force {
		return path, nil
	}
	for _, name := range append([]string{d.Name}, d.Was...) {
		is, err := taken(h.Definitions(), name)
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(path); is || name == d.Name && err == nil {
			return "", exit.With(exit.Usage, fmt.Errorf("there is a service %q already, whose accounts would send their credentials to the hosts of this definition: say --force to replace the service, or %s", name, w.rename))
		}
	}
	return path, nil
}

// taken reports whether a definition has the name, or had.
func taken(dir, name string) (bool, error) {
	options, err := parsing()
	if err != nil {
		return false, err
	}
	_, _, err = local.Lookup(dir, name, options, mcp.KindConfig{})
	var unknown *local.UnknownError
	return !errors.As(err, &unknown), nil
}

// replace writes a file in one step, so a reader sees the old file or the new one.
func replace(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".connectorauth-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// definition returns the definition of a document, after all questions.
func (w *importing) definition(ctx context.Context, file string, document []byte, options definition.Options) (*definition.Definition, []definition.Finding, error) {
	w.rename = "give another name by --name"
	convert := converter(file)
	var make func(answers map[string]string) (*definition.Draft, error)
	switch kind := kindOf(document, convert); kind {
	case "definition":
		w.rename = `change the member "name" of the definition`
		d, err := local.Parse(file, document, options)
		if err == nil && w.name != "" && w.name != d.Name {
			err = exit.With(exit.Usage, errors.New("--name is for OpenAPI and Cyclr: "+w.rename))
		}
		return d, nil, err
	case "cyclr":
		if convert != nil {
			return nil, nil, mistake(file, "is a connector of Cyclr in YAML: Cyclr exports JSON, so give the file as Cyclr has written the file")
		}
		make = func(answers map[string]string) (*definition.Draft, error) {
			draft, err := cyclr.Import(file, document, cyclr.Options{Answers: answers, Name: w.name})
			if err != nil {
				return nil, err
			}
			return &draft.Draft, nil
		}
	default:
		make = func(answers map[string]string) (*definition.Draft, error) {
			return openapi.Import(file, document, openapi.Options{Answers: answers, Name: w.name, URL: w.from, Convert: convert})
		}
	}
	draft, err := w.answer(ctx, make)
	if err != nil {
		return nil, nil, err
	}
	text, err := draft.Definition.Document()
	if err != nil {
		return nil, nil, err
	}
	d, err := definition.Parse(draft.Definition.Name+".json", text, options)
	return d, draft.Notes, err
}

// converter returns what makes JSON of a file in YAML, and nil for a file in JSON.
func converter(file string) definition.Converter {
	if local.IsYAML(file) {
		return yaml.ToJSON
	}
	return nil
}

// kindOf returns what a document is: "definition", "cyclr", or "openapi", which also says best
// what is wrong with anything else.
func kindOf(document []byte, convert definition.Converter) string {
	if convert != nil {
		converted, _, err := convert(document)
		if err != nil {
			return "definition"
		}
		document = converted
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(document, &members) != nil {
		return "definition"
	}
	has := func(name string) bool { _, found := members[name]; return found }
	switch {
	case has("connectorauth"):
		return "definition"
	case has("openapi") || has("swagger"):
		return "openapi"
	case has("Authentication") || has("AuthType") || has("Name"):
		return "cyclr"
	}
	return "definition"
}

// answer asks the questions of an importer until none is open. An answer may lead to further
// questions.
func (w *importing) answer(ctx context.Context, make func(map[string]string) (*definition.Draft, error)) (*definition.Draft, error) {
	answers := map[string]string{}
	for {
		draft, err := make(answers)
		if err != nil {
			return nil, err
		}
		if len(draft.Questions) == 0 {
			if left := w.ask.Left(); len(left) > 0 {
				return nil, exit.With(exit.Usage, fmt.Errorf("--answers: nobody asks for %s", strings.Join(left, ", ")))
			}
			return draft, nil
		}
		for _, q := range draft.Questions {
			if q.ID == "draft" { // which no answer mends, and whose cause is a note
				return nil, exit.With(exit.Findings, &definition.Error{Findings: append(draft.Notes, q.Finding)})
			}
			if _, again := answers[q.ID]; again {
				return nil, exit.With(exit.Findings, fmt.Errorf("%s\nthe answer %q does not help: change the document, or give another answer", q.Finding, q.ID))
			}
			open := ask.Question{Name: q.ID, Title: q.Finding.String(), Other: q.Other}
			for _, c := range q.Choices {
				open.Choices = append(open.Choices, ask.Choice{Value: c.Value, Title: c.Title})
			}
			if answers[q.ID], err = w.ask.Ask(ctx, open); err != nil {
				return nil, err
			}
		}
	}
}
