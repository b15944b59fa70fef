package connectorauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/connectorauth/connectorauth/internal/oauth1sig"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// oauth1Token is the credentials of one account, and what the store holds.
type oauth1Token struct {
	Version int               `json:"v"`
	Token   string            `json:"oauth_token"`
	Secret  string            `json:"oauth_token_secret"`
	Issued  time.Time         `json:"issued,omitzero"` // when its request began
	Extra   map[string]string `json:"extra,omitempty"` // what else the service answered

	signer *oauth1sig.Signer
}

// The answers of the OAuth Session extension. Lifetimes are in seconds.
const (
	sessionHandle   = "oauth_session_handle"
	tokenLifetime   = "oauth_expires_in"
	sessionLifetime = "oauth_authorization_expires_in"
)

// newToken prepares a token for signing.
func (s *oauth1Scheme) newToken(value, secret string) (*oauth1Token, error) {
	signer, err := oauth1sig.New(oauth1sig.Config{
		ConsumerKey: s.ClientID, ConsumerSecret: string(s.ClientSecret), Token: value, TokenSecret: secret,
		Method: oauth1sig.Method(s.SignatureMethod), PrivateKey: s.PrivateKey, Custom: s.Signer, Realm: s.Realm,
	})
	if err != nil {
		return nil, err
	}
	return &oauth1Token{Token: value, Secret: secret, signer: signer}, nil
}

// end returns when one of the lifetimes is over; zero if it is not known.
func (t *oauth1Token) end(lifetime string) time.Time {
	seconds, err := strconv.ParseInt(t.Extra[lifetime], 10, 32)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return t.Issued.Add(time.Duration(seconds) * time.Second)
}

// obtain swaps credentials for a token (RFC 5849 section 2.3): temporary ones,
// or those of an old token, whose extra values stay if the service does not
// repeat them.
func (s *oauth1Scheme) obtain(ctx context.Context, with, old *oauth1Token, proof oauth1sig.Param) (*oauth1Token, error) {
	issued := time.Now()
	values, err := s.ask(ctx, accessToken, with, proof)
	if err != nil {
		return nil, err
	}
	t, err := s.newToken(values.Get("oauth_token"), values.Get("oauth_token_secret"))
	if err != nil {
		return nil, &TokenError{StatusCode: http.StatusOK, inDoubt: true, cause: err}
	}
	t.Issued = issued
	t.Extra = old.leftovers(values)
	return t, nil
}

// leftovers returns the extra values of an answer, and those of t, which may be
// nil, that still hold.
func (t *oauth1Token) leftovers(answer url.Values) map[string]string {
	extra := make(map[string]string)
	if t != nil {
		maps.Copy(extra, t.Extra)
		delete(extra, sessionLifetime) // it counts from the answer that it was in
	}
	for name := range answer {
		switch name {
		case "oauth_token", "oauth_token_secret", "oauth_callback_confirmed":
		default:
			extra[name] = answer.Get(name)
		}
	}
	return extra
}

// The methods of renew.Scheme.

// errNotRenewable is temporary: a 401 has many reasons with OAuth1, and the
// store may yet get another token.
var errNotRenewable = errors.New("connectorauth: this OAuth1 token cannot be renewed")

// Renew obtains the token that follows old, by its session handle.
func (s *oauth1Scheme) Renew(ctx context.Context, old *oauth1Token) (*oauth1Token, error) {
	if old == nil {
		return nil, fmt.Errorf("%w: there is no token yet; use Begin and Finish", ErrReauthRequired)
	}
	handle := old.Extra[sessionHandle]
	if handle == "" {
		return nil, errNotRenewable
	}
	if end := old.end(sessionLifetime); !end.IsZero() && time.Now().After(end) {
		return nil, fmt.Errorf("%w: the service's session has run out", ErrReauthRequired)
	}
	return s.obtain(ctx, old, old, oauth1sig.Param{Name: sessionHandle, Value: handle})
}

// Verdict tells the engine what an error of Renew means.
func (*oauth1Scheme) Verdict(err error) renew.Verdict { return verdict(err) }

// Expiry returns the times of a token's life. One that cannot be renewed is good
// until the service says otherwise.
func (s *oauth1Scheme) Expiry(t *oauth1Token) (issued, expiry time.Time) {
	if t.Extra[sessionHandle] == "" {
		return t.Issued, time.Time{}
	}
	return t.Issued, t.end(tokenLifetime)
}

// Encode returns the stored form of t.
func (*oauth1Scheme) Encode(t *oauth1Token) ([]byte, error) {
	stored := *t
	stored.Version = tokenVersion
	return json.Marshal(&stored)
}

// Decode reads the stored form.
func (s *oauth1Scheme) Decode(stored []byte) (*oauth1Token, error) {
	var t oauth1Token
	if err := decodeStored(stored, &t, &t.Version); err != nil {
		return nil, err
	}
	if t.Token == "" {
		return nil, errors.New("it is not an OAuth1 token")
	}
	ready, err := s.newToken(t.Token, t.Secret)
	if err != nil {
		return nil, err
	}
	t.signer = ready.signer
	return &t, nil
}

// Observe passes what happened on to the importer.
func (s *oauth1Scheme) Observe(e renew.Event[oauth1Token]) {
	if s.OAuth1Config.Observe == nil || errors.Is(e.Err, errNotRenewable) {
		return
	}
	event := Event{Kind: EventKind(e.Happened), Account: s.Account, Err: e.Err, Duration: e.Took}
	if e.Value != nil {
		_, expiry := s.Expiry(e.Value)
		event.Expiry = expiry.Round(0)
	}
	s.OAuth1Config.Observe(event)
}
