package connectorauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/inject"
	rfc5849 "github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// oauth1Token is the credentials of an account, and the record in the store.
type oauth1Token struct {
	Version int               `json:"v"`
	Token   string            `json:"oauth_token"`
	Secret  string            `json:"oauth_token_secret"`
	Issued  time.Time         `json:"issued,omitzero"` // when its request began
	Extra   map[string]string `json:"extra,omitempty"` // the other members of the token responses, at most maxExtra
	left    int32             // how many members of the responses were left out
	unread  bool              // a lifetime in the response is of no use
}

// Members of a token response in the OAuth Session extension. Lifetimes are in
// seconds, and some services write something else.
const (
	sessionHandle   = "oauth_session_handle"
	tokenLifetime   = "oauth_expires_in"
	sessionLifetime = "oauth_authorization_expires_in"
)

// oauth1Places are the places that a signature replaces, wherever its own
// parameters go.
var oauth1Places = func() (list []string) {
	for _, name := range rfc5849.Names {
		list = append(list, fmt.Sprintf("query parameter %q", name), bodyPlace(name))
	}
	return list
}()

// open prepares the scheme of a config without mistakes. signer is that of the
// config's token.
func (s *oauth1Scheme) open(signer *rfc5849.Signer) {
	c := &s.config
	s.place = rfc5849.Place{In: c.In, BodyHash: c.BodyHash, MaxBody: c.MaxBody}
	if c.RequestTokenURL == "" {
		s.last.Store(&oauth1Signer{Signer: signer})
		return
	}
	identity := pending.Identity(c.AccessTokenURL, c.ClientID, "oauth1")
	s.engine = renew.Open[oauth1Token](&c.Shared.orProgram().group, c.Store, c.Account, identity)
}

// newSigner returns the signer of a token; an empty token means the client alone.
func (s *oauth1Scheme) newSigner(token, secret string) (*rfc5849.Signer, error) {
	c := &s.config
	return rfc5849.New(rfc5849.Config{
		ConsumerKey: c.ClientID, ConsumerSecret: string(c.ClientSecret), Token: token, TokenSecret: secret,
		Method: string(c.SignatureMethod), PrivateKey: c.PrivateKey, Custom: c.Signer, Realm: c.Realm,
	})
}

// end returns when the lifetime of that name in the response is over. Zero means
// unknown.
func (t *oauth1Token) end(name string) time.Time {
	end, _ := endpoint.Ends(t.Extra[name], dialect.ExpirySeconds, t.Issued)
	return end
}

// isUnread reports whether a lifetime in the response is of no use.
func (t *oauth1Token) isUnread() bool {
	for _, name := range []string{tokenLifetime, sessionLifetime} {
		if _, err := endpoint.Ends(t.Extra[name], dialect.ExpirySeconds, t.Issued); err != nil {
			return true
		}
	}
	return false
}

// Extra returns the other members of the service's token response, such as
// user_id, screen_name, and oauth_session_handle, which is a secret. Extra is nil
// for a connector without the three URLs.
func (c *OAuth1) Extra(ctx context.Context) (map[string]string, error) {
	s := c.scheme()
	if s.engine == nil {
		return nil, nil
	}
	g, err := s.engine.Get(ctx, s)
	if err != nil {
		return nil, err
	}
	return maps.Clone(g.Value.Extra), nil
}

// obtain exchanges credentials for a token (RFC 5849 section 2.3): temporary
// credentials, or the credentials of an old token. Extra values of old stay if the
// service does not repeat them.
func (s *oauth1Scheme) obtain(ctx context.Context, with, old *oauth1Token, proof rfc5849.Param) (*oauth1Token, error) {
	issued := time.Now()
	got, err := s.ask(ctx, s.config.AccessTokenURL, with, proof)
	if err != nil {
		return nil, err
	}
	t := &oauth1Token{Token: got.Get("oauth_token"), Secret: got.Get("oauth_token_secret"), Issued: issued}
	t.Extra, t.left = old.leftovers(got)
	t.unread = t.isUnread()
	if _, err := s.newSigner(t.Token, t.Secret); err != nil {
		return nil, s.subject(s.config.AccessTokenURL).fill(&TokenError{StatusCode: 200, inDoubt: true, cause: err})
	}
	return t, nil
}

// subject returns what a request to url is about.
func (s *oauth1Scheme) subject(url string) subject { return subject{s.config.Account, url} }

// ask makes a request to an endpoint, signed with a token, and returns the
// response. proof is what the request is about; without a value, proof is left out.
//
// If the response shows that the clock here is wrong, the request is sent once
// more. Credentials for single use are sent again only if the service says that it
// refused the timestamp, and so has not looked at the credentials.
func (s *oauth1Scheme) ask(ctx context.Context, to string, token *oauth1Token, proof rfc5849.Param) (url.Values, error) {
	signer, err := s.newSigner(token.Token, token.Secret)
	if err != nil {
		return nil, fmt.Errorf("connectorauth: the temporary credentials: %w", err)
	}
	var sent *signed
	var extra []rfc5849.Param
	if proof.Value != "" {
		extra = []rfc5849.Param{proof}
	}
	call := endpoint.Call{
		Base: endpoint.TransportOf(s.config.HTTPClient),
		Build: func(ctx context.Context) (req *http.Request, secrets []string, err error) {
			sent = &signed{s: s, ahead: s.clock.Ahead()}
			if req, err = http.NewRequestWithContext(ctx, s.config.TokenMethod, to, nil); err == nil {
				if s.config.In == dialect.InBody {
					req.Header.Set("Content-Type", wire.FormType)
				}
				err = s.place.Put(req, signer, sent.ahead, inject.Room{Body: &sent.body}, extra...)
			}
			return req, scrub.Spellings(string(s.config.ClientSecret), token.Secret, proof.Value), err
		},
		Again: func(resp *endpoint.Response) bool {
			if resp.Granted() {
				return false
			}
			sent.learn(resp.Response, rfc5849.BodyProblem(resp.Text()))
			return s.clock.Ahead() != sent.ahead &&
				(sent.problem == rfc5849.TimestampRefused || sent.problem == "" && token.Token == "")
		},
	}
	resp, err := call.Do(ctx)
	if err != nil {
		return nil, s.subject(to).newTokenError(err)
	}
	got, err := url.ParseQuery(string(resp.Text()))
	if resp.Granted() {
		if err != nil || len(got["oauth_token"]) != 1 || len(got["oauth_token_secret"]) != 1 || got.Get("oauth_token") == "" {
			return nil, s.subject(to).newTokenError(resp.Fail(errors.New("the response has no token and secret, or more than one")))
		}
		return got, nil
	}
	fail := resp.Fail(nil)
	sent.learn(resp.Response, rfc5849.BodyProblem(resp.Text()))
	fail.Code = scrub.Text(sent.problem, 64, resp.Secrets...)
	failed := s.subject(to).newTokenError(fail).(*TokenError)
	failed.dead = proof.Name == sessionHandle && rfc5849.IsDeadToken(sent.problem)
	return nil, failed
}

// Renew obtains the token that follows old, by its session handle. Renew
// implements renew.Scheme.
func (s *oauth1Scheme) Renew(ctx context.Context, old *oauth1Token) (*oauth1Token, error) {
	if old == nil {
		return nil, s.subject(s.config.AccessTokenURL).name(fmt.Errorf("%w: use Begin and Finish", ErrNotConnected))
	}
	handle := old.Extra[sessionHandle]
	if handle == "" {
		return nil, errNotRenewable
	}
	return s.obtain(ctx, old, old, rfc5849.Param{Name: sessionHandle, Value: handle})
}

// oauth1Renewal is an oauth1Scheme that renews after the API has refused a token.
type oauth1Renewal struct {
	*oauth1Scheme
	problem string // oauth_problem of the refusal, or empty
}

// Renew obtains the token that follows old. A token that the API does not know any
// more and that cannot be renewed is lost.
func (r oauth1Renewal) Renew(ctx context.Context, old *oauth1Token) (*oauth1Token, error) {
	t, err := r.oauth1Scheme.Renew(ctx, old)
	if errors.Is(err, errNotRenewable) && rfc5849.IsDeadToken(r.problem) {
		err = &TokenError{StatusCode: http.StatusUnauthorized, Code: r.problem, Account: r.config.Account, dead: true, byAPI: true}
	}
	return t, err
}

// Verdict tells the engine what an error of Renew means.
func (r oauth1Renewal) Verdict(err error) renew.Verdict {
	v := r.oauth1Scheme.Verdict(err)
	v.Void = v.Kind == renew.Dead && rfc5849.IsDeadToken(r.problem)
	return v
}

// Verdict tells the engine what an error of Renew means.
func (*oauth1Scheme) Verdict(err error) renew.Verdict {
	v := verdict(err)
	v.Idle = errors.Is(err, errNotRenewable)
	return v
}

// Identity names the account.
func (s *oauth1Scheme) Identity() string {
	return accountName(s.config.AccessTokenURL, s.config.ClientID, "oauth1", "")
}

// Endpoint names the access token URL.
func (s *oauth1Scheme) Endpoint() renew.Endpoint {
	return s.config.Shared.orProgram().endpoint(s.config.AccessTokenURL, s.config.ClientID)
}

// Alone returns false: the account owner consents.
func (*oauth1Scheme) Alone() bool { return false }

// SingleUse reports whether a session handle is sent.
func (*oauth1Scheme) SingleUse(old *oauth1Token) bool { return old.Extra[sessionHandle] != "" }

// Rotated reports whether the session handle was replaced.
func (*oauth1Scheme) Rotated(old, next *oauth1Token) bool {
	return old.Extra[sessionHandle] != next.Extra[sessionHandle]
}

// Restore returns the error of an earlier renewal.
func (s *oauth1Scheme) Restore(_ *oauth1Token, code string, dead bool, after time.Duration) error {
	err := s.subject(s.config.AccessTokenURL).restored(code, dead, after)
	if failed := new(TokenError); errors.As(err, &failed) && dead && rfc5849.IsDeadToken(code) {
		failed.byAPI, failed.Endpoint = true, ""
	}
	return err
}

// Secrets returns what no error may quote.
func (*oauth1Scheme) Secrets(t *oauth1Token) []string {
	if t == nil {
		return nil
	}
	return scrub.Spellings(t.Secret, t.Extra[sessionHandle])
}

// Lead returns how long before its expiry a token is renewed.
func (*oauth1Scheme) Lead() time.Duration { return 5 * time.Minute }

// Expiry returns the times of a token's life. A token without a session handle is
// valid until the service rejects the token.
func (s *oauth1Scheme) Expiry(t *oauth1Token) (issued, expiry time.Time) {
	if t.Extra[sessionHandle] == "" {
		return t.Issued, time.Time{}
	}
	return t.Issued, t.end(tokenLifetime)
}

// Encode returns the record of t.
func (*oauth1Scheme) Encode(t *oauth1Token) ([]byte, error) {
	stored := *t
	stored.Version = recordVersion
	return json.Marshal(&stored)
}

// Decode reads a record.
func (s *oauth1Scheme) Decode(stored []byte) (*oauth1Token, error) {
	t := new(oauth1Token)
	if err := decodeRecord(stored, t, &t.Version); err != nil {
		return nil, err
	}
	if t.Token == "" {
		return nil, errors.New("the value is not an OAuth1 token")
	}
	_, err := s.newSigner(t.Token, t.Secret)
	return t, err
}

// Observe tells the program what happened.
func (s *oauth1Scheme) Observe(e renew.Event[oauth1Token]) {
	unasked := e.Happened == renew.Renewing && (e.Value == nil || e.Value.Extra[sessionHandle] == "")
	if s.config.Observe == nil || unasked || errors.Is(e.Err, errNotRenewable) {
		return
	}
	var expiry time.Time
	if e.Value != nil {
		_, expiry = s.Expiry(e.Value)
		if e.Happened == renew.Renewed || e.Happened == renew.Saved {
			e.Err = cmp.Or(e.Err, notKept(e.Value.left, e.Value.unread))
		}
	}
	s.config.Observe(newEvent(e, s.config.Account, s.Endpoint(), expiry))
}

// leftovers returns the other members of a token response, together with the
// extra values of t, which may be nil, that are still valid. left tells how many had
// to go.
func (t *oauth1Token) leftovers(got url.Values) (extra map[string]string, left int32) {
	var old map[string]string
	if t != nil {
		old = maps.Clone(t.Extra)
		delete(old, sessionLifetime) // counts from the response that contained it
	}
	newest := make(map[string]string, len(got))
	for name := range got {
		switch name {
		case "oauth_token", "oauth_token_secret", "oauth_callback_confirmed":
		default:
			newest[name] = got.Get(name)
		}
	}
	return mergeExtra(old, newest, []string{sessionHandle, tokenLifetime})
}
