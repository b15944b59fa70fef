package definition

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// An Account is what a program keeps of an account, to connect the account again: see
// Connected.Account and Set.Connect. Tokens are kept in the store of the Connection.
//
// Secrets are left out by fmt and by package json, and written by Encode alone.
type Account struct {
	Definition string `json:"definition"`         // its name; required
	Revision   int    `json:"revision,omitempty"` // of the definition; 0 means the newest
	// Method is the name of the method. Empty means the default method, or the only one.
	Method string `json:"method,omitempty"`
	// Values are the values of the inputs, by name, and Secrets the values of secret inputs,
	// which no page may show. Empty means none.
	Values  map[string]string               `json:"values,omitempty"`
	Secrets map[string]connectorauth.Secret `json:"-"`
	// Scopes are as in Connection.Scopes.
	Scopes []string `json:"scopes,omitzero"`
	// Server is as in Connection.Server.
	Server *discovery.Server `json:"server,omitempty"`
}

// Account returns what to keep of the account. The account owner has seen the defaults of the
// form, so Account keeps the defaults as values, and the account stays the same when a
// default changes. The default of a hidden input is not kept.
func (c *Connected) Account() Account {
	a := Account{
		Definition: c.account().d.Name, Revision: c.account().d.Revision, Method: c.account().m.Name, Scopes: slices.Clone(c.account().scopes),
		Server: c.account().server,
		Values: map[string]string{}, Secrets: map[string]connectorauth.Secret{},
	}
	for n, i := range c.account().d.inputs(c.account().m) {
		switch value := c.account().values[n]; {
		case value == "", i.Hidden && value == i.Default:
		case i.Secret:
			a.Secrets[i.Name] = connectorauth.Secret(value)
		default:
			a.Values[i.Name] = value
		}
	}
	return a
}

// Given returns the values of all inputs, as in Connection.Values, for a form and for
// Connect.
func (a Account) Given() map[string]connectorauth.Secret {
	given := maps.Clone(a.Secrets)
	if given == nil {
		given = map[string]connectorauth.Secret{}
	}
	for name, value := range a.Values {
		given[name] = connectorauth.Secret(value)
	}
	return given
}

// Edited returns the values of all inputs after a form was submitted. A submitted value
// replaces the value of the account. A form does not show secrets, so an empty secret leaves
// the secret of the account in place, as does an input without a submitted value.
func (a Account) Edited(submitted map[string]connectorauth.Secret) map[string]connectorauth.Secret {
	given := a.Given()
	for name, value := range submitted {
		if _, secret := a.Secrets[name]; value != "" || !secret {
			given[name] = value
		}
	}
	return given
}

// accountVersion is the version of what Encode writes.
const accountVersion = 1

// record is the JSON form of an account with its secrets.
type record struct {
	Version int `json:"version"`
	Account
	Secrets map[string]string `json:"secrets,omitempty"`
}

// Encode returns all of the account as JSON, with the secrets in plain text, for a store that
// encrypts: see tokenstore.NewSealed.
func (a Account) Encode() ([]byte, error) {
	r := record{Version: accountVersion, Account: a, Secrets: map[string]string{}}
	for name, value := range a.Secrets {
		r.Secrets[name] = string(value)
	}
	return json.Marshal(r)
}

// DecodeAccount reads what Encode has written. The error quotes nothing of the text. The error
// for the account of a newer program is a *storeerror.Newer of package tokenstore/storeerror,
// and for any other text a *storeerror.Damaged.
func DecodeAccount(text []byte) (Account, error) {
	var r record
	if json.Unmarshal(text, &r) != nil || r.Version < 1 || r.Definition == "" {
		return Account{}, &storeerror.Damaged{Err: errors.New("definition: the text is no account that Account.Encode has written")}
	}
	if r.Version > accountVersion {
		return Account{}, fmt.Errorf("definition: the account: %w", &storeerror.Newer{Version: r.Version, Known: accountVersion})
	}
	if len(r.Secrets) > 0 {
		r.Account.Secrets = make(map[string]connectorauth.Secret, len(r.Secrets))
		for name, value := range r.Secrets {
			r.Account.Secrets[name] = connectorauth.Secret(value)
		}
	}
	return r.Account, nil
}

// Find returns the definition of an account: the account's revision if the Set has the
// revision, or else the newest. The account may know the definition by a former name. An
// account whose revision is newer than all of the Set is an error.
func (s *Set) Find(a Account) (*Definition, error) {
	newest, err := s.Lookup(a.Definition)
	if err != nil {
		return nil, err
	}
	if a.Revision > newest.Revision {
		return nil, fmt.Errorf("definition: the account has revision %d of %s, and the program has revision %d; use the newer definition", a.Revision, newest.Name, newest.Revision)
	}
	for _, d := range s.Revisions(a.Definition) {
		if d.Revision == a.Revision {
			return d, nil
		}
	}
	return newest, nil
}

// Connect connects a stored account, by the definition that Find returns. The method is the
// account's, so the Method of connection must be empty. Nil Scopes, and a nil Server, mean
// those of the account. A value of connection, such as the value of a hidden input, replaces
// the account's.
//
// A newer definition may have renamed inputs: the account's values are found by the former
// names. Inputs and scopes that the newer definition lacks are left out. An input that the
// account lacks is in the *InputError, as in Definition.Connect: ask the account owner.
//
// A newer definition may also name an issuer of which the account has no metadata. Then the
// account goes on without metadata if the definition names all endpoints. Otherwise the error
// matches connectorauth.ErrReauthRequired. Keep what Connected.Account returns from then on.
func (s *Set) Connect(a Account, connection Connection) (*Connected, error) {
	d, err := s.stored(a, &connection)
	if err != nil {
		return nil, err
	}
	return d.Connect(connection)
}

// stored adds what is kept of an account to a connection.
func (s *Set) stored(a Account, connection *Connection) (*Definition, error) {
	d, err := s.Find(a)
	if err != nil {
		return nil, err
	}
	if connection.Method != "" {
		return nil, errors.New("definition: Connection: Method: is the account's; leave the field empty, or change Account.Method")
	}
	m := d.find(a.Method)
	if m == nil {
		return nil, fmt.Errorf("definition: revision %d of %s has no method %s; connect the account again, by one of %s", d.Revision, d.Name, shown(a.Method), strings.Join(d.methods(), ", "))
	}
	given := a.Given()
	maps.Copy(given, connection.Values)
	connection.Method, connection.Values, connection.stored = m.Name, given, true
	connection.older = a.Revision != d.Revision
	if connection.Scopes == nil {
		connection.Scopes = a.Scopes
	}
	connection.Server = cmp.Or(connection.Server, a.Server)
	return d, nil
}
