// Package facts is what sources say of a service: the members x-sources and x-lint of a
// definition. The facts are complete without the definition, so a server can be made
// of the facts alone. The package knows nothing of the library.
package facts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Documentation is the witness that stands for the documentation of the service itself.
const Documentation = "documentation"

// A Fact is a value and its witnesses.
type Fact struct {
	Value string `json:"v"`
	// By are the witnesses that say Value. A name that begins with RFC stands for a
	// standard that says what holds where no witness says anything, and is no witness.
	By []string `json:"by"`
	// Was is what the sources say where the documentation says Value. Empty means that
	// they say nothing else.
	Was string `json:"was,omitempty"`
	// HostBy are witnesses of the host of Value alone. Empty means none.
	HostBy []string `json:"hostBy,omitempty"`
}

// A Carried is a value that each request to the API has.
type Carried struct {
	// In is header, query, body or basic. With basic, Name is the user name, and Value the
	// password.
	In   string `json:"in"`
	Name string `json:"name"`
	Fact
}

// A Method is what sources say of a way to authenticate. Texts in braces are the names of
// inputs; {token} is a token, {client} the client's ID.
type Method struct {
	Type      string    `json:"type"` // as in a definition
	Grant     string    `json:"grant,omitempty"`
	Authorize *Fact     `json:"authorize,omitempty"` // URL
	Temporary *Fact     `json:"temporary,omitempty"` // URL of OAuth 1.0a
	Token     *Fact     `json:"token,omitempty"`     // URL
	Refresh   *Fact     `json:"refresh,omitempty"`   // URL; "" means the URL of the token
	Revoke    *Fact     `json:"revoke,omitempty"`    // URL
	Client    *Fact     `json:"client,omitempty"`    // basic, body or none
	Encoding  *Fact     `json:"encoding,omitempty"`  // json, get or query; absent means a form
	Separator *Fact     `json:"separator,omitempty"` // of scopes; absent means a space
	Scopes    *Fact     `json:"scopes,omitempty"`    // with a space between each
	TokenType *Fact     `json:"tokenType,omitempty"` // token_type of a response; absent means Bearer
	Expiry    *Fact     `json:"expiry,omitempty"`    // member of a response with a date; absent means expires_in
	Root      *Fact     `json:"root,omitempty"`      // member of a response that has all others; absent means none
	Carries   []Carried `json:"carries,omitempty"`

	// AuthorizeParams, TokenParams and RefreshParams are further parameters, and
	// AuthorizeNames and TokenNames other names, by the standard names.
	AuthorizeParams map[string]Fact `json:"authorizeParams,omitempty"`
	TokenParams     map[string]Fact `json:"tokenParams,omitempty"`
	RefreshParams   map[string]Fact `json:"refreshParams,omitempty"`
	AuthorizeNames  map[string]Fact `json:"authorizeNames,omitempty"`
	TokenNames      map[string]Fact `json:"tokenNames,omitempty"`
	// Captures are values that decide where the API is, by the names in the base URL:
	// "callback NAME" is a parameter of the callback, and "token NAME" a member of the token
	// response.
	Captures map[string]Fact `json:"captures,omitempty"`
	// Login is the request of a session: the members of the body by name, and TokenPath
	// where the response has the token.
	Login     *Fact             `json:"login,omitempty"` // method and URL
	Fields    map[string]string `json:"fields,omitempty"`
	TokenPath *Fact             `json:"tokenPath,omitempty"` // JSON Pointer
}

// A Document is a page of the documentation that somebody has read.
type Document struct {
	URL  string `json:"url"`
	Date string `json:"date"`
	Says string `json:"says"` // in words of the reader
}

// A Source is the member x-sources of a definition.
type Source struct {
	Date      string            `json:"date"`      // when the facts were put together
	Witnesses map[string]string `json:"witnesses"` // the date of each witness
	Base      Fact              `json:"base"`      // URL of the API
	Derived   bool              `json:"derived,omitempty"`
	Methods   map[string]Method `json:"methods"` // by the names of the definition
	Headers   map[string]Fact   `json:"headers,omitempty"`
	// Inputs are the values, the suffixes or the default of inputs that decide the host of a
	// URL, with a space between each. Absent means that the input stands left of a suffix in a URL, or
	// that an account may be at any host.
	Inputs map[string]Fact `json:"inputs,omitempty"`
	// Regions are further origins of the endpoints, by the word that a callback has.
	Regions map[string]Fact `json:"regions,omitempty"`
	Test    *Fact           `json:"test,omitempty"`   // HTTP method and URL
	TestID  *Fact           `json:"testId,omitempty"` // JSON Pointer
	// TestScopes are scopes without which the service refuses Test, with a space between
	// each. Absent means that Test needs none, or that nobody says any.
	TestScopes *Fact      `json:"testScopes,omitempty"`
	Read       []Document `json:"read,omitempty"`
	Note       string     `json:"note,omitempty"`
}

// A File is what this package reads of a definition.
type File struct {
	Source *Source
	Lint   map[string]string // reasons, by the path of a finding
}

// Read reads the facts of a definition. A member that nobody knows is an error, because the
// fact that somebody meant would count for nothing.
func Read(document []byte) (File, error) {
	var f File
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return f, err
	}
	if members["x-sources"] == nil {
		return f, fmt.Errorf("x-sources is missing; say who says what of the service, and when")
	}
	if err := strict("x-sources", members["x-sources"], &f.Source); err != nil {
		return f, err
	}
	if members["x-lint"] == nil {
		return f, nil
	}
	return f, strict("x-lint", members["x-lint"], &f.Lint)
}

// strict reads JSON, and names what is not as it should be in the words of the document.
func strict(member string, text json.RawMessage, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	var wrong *json.UnmarshalTypeError
	at := member
	if errors.As(err, &wrong) && wrong.Field != "" {
		at += "." + wrong.Field
	}
	switch {
	case err == nil:
		return nil
	case wrong != nil && wrong.Type == reflect.TypeFor[Fact]():
		return fmt.Errorf(`%s: is a %s; want a fact, such as {"v": "https://api.example.com", "by": ["documentation"]}`, at, wrong.Value)
	case wrong != nil:
		return fmt.Errorf("%s: is a %s, and must be another kind of value; see the README of the catalogue", at, wrong.Value)
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return fmt.Errorf("%s: nothing has a member %s; the members are those of Source in internal/facts", member, name)
	}
	return fmt.Errorf("%s: %w", member, err)
}

// Count returns how many independent witnesses the essential facts of the best method
// have: token and authorize URL together, or host and placement.
func (s *Source) Count() int {
	best := 0
	for _, m := range s.Methods {
		best = max(best, len(s.Essential(m)))
	}
	return best
}

// Essential returns the witnesses who say all essential facts of a method.
func (s *Source) Essential(m Method) []string {
	switch {
	case m.Type == "OAuth1":
		return common(m.Temporary.witnesses(), m.Token.witnesses())
	case m.Authorize != nil:
		return common(m.Authorize.witnesses(), m.Token.witnesses())
	case m.Token != nil:
		return m.Token.witnesses()
	}
	host := distinct(slices.Concat(s.Base.By, s.Base.HostBy))
	if m.Login != nil {
		host = m.Login.witnesses()
	}
	for _, c := range m.Carries[:min(1, len(m.Carries))] {
		host = common(host, c.witnesses())
	}
	return host
}

// witnesses returns who says the fact.
func (f *Fact) witnesses() []string {
	if f == nil {
		return nil
	}
	return distinct(f.By)
}

// distinct returns each witness once; standards are no witnesses.
func distinct(names []string) (list []string) {
	for _, name := range names {
		if !IsStandard(name) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// IsStandard reports whether a name stands for a standard.
func IsStandard(name string) bool { return len(name) > 4 && name[:4] == "RFC " }

func common(a, b []string) []string {
	return slices.DeleteFunc(a, func(name string) bool { return !slices.Contains(b, name) })
}

// All calls see with each fact, and with the path of the fact in x-sources, such as
// methods.oauth.token.
func (s *Source) All(see func(path string, f *Fact)) {
	one := func(path string, f *Fact) {
		if f != nil {
			see(path, f)
		}
	}
	many := func(path string, list map[string]Fact) {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			f := list[name]
			see(path+"."+name, &f)
		}
	}
	see("base", &s.Base)
	one("test", s.Test)
	one("testId", s.TestID)
	one("testScopes", s.TestScopes)
	many("headers", s.Headers)
	many("inputs", s.Inputs)
	many("regions", s.Regions)
	for _, name := range slices.Sorted(maps.Keys(s.Methods)) {
		m, at := s.Methods[name], "methods."+name+"."
		members := map[string]*Fact{"authorize": m.Authorize, "temporary": m.Temporary, "token": m.Token, "refresh": m.Refresh,
			"revoke": m.Revoke, "client": m.Client, "encoding": m.Encoding, "separator": m.Separator, "scopes": m.Scopes,
			"tokenType": m.TokenType, "expiry": m.Expiry, "root": m.Root, "login": m.Login, "tokenPath": m.TokenPath}
		for _, member := range slices.Sorted(maps.Keys(members)) {
			one(at+member, members[member])
		}
		for i := range m.Carries {
			see(fmt.Sprintf("%scarries[%d]", at, i), &m.Carries[i].Fact)
		}
		many(at+"authorizeParams", m.AuthorizeParams)
		many(at+"tokenParams", m.TokenParams)
		many(at+"refreshParams", m.RefreshParams)
		many(at+"authorizeNames", m.AuthorizeNames)
		many(at+"tokenNames", m.TokenNames)
		many(at+"captures", m.Captures)
	}
}
