package main

import (
	"bytes"
	_ "embed"
	"errors"
	"slices"
	"strings"
	"text/template"
)

//go:embed page.md
var pageText string

// pageTemplate is the page. Cells writes the cells of a line.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"cells": func(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" },
}).Parse(pageText))

// page returns the page of the benchmarks. The error names each row and table that lacks
// a value.
func (v *values) page(instructions string) ([]byte, error) {
	content := map[string]any{"Date": v.date, "Machine": v.machine, "Instructions": instructions, "WorstDay": v.worstDay}
	var failures []error
	keep := func(name string, table any, err error) {
		content[name] = table
		failures = append(failures, err)
	}
	first, err := v.rows(design)
	keep("Design", first, err)
	further, err := v.rows(more)
	keep("More", further, err)
	table, err := v.growth()
	keep("Growth", table, err)
	content["Reasons"] = slices.Concat(whyNot(first), whyNot(further), whyNot(asRows(table)))
	for name, lines := range map[string]func() []line{
		"Bearers": v.bearers, "Editors": v.editors, "Wire": v.wire, "Memory": v.memory, "Locks": v.locks, "Others": v.others,
	} {
		table, err := v.complete(name, lines)
		keep(name, table, err)
	}
	if v.date == "" || v.worstDay == "" {
		failures = append(failures, errors.New("there is no line with the date"))
	}
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = pageTemplate.Execute(&page, content)
	return page.Bytes(), err
}
