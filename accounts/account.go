package accounts

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// Errors on which a program can act. Test with errors.Is.
var (
	// ErrNotFound: there is no account with the ID.
	ErrNotFound = errors.New("accounts: there is no such account")
	// ErrExists: there is an account with the ID of the Request already.
	ErrExists = errors.New("accounts: there is an account with this ID already")
	// ErrConnecting: the account owner has not finished the consent, or the first test of the
	// account has not ended. ErrConnecting matches connectorauth.ErrNotConnected too.
	ErrConnecting error = connecting{}
	// ErrDisconnected: the account is being disconnected.
	ErrDisconnected = errors.New("accounts: the account is disconnected")
	// ErrOtherIdentity: the credential opens another account of the service than before.
	ErrOtherIdentity error = otherIdentity{}
	// ErrSuperseded: another Reconnect or a Disconnect has begun meanwhile.
	ErrSuperseded = errors.New("accounts: the account was connected anew or disconnected meanwhile; begin again")
	// ErrNoConsent: no consent is open for the account.
	ErrNoConsent = errors.New("accounts: the account waits for no consent; call Reconnect first")
)

// connecting is the type of ErrConnecting.
type connecting struct{}

func (connecting) Error() string {
	return "accounts: the account is not connected so far: the account owner has not finished the consent, or the first test has not ended"
}

// Is reports whether target is an error of an account without a token.
func (connecting) Is(target error) bool {
	return target == connectorauth.ErrNotConnected || target == connectorauth.ErrReauthRequired
}

// otherIdentity is the type of ErrOtherIdentity.
type otherIdentity struct{}

func (otherIdentity) Error() string {
	return "accounts: the credential is that of another account; use the account that was connected before, or connect a new account"
}

// ConsentReason is the reason on the page of package consent.
func (otherIdentity) ConsentReason() string { return "mixup" }

// A Status tells whether an account works, in the words of logs and JSON.
type Status string

// The statuses.
const (
	StatusConnecting     Status = "connecting"      // the account owner has not finished the first consent
	StatusOK             Status = "ok"              // the account works, as far as anybody knows
	StatusFailing        Status = "failing"         // the account does not work, and the account owner need not act
	StatusReauthRequired Status = "reauth_required" // the account owner must connect the account again
	StatusDisconnected   Status = "disconnected"    // Disconnect has begun and has not ended
)

// An Account is what is known of one account. An Account has no secret. Empty fields are
// unknown, or there is nothing to say.
type Account struct {
	ID string `json:"id"` // never changes
	// Owner, Definition and Method are those of the Request, with the present names of the
	// definition and of the method, and Revision is that of the definition.
	Owner      string `json:"owner"`
	Definition string `json:"definition"`
	Revision   int    `json:"revision"`
	Method     string `json:"method"`
	// Identity and Label are what the service says of the account: see
	// definition.Identity.
	Identity string `json:"identity,omitempty"`
	Label    string `json:"label,omitempty"`

	Status Status `json:"status"`
	// Reason is why the account does not work, for programs, and Error is the text for
	// developers. Empty with StatusOK.
	Reason definition.CheckReason `json:"reason,omitempty"`
	Error  string                 `json:"error,omitempty"`
	// Since is when the account came into the Status.
	Since time.Time `json:"since"`
	// Granted and Missing are scopes: see connectorauth.Status.
	Granted []string `json:"granted,omitempty"`
	Missing []string `json:"missing,omitempty"`

	Created time.Time `json:"created"`
	// Tested is when the service was last asked whether the account works.
	Tested time.Time `json:"tested,omitzero"`
	// ReauthBy is when the token ends for good: see connectorauth.Status. Sweep renews the
	// token before, which moves the ReauthBy of most services.
	ReauthBy time.Time `json:"reauthBy,omitzero"`
	// Expiry is when the access token expires that Test or Sweep has seen last. A request that
	// has renewed the token since does not change Expiry.
	Expiry time.Time `json:"expiry,omitzero"`
	// Final: a renewal has not moved ReauthBy, so the account owner must connect the account
	// again by then. See ReauthWithin.
	Final bool `json:"final,omitempty"`
	// Due is when the account is to be looked at, for Index.Claim. Zero means never.
	Due time.Time `json:"due,omitzero"`

	// Version counts the writes to the Index: see Index.Put.
	Version int64 `json:"version"`
	// Current is the generation of values and tokens in use, and Pending a generation that
	// is being connected. 0 means none. Last is the highest generation so far, and First the
	// first one: 0 means 1. Accounts that have an ID one after the other share no generation.
	Current int `json:"current,omitempty"`
	Pending int `json:"pending,omitempty"`
	Last    int `json:"last,omitempty"`
	First   int `json:"first,omitempty"`

	// newer are the members of a newer program: see SQL.
	newer map[string]json.RawMessage
}

// A Request is what Connect and Reconnect need of an account.
type Request struct {
	// ID is the ID of the new account, of the program's own choice: at most 100 letters,
	// digits and characters of "-_.:". Empty means a new UUID (RFC 9562 section 5.7). Only
	// for Connect.
	ID string
	// Owner names the account owner, in the words of the program: at most 1,000 bytes of UTF-8
	// without U+0000. Required by Connect;
	// Reconnect keeps the owner of the account.
	Owner string
	// Definition is the name of the definition. Required by Connect; Reconnect keeps the
	// definition of the account, in the newest revision.
	Definition string
	// Method is the name of the method. Empty means the default method, or with Reconnect
	// that of the account.
	Method string
	// Values are the values of the inputs, by name. With Reconnect, an absent value and an
	// empty secret stay as in the account, unless Method is another one.
	Values map[string]connectorauth.Secret
	// Scopes are as in definition.Connection. Nil means the default choice, or with
	// Reconnect the scopes of the account.
	Scopes []string
	// MoreScopes are asked for by Reconnect beside the scopes of the account, or beside
	// Scopes, such as for a part of the program that the account owner has just opened.
	MoreScopes []string
	// OtherIdentity lets Reconnect give the account to another identity of the service.
	OtherIdentity bool
	// Duplicate allows a second account of the owner with the same definition and identity.
	Duplicate bool
}

// ReauthWithin reports whether the account owner must connect the account again before d has
// passed, for a mail to the owner. A StatusReauthRequired is another matter: the account owner is late.
// Sweep finds out, halfway to ReauthBy at the latest.
func (a Account) ReauthWithin(d time.Duration) bool {
	return a.Final && a.Status != StatusReauthRequired && a.Status != StatusDisconnected && time.Until(a.ReauthBy) <= d
}

// A Filter chooses accounts. Empty fields choose all.
type Filter struct {
	Owner string
	// Definitions are names of definitions, of which an account has one. Registry.List also
	// finds accounts that have a former name.
	Definitions []string
	Status      Status
	Identity    string
}

// now returns the time as an Index keeps times: in UTC, in microseconds.
func now() time.Time { return inMicroseconds(time.Now()) }

// inMicroseconds returns a time as an Index keeps times.
func inMicroseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// become changes the status of an account.
func (a *Account) become(s Status, reason definition.CheckReason, text string) {
	if a.Status != s {
		a.Status, a.Since = s, now()
	}
	a.Reason, a.Error = reason, text
}
