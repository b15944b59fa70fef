package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// A writer writes definitions and the report.
type writer struct {
	folder, date string
	counts       map[string]int
	pending      map[string]string // the files to write, by name, once all are made
	outside      []string          // one line for each service that stays out
	omitted      []string          // one line for each part that is left out
}

// compiled marks files that the compiler may replace.
const compiled = `"x-compiled": true`

// replace removes what an earlier run has written, and writes what is pending.
func (w *writer) replace() error {
	for _, shelf := range []string{"services", "drafts"} {
		files, err := filepath.Glob(filepath.Join(w.folder, shelf, "*.json"))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if strings.Contains(string(text), compiled) {
				if err := os.Remove(file); err != nil {
					return err
				}
			}
		}
	}
	for _, file := range sortedKeys(w.pending) {
		if err := os.WriteFile(file, []byte(w.pending[file]), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// out notes a service that stays out.
func (w *writer) out(s *service, why string) {
	if len(s.omitted) > 0 {
		why += " (" + strings.Join(s.omitted, "; ") + ")"
	}
	w.outside = append(w.outside, fmt.Sprintf("- `%s`: %s", s.Slug, why))
}

// write makes the file of a definition with its facts, unless a file by hand has the name.
func (w *writer) write(s *service, shelf string) error {
	for _, part := range s.omitted {
		w.omitted = append(w.omitted, fmt.Sprintf("- `%s`, %s", s.Slug, part))
	}
	for _, other := range []string{"services", "drafts"} {
		if text, err := os.ReadFile(filepath.Join(w.folder, other, s.Slug+".json")); err == nil && !strings.Contains(string(text), compiled) {
			return nil
		}
	}
	file := filepath.Join(w.folder, shelf, s.Slug+".json")
	text, err := s.d.Document()
	if err != nil {
		return err
	}
	unread := ""
	s.facts.Date, s.facts.Witnesses = w.date, map[string]string{}
	s.facts.All(func(_ string, f *facts.Fact) {
		for _, by := range slices.Concat(f.By, f.HostBy) {
			if by == facts.Documentation && len(s.override.Read) == 0 {
				unread = f.Value
			} else if by == facts.Documentation {
				s.facts.Witnesses[by] = s.override.Read[0].Date
			} else if !facts.IsStandard(by) {
				s.facts.Witnesses[by] = snapshots[by]
			}
		}
	})
	if unread != "" {
		return fmt.Errorf("read: the documentation says %q, and no page of the documentation is there", unread)
	}
	found, err := definition.Lint(s.Slug+".json", text, definition.Options{AnyHost: true})
	if err != nil {
		return err
	}
	reasons := map[string]string{}
	for _, f := range found {
		reason := reasonFor(f)
		if reason == "" {
			return fmt.Errorf("lint: %s: %s", f.Path, f.Text)
		}
		reasons[f.Path] = reason
	}
	out := strings.TrimSuffix(strings.TrimSpace(string(text)), "\n}")
	out += ",\n  " + compiled
	if len(reasons) > 0 {
		out += ",\n  \"x-lint\": " + compact(reasons, "  ")
	}
	out += ",\n  \"x-sources\": " + compact(s.facts, "  ") + "\n}\n"
	w.counts[shelf]++
	w.pending[file] = out
	return nil
}

// reasons say why a finding of Lint stays, by the end of its path and a part of its text.
var reasons = []struct{ path, text, reason string }{
	{`^test$`, "", "No source has a request that shows whether an account works."},
	{`^test\.id$`, "", "No source says where the response has the identity."},
	{`revokeUrl$`, "", "No source names a URL for revocation."},
	{`anyHost$`, "", "Each customer has a host of its own."},
	{`passwordCredentials$`, "", "The source knows no other grant."},
	{`scopes$`, "are all asked for", "The source asks for these scopes together."},
	{`placement$`, "into URLs", "The sources know no other place."},
	{`help$`, "", "No source links to documentation."},
	{`(password|key)$`, "no secret among", "The value goes along with a secret."},
	{`password$`, "is the same", "The service wants this text, and the secret is in the user name."},
}

func reasonFor(f definition.Finding) string {
	for _, r := range reasons {
		if regexp.MustCompile(r.path).MatchString(f.Path) && strings.Contains(f.Text, r.text) {
			return r.reason
		}
	}
	return ""
}

// compact is JSON with what fits into a line in a line.
func compact(v any, indent string) string {
	short, err := marshal(v)
	if err != nil {
		panic(err) // of a type that is ours
	}
	return lines(json.RawMessage(short), indent)
}

func marshal(v any) (string, error) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(out.String()), err
}

// report writes what stays out.
func (w *writer) report() error {
	slices.Sort(w.outside)
	slices.Sort(w.omitted)
	text := fmt.Sprintf(`# What the catalogue leaves out

Written by the compiler (internal/compile) of facts of %s. %d services are on the first shelf, %d are drafts, %d stay out.
That a service is dead is what people know in general: nobody has asked the service.

## Services

%s

## Parts of services

A part that sources do not agree on, do not say completely or say in a way that no definition can repeat is left out of
the definition of its service.

%s
`, w.date, w.counts["services"], w.counts["drafts"], len(w.outside), strings.Join(w.outside, "\n"), strings.Join(w.omitted, "\n"))
	fmt.Printf("%d services, %d drafts, %d left out\n", w.counts["services"], w.counts["drafts"], len(w.outside))
	return os.WriteFile(filepath.Join(w.folder, "left-out.md"), []byte(text), 0o644)
}

// snapshots are the dates of the sources.
var snapshots = map[string]string{
	"amp": "2026-08", "activepieces": "2026-06", "airbyte": "2025-08", "power": "2024-10", "socialite": "2026-08", "social-core": "2026-08", "allauth": "2026-04",
	"authjs": "2026-07", "better-auth": "2026-08", "supabase": "2026-08", "hybridauth": "2026-04", "goth": "2026-02", "x-oauth2": "2026-01",
	"grant": "2025-02", "arctic": "2025-05", "oauthd": "2021-08", "apisguru": "2023",
}
