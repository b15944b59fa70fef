package oauth1

import (
	"bytes"
	"net/http"
	"time"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// TimestampRefused is the oauth_problem of a request with a timestamp too far
// from the server's clock.
const TimestampRefused = "timestamp_refused"

// deadTokenProblems are the problems that no later renewal can solve.
var deadTokenProblems = map[string]bool{
	"token_expired": true, "token_rejected": true, "token_revoked": true, "token_used": true,
	"permission_denied": true, "user_refused": true, "additional_authorization_required": true,
}

// IsDeadToken reports whether problem, the oauth_problem of a refused renewal,
// means that the account owner must give the consent again.
func IsDeadToken(problem string) bool { return deadTokenProblems[problem] }

// Problem returns the oauth_problem in the WWW-Authenticate headers of h (OAuth
// Problem Reporting extension), and "" if there is none. The result is fit for an
// error text: at most 64 letters, digits, dots, hyphens and underscores.
func Problem(h http.Header) string { return plainWord(challenge.Param(h, "oauth_problem")) }

// BodyProblem returns the oauth_problem in a body, which may be a form or any
// other text, and "" if there is none. The result is as fit for an error text as
// the result of [Problem].
func BodyProblem(body []byte) string {
	_, rest, _ := bytes.Cut(body, []byte("oauth_problem="))
	rest = bytes.TrimPrefix(rest, []byte(`"`))
	return plainWord(string(rest[:min(len(rest), maxWord)]))
}

// maxBody is the number of bytes of a body in which ResponseProblem looks for an
// oauth_problem.
const maxBody = 2 << 10

// maxWait is how long ResponseProblem waits for the body.
const maxWait = 50 * time.Millisecond

// ResponseProblem returns the oauth_problem of a refusal, and "" if there is
// none. Many servers send the problem in the body of a response with status 401
// and not in a header. Later reads of resp.Body still see the whole body.
func ResponseProblem(resp *http.Response) string {
	problem := Problem(resp.Header)
	if problem == "" && resp.StatusCode == http.StatusUnauthorized {
		problem = BodyProblem(wire.PeekText(resp, maxBody, maxWait))
	}
	return problem
}

// maxWord is the length of the longest word that plainWord returns.
const maxWord = 64

// plainWord returns the start of text up to the first character that is not a
// letter, a digit, a dot, a hyphen or an underscore. A server may put anything
// into a header or body, and error texts must not repeat secrets.
func plainWord(text string) string {
	end := 0
	for end < min(len(text), maxWord) && isWordByte(text[end]) {
		end++
	}
	return text[:end]
}

func isWordByte(c byte) bool { return wire.IsUnreserved(c) && c != '~' }
