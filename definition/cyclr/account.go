package cyclr

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"golang.org/x/oauth2"
)

// An Account is what Cyclr keeps of an account: the account connector.
type Account struct {
	// Method is the name of a method of the definition.
	Method string
	// Values are the values of the inputs, by name: see definition.Connection.
	Values map[string]connectorauth.Secret
	// AccessToken and RefreshToken are the token of OAuth2, with Expires and RefreshExpires
	// as their ends. Without both, the account logs in when the account is first used, as
	// the AuthValue {} says, or has no token.
	AccessToken, RefreshToken connectorauth.Secret
	Expires, RefreshExpires   time.Time // zero means unknown
}

// Token returns the token for connectorauth.OAuth2.SetToken, or nil where the account has
// none.
func (a *Account) Token() *oauth2.Token {
	if a.AccessToken == "" && a.RefreshToken == "" {
		return nil
	}
	return &oauth2.Token{AccessToken: string(a.AccessToken), RefreshToken: string(a.RefreshToken), TokenType: "Bearer", Expiry: a.Expires}
}

// accountConnector is an account connector of Cyclr's API.
type accountConnector struct {
	AuthValue  *string
	Properties []property `json:",omitempty"`
}

type property struct{ Name, Value string }

// authValue is the AuthValue of OAuth2.
type authValue struct {
	AccessToken    string `json:",omitempty"`
	RefreshToken   string `json:",omitempty"`
	Expires        string `json:",omitempty"`
	RefreshExpires string `json:",omitempty"`
}

var errAuthValue = errors.New("cyclr: AuthValue is not what the AuthType of the method wants")

// ReadAccount reads an account connector: the members AuthValue and Properties. The method
// is the name of a method of the definition; empty means the default, or the only one.
// The error quotes no value.
func ReadAccount(d *definition.Definition, method string, document []byte) (*Account, error) {
	var read accountConnector
	if err := json.Unmarshal(bytes.TrimPrefix(document, []byte("\ufeff")), &read); err != nil {
		return nil, errors.New("cyclr: the account connector is not JSON, or has an AuthValue or Properties of another kind")
	}
	m, err := find(d, method)
	if err != nil {
		return nil, err
	}
	a := &Account{Method: m.Name, Values: map[string]connectorauth.Secret{}}
	for _, p := range read.Properties {
		input := inputOf(d, m, p.Name)
		if input == "" {
			return nil, fmt.Errorf("cyclr: the method %s has no input for the property %q", m.Name, p.Name)
		}
		a.Values[input] = connectorauth.Secret(p.Value)
	}
	if read.AuthValue != nil && *read.AuthValue != "" {
		if err := a.read(m, *read.AuthValue); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// find returns a method.
func find(d *definition.Definition, name string) (*definition.Method, error) {
	for i := range d.Methods {
		if m := &d.Methods[i]; name != "" && m.Name == name || name == "" && (m.Default || len(d.Methods) == 1) {
			return m, nil
		}
	}
	return nil, fmt.Errorf("cyclr: %s has no method %q", d.Name, name)
}

// inputOf returns the input for a property, whose name may be that of a header.
func inputOf(d *definition.Definition, m *definition.Method, property string) string {
	e := newExported(d)
	for _, input := range slices.Concat(m.Inputs, d.Inputs) {
		if strings.EqualFold(e.name(input.Name), property) {
			return input.Name
		}
	}
	return ""
}

// read takes an AuthValue.
func (a *Account) read(m *definition.Method, text string) error {
	switch s := m.Scheme.(type) {
	case *definition.APIKey:
		return a.set(s.Key, text)
	case *definition.Basic:
		decoded, err := base64.StdEncoding.DecodeString(text)
		user, password, found := strings.Cut(string(decoded), ":")
		if err != nil || !found {
			return errAuthValue
		}
		return errors.Join(a.set(s.Username, user), a.set(s.Password, password))
	case *definition.OAuth2:
		return a.token(text)
	}
	if text == "{}" {
		return nil
	}
	return errAuthValue
}

// set sets the value of the input that a template is.
func (a *Account) set(template, value string) error {
	found := alone().FindStringSubmatch(template)
	if found == nil {
		return errAuthValue
	}
	a.Values[found[1]] = connectorauth.Secret(value)
	return nil
}

// token takes an access token, or the object with tokens and ends.
func (a *Account) token(text string) error {
	var read authValue
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		read.AccessToken = text
	} else if err := json.Unmarshal([]byte(text), &read); err != nil {
		return errAuthValue
	}
	a.AccessToken, a.RefreshToken = connectorauth.Secret(read.AccessToken), connectorauth.Secret(read.RefreshToken)
	var err, refreshErr error
	a.Expires, err = parseTime(read.Expires)
	a.RefreshExpires, refreshErr = parseTime(read.RefreshExpires)
	return errors.Join(err, refreshErr)
}

// parseTime reads a time, in UTC where no zone is given. Empty is the zero time.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("cyclr: AuthValue has a time that is not as in RFC 3339")
}

// formatTime writes a time as Cyclr does.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Document returns the account connector: AuthValue and Properties. The document shows
// the secrets of the account. The error quotes no value.
func (a *Account) Document(d *definition.Definition) ([]byte, error) {
	m, err := find(d, a.Method)
	if err != nil {
		return nil, err
	}
	rest := maps.Clone(a.Values)
	take := func(template string) string {
		found := alone().FindStringSubmatch(template)
		if found == nil {
			err = errAuthValue
			return ""
		}
		value := rest[found[1]]
		delete(rest, found[1])
		return string(value)
	}
	text, written := "", accountConnector{}
	switch s := m.Scheme.(type) {
	case *definition.APIKey:
		text = take(s.Key)
	case *definition.Basic:
		text = base64.StdEncoding.EncodeToString([]byte(take(s.Username) + ":" + take(s.Password)))
	default:
		value := authValue{string(a.AccessToken), string(a.RefreshToken), formatTime(a.Expires), formatTime(a.RefreshExpires)}
		text = encoded(value)
	}
	if err != nil {
		return nil, err
	}
	if written.AuthValue = &text; text == "" {
		written.AuthValue = nil
	}
	e := newExported(d)
	for _, input := range slices.Sorted(maps.Keys(rest)) {
		written.Properties = append(written.Properties, property{e.name(input), string(rest[input])})
	}
	return []byte(encoded(written)), nil
}

// encoded writes JSON that has no texts but ours.
func encoded(v any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // structs of texts only
	return strings.TrimSpace(out.String())
}
