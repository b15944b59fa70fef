package definition

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// An Identity tells whose account a credential opens, in the service's words.
type Identity struct {
	ID    string // for programs: the same for one account at all times; empty if Test.ID is
	Label string // for people: one line, at most 200 bytes; empty if Test.Label is
}

// The limits of a test.
const (
	checkTime = 30 * time.Second
	checkBody = 1 << 20 // in bytes
	maxID     = 1000    // in bytes
	maxLabel  = 200     // in bytes
)

// Check makes the test request of the definition, and returns whose account the service
// says that the credential opens. The client is as in connectorauth.NewClient: nil means
// http.DefaultClient. Check takes 30 seconds at most.
//
// An account that does not work is a *CheckError. Without a test in the definition, the
// Kind of the method makes the test, and if there is none, the error is ErrNoTest. Where a
// token must be obtained first and cannot be, errors.Is finds
// connectorauth.ErrReauthRequired, and errors.As a *connectorauth.TokenError. A token that
// the service refuses right after its renewal is refused (ReasonRefused, and
// connectorauth.ErrCredentialRejected). A rejected token that cannot be renewed for now is
// not (ReasonUnavailable).
func (c *Connected) Check(ctx context.Context, client *http.Client) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	t := c.account().d.Test
	if t == nil {
		id, ok, err := c.checkOfKind(ctx, client)
		if !ok {
			err = fmt.Errorf("definition: %s: %w", c.account().d.Name, ErrNoTest)
		}
		return id, err
	}
	base, err := c.BaseURL(ctx, t.Base)
	if err != nil && !isToken(err) {
		return Identity{}, err // which says what the service has not given
	}
	if err != nil {
		return Identity{}, c.unsent(err)
	}
	req, err := c.testRequest(ctx, base)
	if err != nil {
		return Identity{}, fmt.Errorf("definition: %s: test: %w", c.account().d.Name, err)
	}
	resp, err := c.testClient(client).Do(req)
	if err != nil {
		return Identity{}, c.unsent(err)
	}
	defer resp.Body.Close()
	if failed := c.judge(req, resp); failed != nil {
		return Identity{}, failed
	}
	if t.ID == "" && t.Label == "" {
		return Identity{}, c.page(req, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, checkBody+1))
	if err != nil {
		return Identity{}, c.unsent(err)
	}
	return c.identity(ctx, resp, body)
}

// testClient returns the client of the test, which does not follow a redirect whose status
// means that the account works.
func (c *Connected) testClient(client *http.Client) *http.Client {
	ok := c.account().d.Test.OK
	own := connectorauth.NewClient(c.connector, client)
	follow := own.CheckRedirect
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		const most = 10 // as in net/http
		switch {
		case slices.Contains(ok, req.Response.StatusCode):
			return http.ErrUseLastResponse
		case follow != nil:
			return follow(req, via)
		case len(via) >= most:
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
	return own
}

// page returns an error for a page to which a redirect led: services without a good
// credential lead to a page for the login, with the status 200.
func (c *Connected) page(req *http.Request, resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.Request == nil || resp.Request.URL.Path == req.URL.Path || kind != "text/html" && kind != "application/xhtml+xml" {
		return nil
	}
	failed := &CheckError{Definition: c.account().d.Name, Reason: ReasonRefused, StatusCode: resp.StatusCode}
	c.suspect(failed, c.secret)
	return failed
}

// testRequest returns the test request of the account.
func (c *Connected) testRequest(ctx context.Context, base string) (*http.Request, error) {
	method, rest, _ := strings.Cut(c.account().d.Test.Request, " ")
	const sample = "https://example.com"
	u, err := template.ParseURL(sample + rest)
	if err != nil {
		return nil, err
	}
	filler := template.Filler{Values: map[string]string{}}
	for _, name := range append(u.Names(), c.account().d.body.Names()...) {
		filler.Values[name] = c.account().value(name)
	}
	filled, err := u.Fill(&filler)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if c.account().d.Test.Body != nil {
		text, err := c.account().d.body.Fill(&filler)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+strings.TrimPrefix(filled, sample), body)
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, credential := range append([]Credential{c.account().m.Credential}, c.account().m.And...) {
		if fields, ok := credential.Scheme.(*AuthFields); ok && fields.Body == "" {
			req.Header.Set("Content-Type", "application/json") // which decides how the fields are written
		}
	}
	return req, nil
}

// isToken reports whether no token could be obtained.
func isToken(err error) bool {
	var failed *connectorauth.TokenError
	return errors.As(err, &failed) || errors.Is(err, connectorauth.ErrReauthRequired)
}

// unsent returns the error of a test without a response.
func (c *Connected) unsent(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // the URL may have values of the account
	}
	failed := &CheckError{Definition: c.account().d.Name, Reason: ReasonUnavailable, cause: err}
	var token *connectorauth.TokenError
	var unknown *net.DNSError
	var refused *egress.Error
	switch {
	case errors.As(err, &refused):
		failed.Reason = ReasonNotFound
		c.suspect(failed, c.inURL)
	case errors.Is(err, connectorauth.ErrReauthRequired): // whatever the status: a login may be refused with 200
		failed.Reason = ReasonRefused
		c.suspect(failed, c.secret)
	case errors.As(err, &token) && token.Temporary():
		failed.RetryAfter = token.RetryAfter
	case token != nil:
		failed.Reason = ReasonRefused
		c.suspect(failed, c.secret)
	case errors.As(err, &unknown) && unknown.IsNotFound:
		failed.Reason = ReasonNotFound
		c.suspect(failed, c.inURL)
	}
	return failed
}

// judge says what the response means, or nil if the account works.
func (c *Connected) judge(req *http.Request, resp *http.Response) error {
	t := c.account().d.test()
	failed := &CheckError{Definition: c.account().d.Name, StatusCode: resp.StatusCode, RetryAfter: endpoint.RetryAfter(resp.Header)}
	failed.cause = connectorauth.RenewalError(resp)
	status := resp.StatusCode
	rejected := challenge.Rejects(t.Rejections, resp)
	switch {
	case resp.Request != nil && !origin.Same(resp.Request.URL, req.URL):
		failed.Reason = ReasonMoved
		c.suspect(failed, c.inURL)
	case !rejected && (slices.Contains(t.OK, status) || len(t.OK) == 0 && status >= 200 && status <= 299):
		return nil
	case errors.Is(failed.cause, connectorauth.ErrCredentialRejected): // even a new token
		failed.Reason = ReasonRefused
		c.suspect(failed, c.secret)
	case failed.cause != nil, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		failed.Reason = ReasonUnavailable
	case rejected, status == http.StatusUnauthorized:
		failed.Reason = ReasonRefused
		c.suspect(failed, c.secret)
	case status == http.StatusForbidden:
		failed.Reason = ReasonForbidden
		c.suspect(failed, c.secret)
	case status == http.StatusNotFound, status == http.StatusGone:
		failed.Reason = ReasonNotFound
		c.suspect(failed, c.inURL)
	case status >= 300 && status <= 399:
		failed.Reason = ReasonMoved
		c.suspect(failed, c.inURL)
	default:
		failed.Reason = ReasonStatus
	}
	return failed
}

// suspect lists the inputs that people gave and that may be wrong.
func (c *Connected) suspect(failed *CheckError, suspicious func(*Input) bool) {
	for _, i := range c.account().d.inputs(c.account().m) {
		if !i.Hidden && suspicious(i) && c.account().value(i.Name) != "" {
			failed.Inputs, failed.titles = append(failed.Inputs, i.Name), append(failed.titles, i.title())
		}
	}
}

// secret reports whether an input is a credential.
func (c *Connected) secret(i *Input) bool { return i.Secret }

// inURL reports whether an input stands in the URL of the test.
func (c *Connected) inURL(i *Input) bool {
	t := c.account().d.test()
	base := cmp.Or(c.account().d.BaseURLs[t.Base], c.account().m.BaseURL, c.account().d.BaseURL)
	u := c.account().d.urls[base]
	return u.inOrigin(i.Name) || slices.Contains(u.names, i.Name) || strings.Contains(t.Request, "{"+i.Name+"}")
}

// identity reads the response of an account that works.
func (c *Connected) identity(ctx context.Context, resp *http.Response, body []byte) (Identity, error) {
	failed := &CheckError{Definition: c.account().d.Name, Reason: ReasonNotJSON, StatusCode: resp.StatusCode}
	c.suspect(failed, c.inURL)
	body, err := wire.Decode(body, resp.Header, checkBody+1)
	if err != nil || len(body) > checkBody {
		return Identity{}, failed
	}
	v, ok := parseJSON(inUTF8(body, resp.Header.Get("Content-Type")))
	if !ok {
		return Identity{}, failed
	}
	secrets := c.secrets(ctx)
	t := c.account().d.Test
	failed = &CheckError{Definition: c.account().d.Name, Reason: ReasonNoMember, StatusCode: resp.StatusCode}
	var id Identity
	if t.ID != "" {
		id.ID = pointed(v, t.ID)
		if id.ID == "" || id.ID != scrub.Text(id.ID, maxID) || quotesSecret(id.ID, secrets) {
			failed.detail = t.ID
			return Identity{}, failed
		}
	}
	label, err := template.ParsePointers(t.Label)
	if err != nil {
		return Identity{}, err // which Parse has checked
	}
	filler := template.Filler{Values: map[string]string{}}
	found := t.ID != "" || len(label.Names()) == 0
	for _, pointer := range label.Names() {
		if _, known := filler.Values[pointer]; known {
			continue
		}
		value := pointed(v, pointer)
		filler.Values[pointer] = scrub.Text(value, maxLabel, secrets...) // or a template could repeat a long one
		found = found || value != ""
	}
	if !found {
		failed.detail = strings.Join(label.Names(), ", ")
		return Identity{}, failed
	}
	text, err := filler.Fill(label, nil)
	id.Label = strings.TrimSpace(scrub.Text(text, maxLabel-len("..."), secrets...))
	return id, err
}

// minQuoted is the length in bytes from which a secret does not stand in an identity by
// chance.
const minQuoted = 8

// quotesSecret reports whether an identity is a secret, or has one in it.
func quotesSecret(id string, secrets []string) bool {
	return slices.ContainsFunc(secrets, func(s string) bool { return s == id || len(s) >= minQuoted && strings.Contains(id, s) })
}

// secrets returns what an identity must not show: the secrets of the account and its
// token or session, in the spellings in which a service may repeat them.
func (c *Connected) secrets(ctx context.Context) (list []string) {
	var short []string
	add := func(secret string) {
		if len(secret) >= minQuoted {
			list = append(list, secret)
		} else if secret != "" {
			short = append(short, secret) // whose spellings stand everywhere
		}
	}
	for _, i := range c.account().d.inputs(c.account().m) {
		if i.Secret {
			add(c.account().value(i.Name))
		}
	}
	switch credential := c.account().credential.(type) {
	case *connectorauth.OAuth2:
		if token, err := credential.Token(ctx); err == nil {
			add(token.AccessToken)
			add(token.RefreshToken)
		}
	case *connectorauth.Custom:
		if session, err := credential.Credential(ctx); err == nil {
			add(string(session.Value))
		}
	}
	return append(scrub.Spellings(list...), short...)
}
