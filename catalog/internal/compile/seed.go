package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
)

// A fact is a value of the seed with its witnesses, and other values with theirs.
type fact[T any] struct {
	V   T        `json:"v"`
	By  []string `json:"by"`
	Alt []struct {
		V  T        `json:"v"`
		By []string `json:"by"`
	} `json:"alt"`
	HostBy  []string `json:"host_by"`
	Derived string   `json:"derived"`
	Was     string   `json:"was"`     // of an override
	Decided bool     `json:"decided"` // of an override: see decide
}

// as returns the fact as facts has it.
func (f *fact[T]) as(value string) *facts.Fact {
	return &facts.Fact{Value: value, By: f.By, HostBy: f.HostBy, Was: f.Was}
}

// A provider is a record of the seed.
type provider struct {
	Slug       string                  `json:"slug"`
	Title      string                  `json:"title"`
	Maintained bool                    `json:"maintained"`
	Complete   bool                    `json:"complete"`
	Homepage   *fact[string]           `json:"homepage"`
	Docs       *fact[string]           `json:"docs"`
	BaseURL    *fact[string]           `json:"base_url"`
	Inputs     []input                 `json:"inputs"`
	Headers    map[string]fact[string] `json:"headers"`
	Methods    []method                `json:"methods"`
	Regions    map[string]fact[string] `json:"regions"` // of an override
	Test       *test                   `json:"test"`
}

type input struct {
	Name     string          `json:"name"`
	Kind     string          `json:"kind"`
	Title    string          `json:"title"`
	Partial  bool            `json:"partial"`
	Values   *fact[[]string] `json:"values"`
	Default  *fact[string]   `json:"default"`
	Suffixes []string        `json:"suffixes"` // of an override
	By       []string        `json:"by"`       // of Suffixes; empty means the documentation
	Hidden   bool            `json:"hidden"`   // of an override
	Optional bool            `json:"optional"` // of an override
}

type test struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	URL    string          `json:"url"`
	OK     []int           `json:"ok"`
	ID     *fact[string]   `json:"id"`
	By     []string        `json:"by"`
	Scopes *fact[[]string] `json:"scopes"` // of an override
}

// A method is a method of the seed. A member that has another meaning for another type is
// read as it comes.
type method struct {
	Type       string                  `json:"type"`
	Confidence int                     `json:"confidence"`
	Grant      json.RawMessage         `json:"grant"`
	Incomplete json.RawMessage         `json:"incomplete"`
	In         string                  `json:"in"`
	Name       *fact[string]           `json:"name"`
	Prefix     *fact[string]           `json:"prefix"`
	Value      *fact[string]           `json:"value"`
	Encoding   *fact[string]           `json:"encoding"`
	And        *fact[[]also]           `json:"and"`
	Username   *fact[string]           `json:"username"`
	Password   *fact[string]           `json:"password"`
	Authorize  *fact[string]           `json:"authorize_url"`
	Token      *fact[string]           `json:"token_url"`
	Temporary  *fact[string]           `json:"request_token_url"`
	Access     *fact[string]           `json:"access_token_url"`
	Revoke     *fact[string]           `json:"revoke_url"`
	RefreshURL *fact[string]           `json:"refresh_url"`
	Refresh    *fact[bool]             `json:"refresh"`
	ClientAuth *fact[string]           `json:"client_auth"`
	Seen       map[string][]string     `json:"client_auth_seen"`
	Placement  *fact[json.RawMessage]  `json:"placement"`
	Separator  *fact[string]           `json:"scope_separator"`
	Scopes     *fact[[]string]         `json:"scopes_seen"`
	AuthParams map[string]fact[string] `json:"auth_params"`
	Params     map[string]fact[string] `json:"token_params"`
	AuthNames  map[string]fact[string] `json:"auth_names"`
	TokenNames map[string]fact[string] `json:"token_names"`
	TokenEnc   *fact[string]           `json:"token_encoding"`
	TokenVerb  *fact[string]           `json:"token_method"`
	TokenIn    *fact[string]           `json:"token_in"`
	TokenHash  json.RawMessage         `json:"token_hash"`
	Templates  json.RawMessage         `json:"scope_template"`
	Login      *fact[login]            `json:"login"`
	TokenPath  *fact[string]           `json:"token_path"`
	RefreshPar *fact[[]string]         `json:"refresh_params"`
	MoreAgain  map[string]fact[string] `json:"refresh_extra"` // of an override
	Responses  map[string]fact[string] `json:"response_paths"`
	Capture    json.RawMessage         `json:"capture"`
	Captures   map[string]fact[string] `json:"captures"`    // of an override
	TokenType  *fact[string]           `json:"token_type"`  // of an override
	ExpiryPath *fact[string]           `json:"expiry_path"` // of an override
}

type login struct {
	Method   string            `json:"method"`
	URL      string            `json:"url"`
	Encoding string            `json:"encoding"`
	Fields   map[string]string `json:"fields"`
}

// also is a value that goes along with a key.
type also struct {
	In         string `json:"in"`
	Name       string `json:"name"`
	Prefix     string `json:"prefix"`
	Credential string `json:"credential"`
	Same       bool   `json:"same_credential"`
}

// grant returns the word of a grant, which some records have as a fact.
func (m *method) grant() string {
	var word string
	var f fact[string]
	if json.Unmarshal(m.Grant, &word) != nil && json.Unmarshal(m.Grant, &f) == nil {
		word = f.V
	}
	return word
}

// readSeed reads the records of the seed, each with its override merged in.
func readSeed(file string, overrides map[string]override) ([]provider, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var records []map[string]any
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, err
	}
	list, known := make([]provider, len(records)), map[string]bool{}
	for i, record := range records {
		slug, _ := record["slug"].(string)
		known[slug] = true
		if err := overrides[slug].apply(record); err != nil {
			return nil, fmt.Errorf("%s: %w", slug, err)
		}
		merged, err := json.Marshal(record)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(merged, &list[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", slug, err)
		}
	}
	for _, slug := range sortedKeys(overrides) {
		if !known[slug] {
			return nil, fmt.Errorf("overrides: the seed has no %s", slug)
		}
	}
	kin(list)
	for i := range list {
		for j := range list[i].Methods {
			silent(&list[i].Methods[j])
		}
	}
	return list, nil
}
