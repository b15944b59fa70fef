package connectorauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/oauth1sig"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// oauth1Scheme signs requests with the client's credentials and the token.
type oauth1Scheme struct {
	OAuth1Config
	fixed  *oauth1Token               // the token of the config; nil with an engine
	engine *renew.Engine[oauth1Token] // keeps the token of a consent; nil without the three URLs
	clock  serviceClock
	used   usedOnce
}

// signed is what one request carries, and what came of it.
type signed struct {
	clock  *serviceClock
	ahead  int64                          // of the clock, when the request was signed
	from   *renew.Generation[oauth1Token] // whose token it is; nil for one that is not renewed
	header [1]string                      // the value of the Authorization header

	problem string // oauth_problem of the answer, if it had one
}

// authenticate implements scheme.
func (s *oauth1Scheme) authenticate(req *http.Request) (sent any, err error) {
	if s.engine == nil {
		return s.sign(req, s.fixed.signer)
	}
	g, err := s.engine.Get(req.Context())
	if err != nil {
		return nil, err
	}
	signed, err := s.sign(req, g.Value.signer)
	if err != nil {
		return nil, err
	}
	signed.from = g
	return signed, nil
}

// sign puts the protocol parameters where they belong (RFC 5849 section 3.5).
// Those that req has already are removed first.
func (s *oauth1Scheme) sign(req *http.Request, signer *oauth1sig.Signer, extra ...oauth1sig.Param) (*signed, error) {
	out := &signed{clock: &s.clock, ahead: s.clock.ahead.Load()}
	isForm := oauth1sig.IsForm(req.Header.Get("Content-Type"))
	switch {
	case s.In != InBody:
	case req.Response != nil && (req.Body == nil || req.Body == http.NoBody):
		return out, nil // a redirect took the body away, and there is no place left
	case !isForm:
		return nil, fmt.Errorf("%w: OAuth1 parameters go into a body of type application/x-www-form-urlencoded only (RFC 5849 section 3.5.2)", ErrBodyNotInjectable)
	}
	var form []byte
	if isForm || s.BodyHash {
		body, err := inject.ReadBody(req, s.MaxBody)
		if err != nil {
			return nil, err
		}
		if !isForm {
			hash, _ := signer.BodyHash(bytes.NewReader(body))
			extra = append(extra, hash)
		} else if form = oauth1sig.Strip(body); len(form) != len(body) {
			replaceBody(req, form)
		}
	}
	if query := oauth1sig.Strip(req.URL.RawQuery); query != req.URL.RawQuery {
		setQuery(req, query)
	}
	params, err := signer.Sign(req, form, oauth1sig.Stamp{Nonce: oauth1sig.Nonce(), Timestamp: time.Now().Unix() + out.ahead}, extra...)
	if err != nil {
		return nil, err
	}
	if s.In == InHeader {
		out.header[0] = params.Header()
		req.Header["Authorization"] = out.header[:]
		return out, nil
	}
	dropOAuth(req.Header)
	if s.In == InQuery {
		setQuery(req, params.Query(req.URL.RawQuery))
	} else {
		replaceBody(req, params.Form(form))
	}
	return out, nil
}

// dropOAuth removes Authorization headers of the scheme OAuth. Others may be
// for somebody on the way.
func dropOAuth(h http.Header) {
	isOAuth := func(value string) bool { return len(value) >= 6 && strings.EqualFold(value[:6], "OAuth ") }
	for name, values := range h {
		if strings.EqualFold(name, "Authorization") && slices.ContainsFunc(values, isOAuth) {
			delete(h, name)
		}
	}
}

func setQuery(req *http.Request, query string) {
	u := *req.URL
	u.RawQuery = query
	req.URL = &u
}

func replaceBody(req *http.Request, body []byte) {
	closeBody(req.Body)
	inject.SetBody(req, body)
}

// receive takes the parameters out of a redirect that echoes the query. The
// transport does so by their values, some of which are too short for that.
func (s *oauth1Scheme) receive(resp *http.Response) error {
	before, query, found := strings.Cut(resp.Header.Get("Location"), "?")
	if s.In != InQuery || !found {
		return nil
	}
	query, fragment, hasFragment := strings.Cut(query, "#")
	for _, name := range oauth1sig.Names {
		query = inject.StripQuery(query, name)
	}
	if query != "" {
		before += "?" + query
	}
	if hasFragment {
		before += "#" + fragment
	}
	resp.Header.Set("Location", before)
	return nil
}

// rejected reports a 401, and the refusals of the OAuth Problem Reporting
// extension whatever their status.
func (s *oauth1Scheme) rejected(resp *http.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized || resp.StatusCode >= 400 && challenge(resp, "oauth_problem") != ""
}

// replace gets another token if that may be at fault, and is content with
// another time.
func (s *oauth1Scheme) replace(ctx context.Context, sent any) error {
	was := sent.(*signed)
	err := errNotRenewable
	if was.blamesToken() {
		if _, err = s.engine.Replace(ctx, was.from); err == nil {
			return nil
		}
		if errors.Is(err, errNotRenewable) && was.problem != "" {
			return &TokenError{StatusCode: http.StatusUnauthorized, Code: was.problem, dead: true}
		}
	}
	if was.blamesClock() && s.clock.ahead.Load() != was.ahead && !isFinal(err) {
		return nil
	}
	return err
}

func (s *oauth1Scheme) renewLater(ctx context.Context, sent any) {
	if was := sent.(*signed); was.blamesToken() {
		s.engine.Renew(ctx, was.from)
	}
}

// contest notes that the token, or the time, was not to the service's liking
// either. A token that is more than a minute old was not got for this request, and
// a correction of the clock that did not help is given up.
func (s *oauth1Scheme) contest(sent any) {
	was := sent.(*signed)
	if was.blamesToken() && time.Since(was.from.Value.Issued) < time.Minute {
		s.engine.Contest(was.from)
	}
	if was.blamesClock() {
		s.clock.ahead.CompareAndSwap(was.ahead, 0)
	}
}
