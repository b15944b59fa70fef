package connectorauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// ownerCodes are the codes of OpenID Connect Core section 3.1.2.6 that mean that the
// account owner must act.
var ownerCodes = []string{"interaction_required", "login_required", "consent_required", "account_selection_required"}

// invalidGrantCodes are ownerCodes, and the codes of RFC 6749 section 5.2 and of providers
// that mean that the grant is no longer valid.
var invalidGrantCodes = append([]string{"invalid_grant", "bad_refresh_token", "invalid_refresh_token"}, ownerCodes...)

// judge sets whether the grant is no longer valid. A provider's outage says
// nothing about the grant.
func (e *TokenError) judge(codes []string) {
	outage := e.StatusCode >= 500 || e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusRequestTimeout
	e.dead = !outage && (slices.Contains(invalidGrantCodes, e.Code) || slices.Contains(codes, e.Code))
}

// retries reports whether the account owner can help at the provider, and no program is
// told: a password may be locked, and an assertion for a user may lack a consent.
func (s *oauth2Scheme) retries(code string) bool {
	_, password := s.grant.(PasswordCredentials)
	return password || s.traits.Subject != "" && slices.Contains(ownerCodes, code)
}

// verdict tells the renewal what an error of a token request means.
func verdict(err error) renew.Verdict {
	v := renew.Verdict{Unsent: true}
	var failed *TokenError
	if errors.As(err, &failed) {
		v = renew.Verdict{Code: failed.Code, After: failed.RetryAfter, Unsent: failed.StatusCode == 0 && !failed.inDoubt}
	}
	switch {
	case errors.Is(err, errNoRefresh):
		v.Kind, v.Code = renew.Dead, codeNoRefresh
	case errors.Is(err, ErrNotConnected):
		v.Kind, v.Code = renew.Dead, codeNotConnected
	case errors.Is(err, errUnproven): // the config may get the key back
	case errors.Is(err, ErrReauthRequired):
		v.Kind = renew.Dead
	case failed == nil:
	case failed.inDoubt:
		v.Kind = renew.InDoubt
	case !failed.Temporary():
		v.Kind = renew.Refused
	}
	return v
}

// codeReauth stands for an error that matches ErrReauthRequired and has no code of
// a provider.
const codeReauth = "reauth_required"

// codeNoRefresh stands for errNoRefresh.
const codeNoRefresh = "no_refresh_token"

// codeNotConnected stands for ErrNotConnected.
const codeNotConnected = "not_connected"

// errInDoubt is the error of an account that is lost because a response was lost.
var errInDoubt = fmt.Errorf("%w: the response to a renewal was lost, and this provider takes a refresh token only once", ErrReauthRequired)

// errNoRefresh is the error of a token that the owner alone can replace.
var errNoRefresh = fmt.Errorf("%w: the access token is no longer valid and the provider gave no refresh token", ErrReauthRequired)

// restored returns the error of a token request that failed before: see
// renew.Scheme.
func (s subject) restored(code string, dead bool, after time.Duration) error {
	switch code {
	case renew.InDoubtCode:
		if !dead {
			return s.fill(&TokenError{RetryAfter: after, before: true, missing: true})
		}
		return s.name(errInDoubt)
	case codeNoRefresh:
		return s.name(errNoRefresh)
	case codeNotConnected:
		return s.name(ErrNotConnected)
	case codeReauth:
		return s.name(fmt.Errorf("%w: an earlier attempt to obtain a token failed", ErrReauthRequired))
	}
	return s.fill(&TokenError{Code: code, RetryAfter: after, dead: dead, before: true})
}
