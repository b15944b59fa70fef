package connectorauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/internal/oauth1sig"
	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"github.com/dghubble/oauth1"
)

// The two requests of the handshake, which dghubble/oauth1 makes.
func requestToken(c *oauth1.Config) error { _, _, err := c.RequestToken(); return err }
func accessToken(c *oauth1.Config) error  { _, _, err := c.AccessToken("", "", ""); return err }

// unsigned keeps dghubble/oauth1 from signing what will be signed here.
type unsigned struct{}

func (unsigned) Name() string                     { return "" }
func (unsigned) Sign(_, _ string) (string, error) { return "", nil }

// handshake lets the transport carry one of the two requests. It signs the
// request as any other, and reads the answer: bounded, trimmed, its extra
// values kept and none of it in an error.
type handshake struct {
	*oauth1Scheme
	ctx   context.Context // dghubble/oauth1 takes none
	token *oauth1Token    // signs the request
	proof oauth1sig.Param // what the request is about

	sent    *signed
	written atomic.Bool // to the connection
	values  url.Values  // the answer; nil without one
	err     *TokenError // a refusal
}

func (h *handshake) authenticate(req *http.Request) (sent any, err error) {
	*req = *req.WithContext(httptrace.WithClientTrace(h.ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { h.written.Store(info.Err == nil) },
	}))
	req.Header.Del("Authorization")
	if h.In == InBody {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	h.sent, err = h.sign(req, h.token.signer, h.proof)
	return h.sent, err
}

func (h *handshake) receive(resp *http.Response) error {
	body, err := tokenhttp.ReadAnswer(resp)
	if h.err = h.read(resp, body, err); h.err != nil {
		return h.err
	}
	resp.StatusCode = http.StatusOK
	resp.Body = io.NopCloser(strings.NewReader("oauth_token=read&oauth_token_secret=read&oauth_callback_confirmed=true"))
	return nil
}

func (h *handshake) read(resp *http.Response, body []byte, err error) *TokenError {
	fail := &TokenError{StatusCode: resp.StatusCode, cause: err}
	granted := 200 <= resp.StatusCode && resp.StatusCode <= 299
	values, parseErr := url.ParseQuery(string(bytes.TrimSpace(body)))
	switch {
	case 300 <= resp.StatusCode && resp.StatusCode <= 399:
		fail.cause = errors.New("the service answered with a redirect, which is not followed; configure its final URL")
	case err == nil && granted && (parseErr != nil || len(values["oauth_token"]) != 1 || len(values["oauth_token_secret"]) != 1 || values.Get("oauth_token") == ""):
		fail.cause = errors.New("the answer has no token and secret, or more than one")
	}
	fail.inDoubt = granted
	if fail.cause == nil && granted {
		h.values = values
		return nil
	}
	if seconds, err := strconv.ParseInt(resp.Header.Get("Retry-After"), 10, 32); err == nil {
		fail.RetryAfter = max(time.Duration(seconds)*time.Second, 0)
	}
	fail.Code = tokenhttp.Clean(h.sent.problem, 64, string(h.ClientSecret), h.token.Secret, h.proof.Value)
	fail.dead = h.proof.Name == sessionHandle && deadProblems[h.sent.problem]
	return fail
}

// run makes the request.
func (h *handshake) run(ctx context.Context, request func(*oauth1.Config) error) error {
	ctx, cancel := context.WithTimeout(tokenhttp.Untraced(ctx), tokenhttp.Timeout)
	defer cancel()
	h.ctx = ctx
	err := request(&oauth1.Config{
		Endpoint:   oauth1.Endpoint{RequestTokenURL: h.RequestTokenURL, AccessTokenURL: h.AccessTokenURL},
		Signer:     unsigned{},
		HTTPClient: providerClient(h, h.HTTPClient, nil),
	})
	switch {
	case h.err != nil:
		return h.err
	case err != nil:
		return &TokenError{inDoubt: h.written.Load(), cause: tokenhttp.Cause(err, string(h.ClientSecret), h.token.Secret, h.proof.Value)}
	}
	return nil
}

// ask makes one request of the handshake, signed with a token, and returns the
// answer. If the clock here turns out to be wrong it asks once more; but
// credentials that serve once are sent again only if the service says that it
// refused the timestamp, and so has not looked at them.
func (s *oauth1Scheme) ask(ctx context.Context, request func(*oauth1.Config) error, token *oauth1Token, proof oauth1sig.Param) (url.Values, error) {
	h := &handshake{oauth1Scheme: s, token: token, proof: proof}
	err := h.run(ctx, request)
	if err != nil && h.sent != nil && s.clock.ahead.Load() != h.sent.ahead &&
		(h.sent.problem == timestampRefused || h.sent.problem == "" && token.Token == "") {
		h = &handshake{oauth1Scheme: s, token: token, proof: proof}
		err = h.run(ctx, request)
	}
	return h.values, err
}

// begin gets temporary credentials (RFC 5849 section 2.1).
func (s *oauth1Scheme) begin(ctx context.Context, redirectURL string) (authURL string, text Secret, err error) {
	nobody, err := s.newToken("", "")
	if err != nil {
		return "", "", err
	}
	values, err := s.ask(ctx, requestToken, nobody, oauth1sig.Param{Name: "oauth_callback", Value: redirectURL})
	if err != nil {
		return "", "", err
	}
	if !strings.EqualFold(values.Get("oauth_callback_confirmed"), "true") { // some services write True
		return "", "", errors.New("connectorauth: the service did not confirm the callback (RFC 5849 section 2.1)")
	}
	p := pending{For: s.identity(), Redirect: redirectURL, State: values.Get("oauth_token"), Verifier: values.Get("oauth_token_secret")}
	config := oauth1.Config{Endpoint: oauth1.Endpoint{AuthorizeURL: s.AuthorizeURL}}
	location, err := config.AuthorizationURL(p.State)
	if err != nil {
		return "", "", err
	}
	return location.String(), p.encode(), nil
}

func (s *oauth1Scheme) identity() string {
	return identity("oauth1", s.ClientID, s.RequestTokenURL, s.AuthorizeURL, s.AccessTokenURL, s.Account)
}

// finish checks the callback (section 2.2) and swaps the temporary credentials
// for a token (section 2.3).
func (s *oauth1Scheme) finish(ctx context.Context, text Secret, callback url.Values) error {
	p, err := decodePending(text, s.identity())
	if err != nil {
		return err
	}
	if denied := callback.Get("denied"); equal(denied, p.State) { // as X and others say no
		return &TokenError{Code: "access_denied", refused: true}
	}
	if p.Redirect != "oob" || callback.Has("oauth_token") {
		token, err := one(callback, "oauth_token")
		if err != nil {
			return err
		}
		if !equal(token, p.State) {
			return &badCallback{"mixup", "the callback's oauth_token is not that of this consent"}
		}
	}
	if problem := callback.Get("oauth_problem"); problem != "" {
		return &TokenError{Code: tokenhttp.Clean(problem, 64), refused: true}
	}
	verifier, err := one(callback, "oauth_verifier")
	if err != nil {
		return err
	}
	temporary, err := s.newToken(p.State, p.Verifier)
	if err != nil {
		return fmt.Errorf("connectorauth: the temporary credentials: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err // nothing has been sent: the consent stays open
	}
	if !s.used.claim(p.State) {
		return &badCallback{"used", "this consent has been finished already"}
	}
	return detached(ctx, func(ctx context.Context) error {
		t, err := s.obtain(ctx, temporary, nil, oauth1sig.Param{Name: "oauth_verifier", Value: verifier})
		if err != nil {
			return err
		}
		return s.engine.Set(ctx, t)
	})
}
