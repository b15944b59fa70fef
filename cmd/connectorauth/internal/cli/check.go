package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/yaml"
	"github.com/connectorauth/connectorauth/discovery"
)

// finding is a finding in JSON.
type finding struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Path   string `json:"path,omitempty"`
	Text   string `json:"text"`
	// Kind is "mistake" or "advice".
	Kind string `json:"kind"`
}

// check returns the command check.
func (app *App) check() *cobra.Command {
	noAdvice := false
	c := &cobra.Command{
		Use: "check FILE...", Short: "List all mistakes of definitions, with line and column", Args: cobra.MinimumNArgs(1),
		Long: "Check lists all mistakes of definitions, and advice for a definition without mistakes. - is standard input, in JSON.\nThe exit code is 8 if there is anything to list.",
		RunE: func(c *cobra.Command, args []string) error {
			options, err := parsing()
			if err != nil {
				return err
			}
			findings := []finding{}
			for _, file := range args {
				found, err := app.checkFile(c.Context(), file, options, !noAdvice)
				if err != nil {
					return err
				}
				findings = append(findings, found...)
			}
			if err := app.Print(findings, func(w io.Writer) { report(w, findings, len(args)) }); err != nil {
				return err
			}
			if len(findings) > 0 {
				return exit.Silently(exit.Findings)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&noAdvice, "no-advice", false, "list mistakes alone")
	return c
}

// parsing returns the options for documents of which no account is made: requests for metadata
// would go to public addresses.
func parsing() (definition.Options, error) {
	finder, err := discovery.New(discovery.Config{})
	return local.Options(finder, nil), err
}

// report writes findings as compilers do.
func report(w io.Writer, findings []finding, files int) {
	for _, f := range findings {
		text := definition.Finding{File: f.File, Line: f.Line, Column: f.Column, Path: f.Path, Text: f.Text}.String()
		colour := show.Red
		if f.Kind == "advice" {
			colour = show.Yellow
		}
		fmt.Fprintln(w, show.Paint(w, colour, f.Kind+":"), show.Line(text))
	}
	if len(findings) == 0 {
		fmt.Fprintf(w, "No mistakes in %d file%s.\n", files, map[bool]string{true: "", false: "s"}[files == 1])
	}
}

// checkFile returns the findings of a file. The error is that of the file system.
func (app *App) checkFile(ctx context.Context, file string, options definition.Options, advice bool) ([]finding, error) {
	lint := definition.Lint
	if local.IsYAML(file) {
		lint = yaml.Lint
	}
	var advices []definition.Finding
	document, err := app.read(ctx, file)
	switch kind := kindOf(document, converter(file)); {
	case err != nil:
	case kind == "definition":
		advices, err = lint(file, document, options)
	default:
		err = mistake(file, map[string]string{"cyclr": "is a connector of Cyclr", "openapi": "is an OpenAPI document"}[kind]+
			", and no definition: run connectorauth import")
	}
	var wrong *definition.Error
	var found []finding
	switch {
	case errors.As(err, &wrong):
		found = kinds(wrong.Findings, "mistake")
		if wrong.More > 0 {
			found = append(found, finding{File: file, Text: fmt.Sprintf("%d further mistakes are left out", wrong.More), Kind: "mistake"})
		}
	case err != nil:
		return nil, err
	case advice:
		found = kinds(advices, "advice")
	}
	return found, nil
}

// kinds returns findings in JSON.
func kinds(all []definition.Finding, kind string) (found []finding) {
	for _, f := range all {
		found = append(found, finding{f.File, f.Line, f.Column, f.Path, f.Text, kind})
	}
	return found
}

// maxDocument bounds a document in bytes, as package openapi does.
const maxDocument = 64 << 20

// read reads a file in UTF-8, or standard input for "-". The end of ctx ends the reading. A person
// who types the file reads how to end the file.
func (app *App) read(ctx context.Context, file string) ([]byte, error) {
	typed := file == "-" && show.Terminal(app.In)
	if typed {
		app.Note("Type or paste the document, and end with %s on a line of its own.", map[bool]string{true: "Ctrl+Z and Enter", false: "Ctrl+D"}[runtime.GOOS == "windows"])
	}
	document, err := ask.Await(ctx, func() ([]byte, error) {
		in := app.In
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return nil, exit.With(exit.Usage, err)
			}
			defer f.Close()
			in = f
		}
		return io.ReadAll(io.LimitReader(in, maxDocument+1))
	})
	if err != nil {
		return nil, err
	}
	longest := 0
	for line := range bytes.Lines(document) {
		longest = max(longest, len(line))
	}
	switch {
	case len(document) > maxDocument:
		return nil, fmt.Errorf("%s has more than 64 MiB", file)
	case typed && longest > ask.MaxLine:
		return nil, exit.With(exit.Usage, fmt.Errorf("the terminal cuts lines after %d bytes: name a file in place of -", ask.MaxLine))
	}
	text, err := ask.Text(document)
	if err != nil {
		return nil, mistake(file, err.Error())
	}
	return text, nil
}

// mistake returns the error of a file that is wrong as a whole.
func mistake(file, text string) error {
	return exit.With(exit.Findings, &definition.Error{Findings: []definition.Finding{{File: file, Line: 1, Column: 1, Text: text}}})
}
