package doctor

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// ofProblem returns what the oauth_problem of a refusal means (OAuth Problem Reporting
// extension). An empty Cause means that the method is not OAuth1, or that nothing is known.
func (x *examination) ofProblem(e exchange) (Cause, string) {
	if x.m == nil || e.status < 400 || e.status > 499 {
		return "", ""
	}
	if _, is := x.m.Scheme.(*definition.OAuth1); !is {
		return "", ""
	}
	problem := oauth1.Problem(e.header)
	if problem == "" {
		problem = oauth1.BodyProblem(e.body)
	}
	switch problem {
	case oauth1.TimestampRefused:
		return CauseClock, "Set the clock of this machine, or tell whoever runs the service that its clock is wrong, because the service refuses the time of the signature (timestamp_refused)"
	case "nonce_used":
		return CauseSignature, "Look for a proxy or a program that sends requests twice, because the service has seen the nonce of the request before (nonce_used)"
	case "signature_invalid":
		return CauseSignature, "Enter the client secret and the token secret again, and compare the signature method of the definition with what the service wants, because the service finds another signature (signature_invalid)"
	case "signature_method_rejected":
		return CauseSignature, "Change the signature method of the definition, because the service refuses the method (signature_method_rejected)"
	case "consumer_key_unknown", "consumer_key_rejected", "consumer_key_refused":
		return CauseClient, fmt.Sprintf("Enter the client ID (consumer key) and the client secret of the registration again, because the service refuses the client (%s)", problem)
	case "token_rejected", "token_revoked", "token_expired", "token_used":
		return CauseRevoked, fmt.Sprintf("Connect the account again, because the service refuses the token (%s)", problem)
	case "permission_denied", "permission_unknown":
		return CauseScope, fmt.Sprintf("Let the account owner allow more to the client at the service, because the service denies the request (%s)", problem)
	}
	return "", ""
}

// misplaced says how a refusal gives away that the credential is in the wrong place: the service
// asks for another authentication scheme (RFC 9110 section 11.6.1) than the request has. Empty
// means nothing of that kind.
func misplaced(e exchange) string {
	if e.status != http.StatusUnauthorized || e.req == nil {
		return ""
	}
	sent, _, _ := strings.Cut(e.req.Header.Get("Authorization"), " ")
	var wanted []string
	for _, c := range challenge.Parse(e.header.Values("Www-Authenticate")) {
		if strings.EqualFold(c.Scheme, sent) {
			return ""
		}
		wanted = append(wanted, c.Scheme)
	}
	if len(wanted) == 0 {
		return ""
	}
	what := "the request has no Authorization header"
	if sent != "" {
		what = "the Authorization header of the request has another one"
	}
	return fmt.Sprintf("the service asks for the scheme %s in the header Authorization, and %s", strings.Join(wanted, " or "), what)
}
