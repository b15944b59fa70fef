package connectorauth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// The words of Event.Cause that are no codes of a provider, and none of package renew.
const (
	causeResponse = "response"
	causeTimeout  = "timeout"
	causeNetwork  = "network"
	causeOther    = "other"
)

// causeCodes are the codes of a provider that Event.Cause repeats: those of RFC 6749
// sections 4.1.2.1 and 5.2, RFC 6750 section 3.1, RFC 7009 section 2.2.1, RFC 8628 section
// 3.5, RFC 8707 section 2, RFC 9449 sections 5 and 8, and of OpenID Connect.
var causeCodes = append([]string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable",
	"invalid_token", "insufficient_scope", "unsupported_token_type",
	"authorization_pending", "slow_down", "expired_token", "invalid_target", "invalid_dpop_proof", "use_dpop_nonce",
}, ownerCodes...)

// causeOf returns the word of Event.Cause for an error. No word has anything of the
// error's text.
func causeOf(err error) string {
	var failed *TokenError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrNotConnected):
		return codeNotConnected
	case errors.Is(err, errNoRefresh):
		return codeNoRefresh
	case errors.Is(err, errInDoubt):
		return renew.InDoubtCode
	case errors.Is(err, ErrShutdown):
		return renew.CauseShutdown
	case errors.As(err, &failed):
		return failed.word()
	case errors.Is(err, ErrReauthRequired):
		return codeReauth
	}
	return lost(err, causeOther)
}

// word returns the word of Event.Cause.
func (e *TokenError) word() string {
	switch {
	case slices.Contains(causeCodes, e.Code):
		return e.Code
	case e.dead && e.byAPI:
		return "invalid_token"
	case e.dead:
		return "invalid_grant"
	case e.StatusCode >= http.StatusMultipleChoices && e.StatusCode < 600:
		return strconv.Itoa(e.StatusCode)
	case e.StatusCode != 0:
		return causeResponse
	case e.cause != nil:
		return lost(e.cause, causeNetwork)
	}
	return causeOther
}

// lost returns causeTimeout or causeNetwork for an error of a connection, and otherwise
// the word.
func lost(err error, word string) string {
	var network net.Error
	is := errors.As(err, &network)
	switch {
	case errors.Is(err, context.DeadlineExceeded), is && network.Timeout():
		return causeTimeout
	case is:
		return causeNetwork
	}
	return word
}
