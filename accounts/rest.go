package accounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"
)

// The limits of an account in an Index, in bytes.
const (
	maxIDBytes    = 100 // as idPattern says
	maxOwner      = 1000
	maxIdentity   = 1000
	maxDefinition = 255
	maxStatus     = 20
	maxData       = 1 << 20
)

// inColumns are the members of an Account that have columns of their own.
var inColumns = []string{"id", "owner", "definition", "status", "identity", "due", "version"}

// members are the names of all members of an Account that this program knows.
var members = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for field := range reflect.TypeFor[Account]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Account]().Field(field).Tag.Get("json"), ",")
		names[name] = name != ""
	}
	return names
})

// data returns what has no column of its own, as JSON, with the members that a newer program
// has written.
func (a Account) data() (string, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("accounts: %w", err)
	}
	var rest map[string]json.RawMessage
	if err := json.Unmarshal(text, &rest); err != nil {
		return "", fmt.Errorf("accounts: %w", err)
	}
	for _, name := range inColumns {
		delete(rest, name)
	}
	maps.Copy(rest, a.newer)
	if text, err = json.Marshal(rest); err == nil && len(text) > maxData {
		err = errors.New("the account has more than a mebibyte")
	}
	if err != nil {
		return "", fmt.Errorf("accounts: %w", err)
	}
	return string(text), nil
}

// readData reads what data has written, perhaps in a newer program.
func (a *Account) readData(data []byte) error {
	rest := *a
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &rest); err != nil {
		return fmt.Errorf("accounts: the account %q: data: %w", a.ID, err)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("accounts: the account %q: data: %w", a.ID, err)
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return members()[name] })
	if len(all) > 0 {
		rest.newer = all
	}
	rest.ID, rest.Owner, rest.Definition, rest.Status, rest.Identity, rest.Due, rest.Version = a.ID, a.Owner, a.Definition, a.Status, a.Identity, a.Due, a.Version
	*a = rest
	return nil
}

// check reports what keeps an account out of a SQL.
func (a Account) check() error {
	if !idPattern().MatchString(a.ID) {
		return errors.New("ID: want at most 100 letters, digits and characters of -_.:")
	}
	return errors.Join(tooLong("Owner", a.Owner, maxOwner), tooLong("Identity", a.Identity, maxIdentity),
		tooLong("Definition", a.Definition, maxDefinition), tooLong("Status", string(a.Status), maxStatus))
}

// tooLong reports by an error that a text has more than so many bytes, or is no text.
func tooLong(name, text string, most int) error {
	switch {
	case len(text) > most:
		return fmt.Errorf("%s: has %d bytes; at most %d are possible", name, len(text), most)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return fmt.Errorf("%s: want UTF-8 without U+0000", name)
	}
	return nil
}
