package connectorauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// CustomConfig is a way of authenticating that the other connectors do not
// cover, written in Go.
type CustomConfig struct {
	// Authenticate adds the credential to a request. Required, unless Transport alone
	// authenticates. value is what Obtain returned last; the zero value without Obtain.
	// The request is a copy: its URL and header may be changed. To change the body, replace the body together with
	// ContentLength and GetBody, and close the former body. A changed URL must stay
	// on the origin of the request, or within Hosts. Authenticate is called for each
	// send, by several goroutines.
	Authenticate func(req *http.Request, value CustomCredential) error
	// Obtain returns the credential that follows old. old is the zero value if there
	// is no credential yet. rejection is the API's response that Rejected recognized,
	// without its body, with a copy of the request; nil if old expires, does not exist,
	// or was rejected by a hook alone. However many requests need a credential, Obtain is
	// called once, and the credential is saved before use. ctx is bounded and outlives
	// the caller that wanted the credential.
	//
	// After an error, Obtain is called again with growing pauses, over all processes
	// with the same Store. After an error that matches ErrReauthRequired or
	// ErrNotConnected, Obtain is called again after a minute; until then, requests fail
	// with this error. A stored credential that is damaged is replaced: Obtain gets the
	// zero value. Empty means that the credential never changes.
	Obtain func(ctx context.Context, old CustomCredential, rejection *http.Response) (CustomCredential, error)
	// Rejected reports whether a response says that the credential is no longer
	// valid. Rejected sees a copy of the response, without the body: where the body
	// tells, as in an error with status 200, Hooks.AfterResponse returns
	// ErrCredentialRejected. A panic counts as no. Empty means status 401. Without
	// Obtain, Rejected is not used.
	Rejected func(*http.Response) bool
	// Transport sends the requests that carry the credential, in place of the base
	// RoundTripper, for a credential that belongs to the connection, such as a client
	// certificate. Many clients share the Transport and its connections. A request
	// without the credential, as after a redirect to another origin, goes through the
	// base. Empty means the base.
	Transport http.RoundTripper
	// Header is the name of the header that Authenticate sets, such as
	// "Authorization". The header of the caller's request is removed before, in any
	// spelling, and Join refuses another credential for the same header. Empty means
	// that Authenticate sets no header of this kind.
	Header string

	// Store keeps the credential. Empty means that the credential lives in memory,
	// as long as the connector. Without Obtain, Store must be empty.
	Store TokenStore
	// Account is the key in Store, and the name in events. Required with Store.
	// Connectors with the same Store and Account share a credential.
	Account string
	// Shared is what this connector has in common with others: see [OAuth2Config].
	Shared *Shared
	// Hosts are the places that may see the credential: see [APIKeyConfig].
	Hosts []string
	// RenewBefore is how long before its expiry a credential is renewed in the
	// background, at most a fifth of its lifetime. 0 means 5 minutes.
	RenewBefore time.Duration
	// Observe is told what happens to the credential: see [OAuth2Config].
	Observe func(Event)
}

// CustomCredential is the credential of a [Custom] connector.
type CustomCredential struct {
	// Value is the credential as text. A store keeps the text.
	Value Secret
	// Expiry is when the credential expires. Zero means that the credential is valid
	// until the API rejects it.
	Expiry time.Time
}

// Custom is the [Connector] of functions.
type Custom struct{ core hidden }

// NewCustom returns a connector made of functions. All rules for credentials
// hold: the functions see no request to a foreign host and no redirect that has
// left the origin, and work on a copy of the caller's request.
func NewCustom(config CustomConfig) (*Custom, error) {
	var problems check.List
	if config.Authenticate == nil && config.Transport == nil {
		problems.Add("Authenticate: is required")
	}
	if config.Authenticate == nil && config.Obtain != nil {
		problems.Add("Authenticate: is required with Obtain")
	}
	if config.Store != nil && config.Obtain == nil {
		problems.Add("Store: has nothing to keep without Obtain")
	}
	if config.Store != nil && config.Account == "" {
		problems.Add("Account: is empty; name the credential that Store keeps")
	}
	if config.RenewBefore < 0 {
		problems.Add("RenewBefore: is negative; 0 means 5 minutes")
	}
	if config.Header != "" && !wire.IsToken(config.Header) {
		problems.Add("Header: %q is not a header name", config.Header)
	}
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("CustomConfig"); err != nil {
		return nil, err
	}
	if config.RenewBefore == 0 {
		config.RenewBefore = 5 * time.Minute
	}
	s := &customScheme{config: config}
	if config.Obtain != nil {
		s.engine = renew.Open[customRecord](&config.Shared.orProgram().group, config.Store, config.Account, "custom")
	}
	return &Custom{newCore(s, hosts)}, nil
}

// AuthType returns AuthTypeCustom.
func (*Custom) AuthType() AuthType { return AuthTypeCustom }

// String names the type. A connector prints nothing of its credentials.
func (*Custom) String() string { return "connectorauth.Custom" }

// Wrap returns a RoundTripper that authenticates by the functions and sends
// through base. A nil base means http.DefaultTransport.
func (c *Custom) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *Custom) inner() *core             { return c.core.get() }
func (*Custom) with(inner *core) Connector { return &Custom{inner.hide()} }

// customRecord is a CustomCredential, and the record in the store.
type customRecord struct {
	Version int       `json:"v"`
	Kind    string    `json:"kind"` // "custom"
	Value   string    `json:"value"`
	Issued  time.Time `json:"issued"`
	Expiry  time.Time `json:"expiry,omitzero"`
}

// credential returns the credential in r, which may be nil.
func (r *customRecord) credential() CustomCredential {
	if r == nil {
		return CustomCredential{}
	}
	return CustomCredential{Secret(r.Value), r.Expiry}
}

// customScheme authenticates by the functions of a config.
type customScheme struct {
	constant
	config CustomConfig
	engine *renew.Reader[customRecord] // nil without Obtain
}

func (s *customScheme) places() places {
	p := places{stage: stageCustom, header: http.CanonicalHeaderKey(s.config.Header)}
	if s.config.Transport != nil {
		p.others = []string{"connection"}
	}
	return p
}

func (s *customScheme) transport() http.RoundTripper { return s.config.Transport }

func (s *customScheme) authenticate(req *http.Request, _ []string) (credential, error) {
	sent := &customCredential{s: s}
	if s.config.Authenticate == nil {
		return sent, nil
	}
	var value CustomCredential
	if s.engine != nil {
		g, err := s.engine.Get(req.Context(), s)
		if err != nil {
			return nil, err
		}
		sent.from, value = g, g.Value.credential()
	}
	host := req.URL.Host
	detach(req)
	if err := foreign("Authenticate", func() error { return s.config.Authenticate(req, value) }, string(value.Value)); err != nil {
		return nil, err
	}
	if err := complete(req, host); err != nil {
		return nil, err
	}
	return sent, nil
}

// customCredential is what one request carries.
type customCredential struct {
	s         *customScheme
	from      *renew.Generation[customRecord] // nil without Obtain
	rejection *http.Response                  // what rejected the credential, without a body
}

func (c *customCredential) auth(int) Secret {
	if c.from == nil {
		return ""
	}
	return Secret(c.from.Value.Value)
}

func (c *customCredential) rejected(resp *http.Response) bool {
	if c.from == nil {
		return false
	}
	rejected := resp.StatusCode == http.StatusUnauthorized
	if c.s.config.Rejected != nil {
		seen := withoutBody(resp)
		rejected = false
		foreign("Rejected", func() error { rejected = c.s.config.Rejected(seen); return nil })
	}
	if rejected {
		c.rejection = withoutBody(resp)
	}
	return rejected
}

func (c *customCredential) replace(ctx context.Context) error {
	if c.from == nil {
		return errNotRenewable
	}
	_, err := c.s.engine.Replace(ctx, customRenewal{c.s, c.rejection}, c.from)
	return err
}

func (c *customCredential) replaceLater(ctx context.Context) error {
	if c.from == nil {
		return errNotRenewable
	}
	return c.s.engine.ReplaceLater(ctx, customRenewal{c.s, c.rejection}, c.from)
}

func (c *customCredential) rejectedAgain() error {
	if c.from == nil {
		return nil
	}
	return c.s.engine.RejectedAgain(c.from)
}

// customRenewal is a customScheme that renews after a rejection.
type customRenewal struct {
	*customScheme
	rejection *http.Response
}

// Renew obtains the credential that follows old, after a rejection.
func (r customRenewal) Renew(ctx context.Context, old *customRecord) (*customRecord, error) {
	return r.obtain(ctx, old, r.rejection)
}

// Renew obtains the credential that follows old. Renew implements renew.Scheme.
func (s *customScheme) Renew(ctx context.Context, old *customRecord) (*customRecord, error) {
	return s.obtain(ctx, old, nil)
}

func (s *customScheme) obtain(ctx context.Context, old *customRecord, rejection *http.Response) (*customRecord, error) {
	issued := time.Now()
	var value CustomCredential
	err := foreign("Obtain", func() (err error) {
		value, err = s.config.Obtain(endpoint.Untraced(ctx), old.credential(), rejection)
		return err
	}, s.Secrets(old)...)
	if err == nil && !value.Expiry.IsZero() && !value.Expiry.After(issued) {
		err = errors.New("connectorauth: Obtain returned a credential that has expired")
	}
	if err != nil {
		return nil, subject{account: s.config.Account}.name(withhold(err, string(value.Value)))
	}
	return &customRecord{Value: string(value.Value), Issued: issued, Expiry: value.Expiry}, nil
}

// Verdict tells the engine what an error of Obtain means. The verdict is never
// Dead: Obtain alone knows when the account owner has been back, and must be asked
// again.
func (s *customScheme) Verdict(err error) renew.Verdict {
	v := verdict(err)
	if v.Kind == renew.Dead {
		if v.Code != codeNotConnected {
			v.Code = codeReauth
		}
		v.Kind, v.After = renew.Temporary, max(v.After, time.Minute)
	}
	return v
}

// Identity names the kind of the account: the functions of a config have no name.
func (*customScheme) Identity() string { return "a Custom connector" }

// Endpoint names nothing: nobody knows where Obtain sends its requests.
func (*customScheme) Endpoint() renew.Endpoint { return renew.Endpoint{} }

// Alone returns true: Obtain starts without a credential.
func (*customScheme) Alone() bool { return true }

// SingleUse returns false: nobody knows what Obtain sends.
func (*customScheme) SingleUse(*customRecord) bool { return false }

// Rotated returns false.
func (*customScheme) Rotated(_, _ *customRecord) bool { return false }

// Restore returns the error of an earlier call of Obtain.
func (s *customScheme) Restore(_ *customRecord, code string, dead bool, after time.Duration) error {
	return subject{account: s.config.Account}.restored(code, dead, after)
}

// Secrets returns what no error may quote.
func (*customScheme) Secrets(r *customRecord) []string {
	return scrub.Spellings(string(r.credential().Value))
}

// Lead returns how long before its expiry a credential is renewed.
func (s *customScheme) Lead() time.Duration { return s.config.RenewBefore }

// Expiry returns the times of a credential's life.
func (*customScheme) Expiry(r *customRecord) (issued, expiry time.Time) { return r.Issued, r.Expiry }

// Encode returns the record of r.
func (*customScheme) Encode(r *customRecord) ([]byte, error) {
	stored := *r
	stored.Version, stored.Kind = recordVersion, "custom"
	return json.Marshal(&stored)
}

// Decode reads a record.
func (*customScheme) Decode(stored []byte) (*customRecord, error) {
	r := new(customRecord)
	if err := decodeRecord(stored, r, &r.Version); err != nil {
		return nil, err
	}
	if r.Kind != "custom" {
		return nil, errors.New("the value is not the credential of a Custom connector")
	}
	return r, nil
}

// Observe tells the program what happened.
func (s *customScheme) Observe(e renew.Event[customRecord]) {
	if s.config.Observe != nil {
		s.config.Observe(newEvent(e, s.config.Account, e.Value.credential().Expiry))
	}
}
