package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/tokenstore"
	"golang.org/x/oauth2"
)

// madeUp is a refresh token of nobody.
const madeUp = "connectorauth-doctor-no-token"

// tokenEndpoint sends a token request at no cost to the account.
func (x *examination) tokenEndpoint(ctx context.Context) bool {
	s := Step{Name: "token endpoint", Outcome: Skipped}
	oauth, ok := (*definition.OAuth2)(nil), false
	if x.m != nil {
		oauth, ok = x.m.Scheme.(*definition.OAuth2)
	}
	if !ok {
		s.Detail = "the definition names no token endpoint"
		x.step(s)
		return true
	}
	at, err := url.Parse(x.tokenURL(oauth))
	if err != nil || at.Host == "" {
		s.Detail = "the URL is unknown before the account is connected"
		x.step(s)
		return true
	}
	s.Target = withoutValues(at)
	if x.blocked(at) {
		s.Detail = "the host cannot be reached"
		x.step(s)
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTime)
	defer cancel()
	begin, before := time.Now(), x.observer.count()
	if oauth.Grant.AuthorizationCode != nil || oauth.Grant.DeviceCode != nil {
		err = x.renewNothing(ctx)
	} else {
		err = x.askNothing(ctx, at)
	}
	s.Duration = time.Since(begin)
	seen := x.observer.exchanges(before)
	if len(seen) == 0 {
		s.Detail = fmt.Sprintf("nothing was sent: %v", err)
	} else {
		x.judgeToken(&s, seen[len(seen)-1], err)
	}
	x.step(s)
	return true
}

// blocked reports whether the way to a host has failed.
func (x *examination) blocked(u *url.URL) bool {
	for _, v := range x.visits {
		if hostPort(v.url) == hostPort(u) && v.url.Scheme == u.Scheme {
			return v.status == 0
		}
	}
	return false
}

// renewNothing makes a connector without an account renew the token madeUp. Nothing of the
// account's own record is read or changed.
func (x *examination) renewNothing(ctx context.Context) error {
	c := x.observed(x.added())
	c.Store, c.Account, c.Shared = new(tokenstore.Memory), "doctor", x.config.Accounts.Shared // so a pause of the endpoint counts
	connected, err := x.set.Connect(x.given, c)
	if err != nil {
		return err
	}
	connector, ok := connected.Credential().(*connectorauth.OAuth2)
	if !ok {
		return errors.New("the account has no OAuth2 connector")
	}
	err = connector.SetToken(ctx, &oauth2.Token{AccessToken: madeUp, RefreshToken: madeUp, Expiry: x.now().Add(time.Hour)})
	if err != nil {
		return err // a connector with DPoP has renewed at once
	}
	return connector.Renew(ctx)
}

// askNothing sends a token request without a client and without a grant.
func (x *examination) askNothing(ctx context.Context, at *url.URL) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader("grant_type="))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	origin.Resolve(req)
	resp, err := x.observer.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// judgeToken says what the response of the token endpoint means. err is the library's,
// or nil.
func (x *examination) judgeToken(s *Step, e exchange, err error) {
	var token *connectorauth.TokenError
	errors.As(err, &token)
	s.Outcome, s.Detail = Fault, x.said(e)
	host := hostPort(e.req.URL)
	switch who := x.stands(e); {
	case e.status == 0:
		s.Cause, s.Detail = CauseUnreachable, fmt.Sprintf("no response: %v", e.err)
		s.advice = "Check the network and the token URL of the definition, because the token endpoint at " + host + " does not answer"
	case who != "":
		s.Cause, s.advice = CauseProxy, proxyAdvice(host, who)
	case token != nil && slices.Contains(clientCodes, token.Code):
		s.Cause, s.Detail = CauseClient, token.Error()
		s.advice = clientAdvice(token)
	case e.status == http.StatusTooManyRequests:
		s.Cause, s.advice = CauseRateLimit, waitAdvice(host, e)
	case e.status >= 500:
		s.Cause, s.advice = CauseOutage, outageAdvice(host, e)
	case isOAuth(e):
		s.Outcome, s.Detail = OK, "answers as a token endpoint does (RFC 6749 section 5): "+s.Detail
	case e.status == http.StatusNotFound, e.status == http.StatusGone, e.status == http.StatusMethodNotAllowed, e.status < 400:
		s.Cause = CauseTokenURL
		s.advice = "Correct the token URL of the definition, because there is no token endpoint at " + s.Target
	default:
		s.Outcome, s.Cause = Warning, CauseTokenURL
		s.Detail += "; not in the way of RFC 6749 section 5.2"
		s.advice = "Check the token URL of the definition, because " + s.Target + " does not answer as a token endpoint"
	}
}

// isOAuth reports whether a response is an error or a token of OAuth.
func isOAuth(e exchange) bool {
	var v map[string]any
	if json.Unmarshal(e.body, &v) == nil {
		for _, name := range []string{"error", "error_code", "errorCode", "errors", "code", "message", "access_token"} {
			if v[name] != nil {
				return true
			}
		}
		return false
	}
	form, err := url.ParseQuery(string(e.body))
	return err == nil && (form.Has("error") || form.Has("access_token"))
}

// clientCodes are the codes for a wrong client ID or client secret, of RFC 6749 section 5.2,
// GitHub and Slack.
var clientCodes = []string{"invalid_client", "incorrect_client_credentials", "bad_client_secret", "invalid_client_id"}

func clientAdvice(e *connectorauth.TokenError) string {
	return fmt.Sprintf("Enter the client ID and the client secret of the registration again, because the token endpoint refuses the client (%s)", e.Code)
}

func waitAdvice(host string, e exchange) string {
	if wait := e.header.Get("Retry-After"); wait != "" {
		return fmt.Sprintf("Wait and send fewer requests, because %s limits their number and asks for a pause (Retry-After: %s)", host, wait)
	}
	return "Wait some minutes and send fewer requests, because " + host + " limits their number"
}

func outageAdvice(host string, e exchange) string {
	if wait := e.header.Get("Retry-After"); wait != "" {
		return fmt.Sprintf("Try again later, because %s has a fault of its own or is under maintenance, and asks for a pause (status %d, Retry-After: %s)", host, e.status, wait)
	}
	return fmt.Sprintf("Try again later, or look at the status page of the service, because %s has a fault of its own (status %d)", host, e.status)
}

// record tells what is known of the token of the account.
func (x *examination) record(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, accountMax)
	defer cancel()
	begin := time.Now()
	s := Step{Name: "record", Outcome: OK}
	c, ok := x.connected.Credential().(interface {
		Status(context.Context) (connectorauth.Status, error)
	})
	if !ok {
		s.Detail = "what the account owner gave can be read; the method keeps no token"
		x.step(s)
		return true
	}
	status, err := c.Status(ctx)
	x.status, s.Duration = status, time.Since(begin)
	switch {
	case err != nil:
		s.Outcome, s.Detail = Fault, err.Error()
		s.Cause, s.advice = x.ofRecord(err)
	case status.State == connectorauth.StateNotConnected:
		s.Outcome, s.Cause, s.Detail = Fault, CauseNotConnected, "there is no token"
		s.advice = "Connect the account again, because the store has no token of the account"
	case status.State == connectorauth.StateReauthRequired:
		s.Outcome, s.Detail = Fault, fmt.Sprintf("no token is good since %s: %v", day(status.Since), status.LastError)
		s.Cause, s.advice = ofToken(status.LastError)
	case !status.ReauthBy.IsZero() && status.ReauthBy.Before(x.now()):
		s.Outcome, s.Cause, s.Detail = Fault, CauseReauthRequired, "the refresh token ended on "+day(status.ReauthBy)
		s.advice = "Connect the account again, because its refresh token has ended"
	case status.State == connectorauth.StateFailing:
		s.Outcome, s.Detail = Warning, fmt.Sprintf("the last renewal failed: %v", status.LastError)
		s.Cause, s.advice = ofToken(status.LastError)
	default:
		s.Detail = "the token can be read, " + x.ends(status.Expiry)
		if !status.ReauthBy.IsZero() {
			s.Detail += "; the account owner must authorize again by " + day(status.ReauthBy)
		}
	}
	if !x.account.Tested.IsZero() {
		s.Detail += "; last tested " + day(x.account.Tested)
	}
	x.step(s)
	return true
}

// ends says when a token ends.
func (x *examination) ends(expiry time.Time) string {
	switch {
	case expiry.IsZero():
		return "without a known end"
	case expiry.Before(x.now()):
		return "and ended on " + day(expiry) + ", so the next request renews the token"
	}
	return "valid until " + day(expiry)
}

// ofRecord returns why a record cannot be read, and what to do.
func (x *examination) ofRecord(err error) (Cause, string) {
	if cause, advice := ofStored(err); cause != "" {
		return cause, advice
	}
	return CauseStore, "Mend what the step record names, because the token of the account cannot be read"
}

// ofToken returns why there is no token, and what to do.
func ofToken(err error) (Cause, string) {
	var token *connectorauth.TokenError
	is := errors.As(err, &token)
	switch {
	case is && slices.Contains(clientCodes, token.Code):
		return CauseClient, clientAdvice(token)
	case is && (token.Code == "unauthorized_client" || token.Code == "unsupported_grant_type"):
		return CauseClient, fmt.Sprintf("Allow the grant type to the registration at the provider, because the token endpoint knows the client and refuses the grant type (%s)", token.Code)
	case errors.Is(err, connectorauth.ErrNotConnected), errors.Is(err, accounts.ErrConnecting):
		return CauseNotConnected, "Connect the account, because the account owner has not authorized so far"
	case is && errors.Is(err, connectorauth.ErrReauthRequired):
		code := ""
		if token.Code != "" {
			code = " (" + token.Code + ")"
		}
		return CauseRevoked, "Connect the account again, because the provider has revoked the grant or the grant has expired" + code
	case errors.Is(err, connectorauth.ErrReauthRequired):
		return CauseReauthRequired, "Connect the account again, because no token of the account is good any more"
	case is && token.StatusCode == http.StatusTooManyRequests, is && token.StatusCode == 0 && token.RetryAfter > 0:
		return CauseRateLimit, fmt.Sprintf("Wait %s, because the token endpoint asks for a pause or an earlier token request failed", token.RetryAfter.Round(time.Second))
	case is && token.StatusCode >= 500:
		return CauseOutage, fmt.Sprintf("Try again later, or look at the status page of the service, because the token endpoint has a fault of its own (status %d)", token.StatusCode)
	case is && token.Code == "invalid_scope":
		return CauseScope, "Connect the account again with scopes that the provider knows, because the provider refuses those of the account (invalid_scope)"
	case is && token.StatusCode != 0:
		return CauseTokenURL, "Check the token URL and the dialect of the definition, because the response to a token request is no token"
	}
	return CauseUnreachable, "Check the network, because no token request gets an answer"
}
