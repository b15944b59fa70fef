package connectorauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// recordVersion is the version of the credentials within the records that
// connectors save. A program refuses a later version.
const recordVersion = 1

// decodeRecord reads a value that a connector saved, of which version is a field.
// Errors do not quote the value.
func decodeRecord(stored []byte, into any, version *int) error {
	dec := json.NewDecoder(bytes.NewReader(stored))
	dec.UseNumber() // as in a token response
	if dec.Decode(into) != nil || *version < 1 {
		return errors.New("the value is not a token that this library saved")
	}
	if *version > recordVersion {
		return &storeerror.Newer{Version: *version, Known: recordVersion}
	}
	return nil
}

// accountName names an account for people, and in the account's record.
func accountName(tokenURL, clientID, grantType, user string) string {
	name := fmt.Sprintf("client %q at %s by %s", clientID, scrub.WithoutQuery(tokenURL), grantType)
	if user != "" {
		name += fmt.Sprintf(" for %q", user)
	}
	return name
}

// constant is the part of a renew.Scheme for an account that never changes its
// name or login, at a provider without a grace period.
type constant struct{}

// Succeeds returns false.
func (constant) Succeeds(string) bool { return false }

// Login returns nothing: nobody types a password.
func (constant) Login(string) (string, bool) { return "", true }

// Retakes returns false.
func (constant) Retakes() bool { return false }
