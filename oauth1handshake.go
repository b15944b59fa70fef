package connectorauth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"github.com/dghubble/oauth1"
)

// handshake lets the transport carry one of dghubble/oauth1's two requests, and
// reads the answer in its place: bounded, trimmed, its extra values kept and
// none of it in an error.
type handshake struct {
	ctx     context.Context // that package takes none
	secrets []string
	values  url.Values
	err     *TokenError
}

func (h *handshake) authenticate(req *http.Request) (sent any, err error) {
	*req = *req.WithContext(h.ctx)
	return nil, nil
}

func (h *handshake) receive(resp *http.Response) error {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, tokenhttp.MaxAnswer+1))
	if h.err = h.read(resp, body, err); h.err != nil {
		return h.err
	}
	plain := url.Values{"oauth_token": h.values["oauth_token"], "oauth_token_secret": h.values["oauth_token_secret"]}
	if strings.EqualFold(h.values.Get("oauth_callback_confirmed"), "true") { // some servers write True
		plain.Set("oauth_callback_confirmed", "true")
	}
	resp.Body = io.NopCloser(strings.NewReader(plain.Encode()))
	return nil
}

func (h *handshake) read(resp *http.Response, body []byte, err error) *TokenError {
	fail := &TokenError{StatusCode: resp.StatusCode, cause: err}
	if len(body) > tokenhttp.MaxAnswer {
		fail.cause = errors.New("the answer is too long")
	}
	if fail.cause != nil {
		return fail
	}
	h.values, err = url.ParseQuery(string(bytes.TrimSpace(body)))
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		if err == nil && len(h.values["oauth_token"]) == 1 && len(h.values["oauth_token_secret"]) == 1 {
			return nil
		}
		fail.cause = errors.New("the answer has no token and secret, or more than one")
		return fail
	}
	fail.Code = tokenhttp.Clean(h.values.Get("oauth_problem"), 64, h.secrets...)
	return fail
}

// call runs one request of dghubble/oauth1's handshake.
func (s *oauth1Scheme) call(ctx context.Context, h *handshake, callback string, request func(*oauth1.Config) error) error {
	ctx, cancel := context.WithTimeout(ctx, tokenhttp.Timeout)
	defer cancel()
	h.ctx = ctx
	h.secrets = append(h.secrets, string(s.ClientSecret))
	signer, err := s.signing("", "").Plug()
	if err != nil {
		return err
	}
	err = request(&oauth1.Config{
		ConsumerKey:    s.ClientID,
		ConsumerSecret: string(s.ClientSecret),
		CallbackURL:    callback,
		Endpoint:       oauth1.Endpoint{RequestTokenURL: s.RequestTokenURL, AuthorizeURL: s.AuthorizeURL, AccessTokenURL: s.AccessTokenURL},
		Realm:          s.Realm,
		Signer:         signer,
		HTTPClient:     providerClient(h, s.HTTPClient),
	})
	switch {
	case h.err != nil:
		return h.err
	case err != nil && h.values == nil: // no answer
		return &TokenError{cause: tokenhttp.Bare(err)}
	case err != nil:
		return errors.New("connectorauth: the service did not confirm the callback (RFC 5849 section 2.1)")
	}
	return nil
}

// begin gets temporary credentials (RFC 5849 section 2.1).
func (s *oauth1Scheme) begin(ctx context.Context, redirectURL string) (authURL string, sealed Secret, err error) {
	p := pending{For: s.identity(), Redirect: redirectURL}
	var location *url.URL
	err = s.call(ctx, &handshake{}, redirectURL, func(c *oauth1.Config) (err error) {
		if p.State, p.Verifier, err = c.RequestToken(); err == nil {
			location, err = c.AuthorizationURL(p.State)
		}
		return err
	})
	if err != nil {
		return "", "", err
	}
	return location.String(), p.seal(), nil
}

func (s *oauth1Scheme) identity() string {
	return identity("oauth1", s.ClientID, s.RequestTokenURL, s.AuthorizeURL, s.AccessTokenURL, s.Account)
}

// finish checks the callback (section 2.2) and swaps the temporary credentials
// for a token (section 2.3).
func (s *oauth1Scheme) finish(ctx context.Context, sealed Secret, callback url.Values) error {
	p, err := openPending(sealed, s.identity())
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
			return errors.New("connectorauth: the callback's oauth_token is not that of this consent")
		}
	}
	if problem := callback.Get("oauth_problem"); problem != "" {
		return &TokenError{Code: tokenhttp.Clean(problem, 64), refused: true}
	}
	verifier, err := one(callback, "oauth_verifier")
	if err != nil {
		return err
	}
	if !s.used.claim(p.State) {
		return errors.New("connectorauth: this consent has been finished already")
	}
	return detached(ctx, func(ctx context.Context) error {
		h := &handshake{secrets: []string{p.Verifier, verifier}}
		var value, secret string
		err := s.call(ctx, h, "", func(c *oauth1.Config) (err error) {
			value, secret, err = c.AccessToken(p.State, p.Verifier, verifier)
			return err
		})
		if err != nil {
			return err
		}
		t, err := s.newToken(value, secret)
		if err != nil {
			return err
		}
		for name := range h.values {
			if name != "oauth_token" && name != "oauth_token_secret" {
				if t.Extra == nil {
					t.Extra = make(map[string]string)
				}
				t.Extra[name] = h.values.Get(name)
			}
		}
		return s.engine.Set(ctx, t)
	})
}
