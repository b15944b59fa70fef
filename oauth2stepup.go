package connectorauth

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// An Authorization is what one consent asks of the account owner, beyond the config: see
// [OAuth2.Asking]. With the DeviceCode grant, the device asks (RFC 8628 section 3.1). The
// zero value asks for nothing more.
type Authorization struct {
	// Prompt says what the provider shows, such as "login", "consent" or "select_account";
	// spaces separate several (OpenID Connect Core section 3.1.2.1). Empty means what Params
	// of the grant say.
	Prompt string
	// MaxAge is how long ago the account owner may have signed in at the provider, in whole
	// seconds. 0 means that the account owner signs in now. Nil means that any time will do.
	MaxAge *time.Duration
	// ACRValues are the authentication context classes that will do, the best first, such as
	// that of a second factor. Empty means that any will do.
	ACRValues []string
	// Scopes are asked for beside the Scopes of the config. Empty means none.
	Scopes []string
}

// Asking returns a connector of the same account, whose Begin and BeginDevice ask for more.
// What a asks for wins over the query of AuthURL and over Params. Either of the two
// connectors may finish the consent. Begin and BeginDevice return an error if a cannot be
// sent. A grant without a consent asks for the Scopes of the config alone.
func (c *OAuth2) Asking(a Authorization) *OAuth2 {
	inner := *c.core.get()
	s := inner.scheme.(*oauth2Scheme)
	a.ACRValues, a.Scopes = slices.Clone(a.ACRValues), slices.Clone(a.Scopes)
	if a.MaxAge != nil {
		age := *a.MaxAge
		a.MaxAge = &age
	}
	inner.scheme = &oauth2Scheme{oauth2Account: s.oauth2Account, oauth2Way: &oauth2Way{s.hooks, &a}}
	return &OAuth2{inner.hide()}
}

// check lists what cannot be sent.
func (a *Authorization) check() error {
	var problems check.List
	problems.Field("Authorization: Prompt", check.Printable(a.Prompt))
	for _, acr := range a.ACRValues {
		if problems.Field("Authorization: ACRValues", check.Printable(acr)); acr == "" || strings.Contains(acr, " ") {
			problems.Add("Authorization: ACRValues: %q is empty or has a space", acr)
		}
	}
	for _, scope := range a.Scopes {
		if err := check.Scope(scope); err != nil {
			problems.Add("Authorization: Scopes: %q %w", scope, err)
		}
	}
	if a.MaxAge != nil && *a.MaxAge < 0 {
		problems.Add("Authorization: MaxAge: is negative; 0 means that the account owner signs in now")
	}
	return problems.Joined()
}

// addTo adds the parameters of a to an authorization request.
func (a *Authorization) addTo(query url.Values) {
	if a.Prompt != "" {
		query.Set("prompt", a.Prompt)
	}
	if a.MaxAge != nil {
		query.Set("max_age", strconv.FormatInt(int64(*a.MaxAge/time.Second), 10))
	}
	if len(a.ACRValues) > 0 {
		query.Set("acr_values", strings.Join(a.ACRValues, " "))
	}
}

// wanted returns the parameters that Asking adds to an authorization request, and the
// scopes of the request.
func (s *oauth2Scheme) wanted() (params url.Values, scope string, err error) {
	wants := cmp.Or(s.wants, new(Authorization))
	if err := wants.check(); err != nil {
		return nil, "", fmt.Errorf("connectorauth: %w", err)
	}
	params = url.Values{}
	wants.addTo(params)
	return params, s.scopeWith(wants), nil
}

// scopeWith returns the scopes of an authorization request.
func (s *oauth2Scheme) scopeWith(a *Authorization) string {
	separator := cmp.Or(s.dialect.ScopeSeparator, " ")
	var all []string
	if s.scope != "" {
		all = strings.Split(s.scope, separator)
	}
	for _, scope := range a.Scopes {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return strings.Join(all, separator)
}

// A StepUpError takes the place of an API's response that asks for a stronger or fresher
// authentication of the account owner (RFC 9470): insufficient_user_authentication. No
// token was renewed, because only a consent helps. A StepUpError matches
// [ErrReauthRequired]; the token is as good as before for other requests.
//
//	var stepUp *connectorauth.StepUpError
//	if errors.As(err, &stepUp) {
//		authURL, pending, err := connector.Asking(stepUp.Authorization).Begin(ctx, redirectURL)
//		...
//	}
type StepUpError struct {
	// Authorization is what the API asks for: ACRValues and MaxAge, if the response has
	// them.
	Authorization Authorization
	// Description is the API's explanation, for developers: without control characters and
	// credentials, and bounded in length.
	Description string
	// Account is the Account of the connector's config, which may be empty.
	Account string
}

// Error describes what the API asks for.
func (e *StepUpError) Error() string {
	var b strings.Builder
	b.WriteString("connectorauth: the API wants another authentication of the account owner")
	if e.Account != "" {
		fmt.Fprintf(&b, " of %q", e.Account)
	}
	if len(e.Authorization.ACRValues) > 0 {
		fmt.Fprintf(&b, ", one of %q", e.Authorization.ACRValues)
	}
	if age := e.Authorization.MaxAge; age != nil {
		fmt.Fprintf(&b, ", at most %v ago", *age)
	}
	if e.Description != "" {
		fmt.Fprintf(&b, " (%s)", e.Description)
	}
	return b.String() + "; the account owner must authorize again"
}

// Is reports whether target is [ErrReauthRequired].
func (*StepUpError) Is(target error) bool { return target == ErrReauthRequired }

// stepUp returns the challenge of RFC 9470 in a response.
func stepUp(resp *http.Response) (found challenge.Challenge, ok bool) {
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		return found, false
	}
	list := challenge.Parse(resp.Header["Www-Authenticate"])
	i := slices.IndexFunc(list, func(c challenge.Challenge) bool {
		return c.Params["error"] == "insufficient_user_authentication"
	})
	if i < 0 {
		return found, false
	}
	return list[i], true
}

// maxSignIn bounds the max_age of an API.
const maxSignIn = 100 * 365 * 24 * time.Hour

// refused returns the error that takes the place of a response, because no other
// credential helps, or nil.
func refused(sent credential, resp *http.Response) error {
	if c, ok := sent.(interface{ refused(*http.Response) error }); ok {
		return c.refused(resp)
	}
	return nil
}

// refused returns the error of a response that no other token helps, or nil.
func (c *oauth2Credential) refused(resp *http.Response) error {
	asked, ok := stepUp(resp)
	if !ok {
		return nil
	}
	secrets := c.s.Secrets(c.from.Value)
	e := &StepUpError{Account: c.s.engine.Key(), Description: scrub.Text(asked.Params["error_description"], 200, secrets...)}
	for _, acr := range strings.Fields(asked.Params["acr_values"]) {
		if check.Printable(acr) == nil && len(e.Authorization.ACRValues) < 20 {
			if acr == scrub.Text(acr, 200, secrets...) { // nobody asks for a credential, or for so much
				e.Authorization.ACRValues = append(e.Authorization.ACRValues, acr)
			}
		}
	}
	if seconds, err := strconv.ParseInt(asked.Params["max_age"], 10, 64); seconds >= 0 && (err == nil || errors.Is(err, strconv.ErrRange)) {
		age := time.Duration(min(seconds, int64(maxSignIn/time.Second))) * time.Second
		e.Authorization.MaxAge = &age
	}
	return e
}
