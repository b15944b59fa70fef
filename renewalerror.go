package connectorauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// RenewalError returns why a credential that the API has rejected could not be
// renewed for now: the provider or the store is out of order, the provider asks to
// wait, the body of the request cannot be sent again, or the API has rejected a
// credential right after its renewal. The same request may succeed later. A program
// may so tell a 401 that passes from a 401 for good.
//
// RenewalError returns nil for a response of any other kind, including the rejection
// of a credential that is never renewed, such as the key of an [APIKey]. Where the
// account owner must act, or the configuration is wrong, there is no response: the
// request fails with an error, such as [ErrReauthRequired].
//
// errors.As finds a [*TokenError] if a token request has failed, with all fields but
// without a cause. errors.Is finds [ErrCredentialRejected] if the API has rejected the
// credential right after its renewal: the token endpoint works, and the API refuses the
// credential. errors.As finds a *storeerror.Locked if somebody holds the lock of the
// account's record. Other errors have a text alone. No error contains a credential.
//
// The reason is an entry of resp.Header with a name that HTTP does not allow, as with
// [http.TrailerPrefix]. So an API cannot forge the entry, a server and
// httputil.DumpResponse do not write the entry, and the reason stays with the response
// through http.Client, its Timeout and redirects, and through whatever replaces the
// body or copies the response together with its header, as RoundTrippers around a
// connector and API clients do. RenewalError does not read the body, and may be called
// at any time. Several goroutines may call RenewalError.
func RenewalError(resp *http.Response) error {
	if resp == nil || len(resp.Header[renewalField]) == 0 {
		return nil
	}
	why := new(reason)
	if json.Unmarshal([]byte(resp.Header[renewalField][0]), why) != nil {
		return nil
	}
	return why
}

// renewalField is the name under which a header keeps the reason. The colon keeps
// the entry off the wire, in both directions.
const renewalField = ":connectorauth-renewal"

// reason is why a credential could not be renewed for now, and the JSON form in a
// header.
type reason struct {
	Text   string      `json:"text"`
	Failed *TokenError `json:"failed,omitempty"` // the token request that failed
	Again  bool        `json:"again,omitempty"`  // the API rejected a credential right after its renewal
	// Holder holds the lock of the record; nil if nobody does.
	Holder *storeerror.Holder `json:"holder,omitempty"`
}

// Error returns the text of the reason.
func (r *reason) Error() string { return r.Text }

// Unwrap returns the failed token request, or the lock that somebody holds, or nil.
func (r *reason) Unwrap() error {
	switch {
	case r.Failed != nil:
		return r.Failed
	case r.Holder != nil:
		return &storeerror.Locked{Holder: *r.Holder, Err: context.DeadlineExceeded}
	}
	return nil
}

// Is reports whether target is ErrCredentialRejected, and the API rejected a credential
// right after its renewal.
func (r *reason) Is(target error) bool { return r.Again && target == ErrCredentialRejected }

// unrenewed returns what the caller gets: the rejection resp, or the error of a hook
// that saw the rejection, either together with why the credential could not be
// renewed. A credential that is never renewed needs no explanation.
func unrenewed(resp *http.Response, hookErr, why error) (*http.Response, error) {
	switch {
	case why == nil || errors.Is(why, errNotRenewable):
	case hookErr != nil:
		hookErr = fmt.Errorf("%w: %w", hookErr, why)
	default:
		reason := reason{Text: why.Error(), Again: errors.Is(why, renew.ErrRejectedAgain)}
		errors.As(why, &reason.Failed)
		if locked := (*storeerror.Locked)(nil); errors.As(why, &locked) {
			reason.Holder = &locked.Holder
		}
		text, _ := json.Marshal(reason) // strings and numbers: cannot fail
		if resp.Header = maps.Clone(resp.Header); resp.Header == nil {
			resp.Header = make(http.Header, 1)
		}
		resp.Header[renewalField] = []string{string(text)}
	}
	return settle(resp, hookErr)
}
