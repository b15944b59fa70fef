package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// An override is what somebody has decided by hand of one service: a file of the folder
// overrides, named as the record of the seed.
type override struct {
	// Out says why the service stays out. Empty means that the service stays.
	Out string `json:"out"`
	// Set are the members of the record to replace, as a merge patch (RFC 7396).
	Set map[string]any `json:"set"`
	// Methods are merge patches of methods, by the names that the methods have in the
	// definition. Null leaves a method out.
	Methods map[string]any `json:"methods"`
	// Definition is a merge patch of the definition, for what facts cannot say: methods are
	// by their names.
	Definition map[string]any `json:"definition"`
	// Confirms are the facts that the documentation says too, such as base_url and
	// oauth.token_url: the documentation becomes a witness of each.
	Confirms []string `json:"confirms"`
	// Read are the pages that say so.
	Read []facts.Document `json:"read"`
	// Note is for readers of the page of the service.
	Note string `json:"note"`
}

// outFile lists services that stay out, with the reasons.
const outFile = "out.json"

// readOverrides reads the folder.
func readOverrides(folder string) (map[string]override, error) {
	all := map[string]override{}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if filepath.Base(file) == outFile {
			var reasons map[string]string
			if err := json.Unmarshal(text, &reasons); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			for slug, reason := range reasons {
				all[slug] = override{Out: reason}
			}
			continue
		}
		var o override
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&o); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if (o.Set != nil || o.Methods != nil || o.Confirms != nil) && len(o.Read) == 0 && o.Note == "" {
			return nil, fmt.Errorf("%s: says neither what was read nor, in note, why", file)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = o
	}
	return all, nil
}

// apply merges the override into a record of the seed.
func (o override) apply(record map[string]any) error {
	before := target(record)
	decide(o.Set)
	decide(o.Methods)
	merge(record, o.Set)
	if patch, _ := o.Set["test"].(map[string]any); patch != nil && patch["by"] == nil && before != "" && target(record) != before {
		return fmt.Errorf("set.test: asks %s, where the sources ask %s; say in by who says so", target(record), before)
	}
	list, _ := record["methods"].([]any)
	var kept []any
	names := map[string]bool{}
	for _, element := range list {
		m, _ := element.(map[string]any)
		name := unique(methodName(m["type"], m["grant"]), names)
		patch, ok := o.Methods[name]
		if ok && patch == nil {
			continue
		}
		if patch, ok := patch.(map[string]any); ok {
			merge(m, patch)
		}
		kept = append(kept, m)
	}
	for _, name := range sortedKeys(o.Methods) {
		patch, isNew := o.Methods[name].(map[string]any)
		if isNew && !names[name] {
			kept = append(kept, patch)
		}
	}
	record["methods"] = kept
	for _, path := range o.Confirms {
		at, name := record, path
		if of, member, ok := strings.Cut(path, "."); ok {
			if at, name = methodNamed(kept, of), member; at == nil {
				return fmt.Errorf("confirms: no method %s", of)
			}
		}
		f, ok := at[name].(map[string]any)
		if !ok {
			return fmt.Errorf("confirms: no fact %s", path)
		}
		if by, _ := f["by"].([]any); !slices.Contains(by, any(facts.Documentation)) {
			f["by"] = append(by, facts.Documentation)
		}
	}
	return nil
}

// decide marks the facts of a patch: somebody has decided them, so that it does not count
// how many of the sources say so.
func decide(patch map[string]any) {
	for _, value := range patch {
		inner, ok := value.(map[string]any)
		switch {
		case ok && inner["v"] != nil && inner["by"] != nil:
			inner["decided"] = true
		case ok:
			decide(inner)
		}
	}
}

// target returns the test request of a record. Empty means that the record has none.
func target(record map[string]any) string {
	test, _ := record["test"].(map[string]any)
	if test == nil {
		return ""
	}
	u, ok := test["url"].(string)
	if !ok {
		base, _ := record["base_url"].(map[string]any)
		u = strings.TrimRight(fmt.Sprint(base["v"]), "/") + fmt.Sprint(test["path"])
	}
	return fmt.Sprint(test["method"], " ", u)
}

// finish applies the merge patch of the definition.
func (o override) finish(d *definition.Definition) error {
	if o.Definition == nil {
		return nil
	}
	text, err := d.Document()
	if err != nil {
		return err
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		return err
	}
	patch := maps.Clone(o.Definition)
	methods, _ := patch["methods"].(map[string]any)
	delete(patch, "methods")
	merge(document, patch)
	list, _ := document["methods"].([]any)
	for _, element := range list {
		m := element.(map[string]any)
		if of, ok := methods[fmt.Sprint(m["name"])].(map[string]any); ok {
			merge(m, of)
		}
	}
	if text, err = json.Marshal(document); err != nil {
		return err
	}
	patched, err := definition.Parse(d.Name+".json", text, definition.Options{AnyHost: true})
	if err == nil {
		*d = *patched
	}
	return err
}

func methodNamed(list []any, name string) map[string]any {
	names := map[string]bool{}
	for _, element := range list {
		if m := element.(map[string]any); unique(methodName(m["type"], m["grant"]), names) == name {
			return m
		}
	}
	return nil
}

// merge is a merge patch (RFC 7396). A fact that the patch replaces is kept as what the
// sources said.
func merge(to map[string]any, patch map[string]any) {
	for name, value := range patch {
		inner, isObject := value.(map[string]any)
		old, wasObject := to[name].(map[string]any)
		switch {
		case value == nil:
			delete(to, name)
		case isObject && inner["v"] != nil:
			if was, ok := old["v"].(string); ok && inner["was"] == nil && was != inner["v"] {
				inner["was"] = was
			}
			to[name] = inner
		case isObject && wasObject:
			merge(old, inner)
		default:
			to[name] = value
		}
	}
}
