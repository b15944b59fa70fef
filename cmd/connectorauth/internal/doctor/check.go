package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// scopes compares the granted scopes with the wanted ones.
func (x *examination) scopes(context.Context) bool {
	s := Step{Name: "scopes", Outcome: Skipped, Detail: "the provider has not said which scopes it granted"}
	switch {
	case x.m != nil && len(x.m.Scopes()) == 0:
		s.Detail = "the method asks for none"
	case len(x.status.Missing) > 0:
		s.Outcome, s.Cause = Warning, CauseScope
		s.Detail = fmt.Sprintf("missing: %s; granted: %s", strings.Join(x.status.Missing, " "), strings.Join(x.status.Granted, " "))
		s.advice = scopeAdvice(strings.Join(x.status.Missing, " "))
	case x.status.Granted != nil:
		s.Outcome, s.Detail = OK, "granted: "+strings.Join(x.status.Granted, " ")
	}
	x.step(s)
	return true
}

func scopeAdvice(missing string) string {
	if missing == "" {
		return "Connect the account again with more scopes, or by a user with more rights, because the credential is not allowed what the test request does"
	}
	return fmt.Sprintf("Connect the account again and let the account owner allow all scopes, because the grant lacks %s", missing)
}

// test makes the test request of the definition.
func (x *examination) test(ctx context.Context) bool {
	s := Step{Name: "test request"}
	if x.d.Test != nil {
		s.Target = x.d.Test.Request
	}
	bounded, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	begin, before := time.Now(), x.observer.count()
	client := x.observed(x.added()).HTTPClient
	identity, err := x.connected.Check(bounded, client)
	s.Duration = time.Since(begin)
	seen := x.observer.exchanges(before)
	var last exchange
	for i := range seen {
		if seen[i].status != 0 || last.req == nil {
			last = seen[i]
		}
		if seen[i].status != 0 && x.stands(seen[i]) != "" {
			break // what follows is that of somebody else
		}
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return false
	case errors.Is(err, definition.ErrNoTest):
		s.Outcome, s.Detail = Skipped, "the definition has no test"
	case err == nil && x.account.Identity != "" && identity.ID != "" && identity.ID != x.account.Identity:
		s.Outcome, s.Cause, s.Detail = Fault, CauseIdentity, "the credential opens another account of the service than before"
		s.advice = "Connect the account again as the user of before, because the credential now opens another account of the service"
	case err == nil:
		x.tested = true
		s.Outcome, s.Detail = OK, x.said(last)
		if identity.Label != "" {
			s.Detail += ", the account of " + identity.Label
		}
	default:
		s.Outcome, s.Detail = Fault, err.Error()
		if last.status != 0 {
			s.Detail += "; " + last.req.URL.Host + ": " + x.said(last)
		}
		s.Cause, s.advice = x.ofTest(err, last)
		if last.req != nil && last.status == 0 && x.blocked(last.req.URL) {
			s.Cause, s.advice = "", "" // the step of the host knows more
		}
	}
	x.step(s)
	return true
}

// ofTest returns why the test request failed, and what to do.
func (x *examination) ofTest(err error, last exchange) (Cause, string) {
	var failed *definition.CheckError
	var token *connectorauth.TokenError
	host := ""
	if last.req != nil {
		host = hostPort(last.req.URL)
	}
	if last.status != 0 {
		if who := x.stands(last); who != "" {
			return CauseProxy, proxyAdvice(host, who)
		}
	}
	stored, advice := ofStored(err)
	problem, remedy := x.ofProblem(last)
	var reset streamReset
	switch _, away := x.led(last); {
	case errors.As(err, &failed) && failed.StatusCode == 0 && away:
		return CauseBaseURL, x.baseAdvice(failed, x.at(last)+" leads to another host, which does not answer")
	case stored != "":
		return stored, advice
	case problem != "":
		return problem, remedy
	case errors.As(err, &token), errors.Is(err, connectorauth.ErrReauthRequired):
		return ofToken(err)
	case errors.Is(err, connectorauth.ErrHostNotAllowed):
		return CauseBaseURL, "Correct the base URL of the definition, because the test request goes to a host that must not see the credential"
	case !errors.As(err, &failed):
		return CauseDefinition, "Correct the test of the definition, because the test request cannot be made as the step says"
	}
	if certificate := ofClientCertificate(host, err); certificate != "" {
		return CauseCertificate, certificate
	}
	switch failed.Reason {
	case definition.ReasonRefused:
		return x.ofRefusal(failed, last)
	case definition.ReasonForbidden:
		return CauseScope, scopeAdvice(x.lacking(last.header))
	case definition.ReasonNotFound:
		if failed.StatusCode == 0 {
			return CauseDNS, "Check the host name in the definition and in what was typed, because the name of the API has no address"
		}
		return CauseBaseURL, x.baseAdvice(failed, "there is nothing at "+x.at(last))
	case definition.ReasonMoved:
		if last.isHTML() && last.req.Response != nil {
			return CauseBaseURL, x.baseAdvice(failed, "the service leads to a page for people at "+x.at(last)+", such as a sign-in")
		}
		return CauseBaseURL, x.baseAdvice(failed, x.at(last)+" leads elsewhere")
	case definition.ReasonNotJSON:
		if last.isHTML() && last.req.Response != nil {
			return CauseCredential, "Connect the account again, because the service leads the test request to a page for people, such as a sign-in, and does not take the credential"
		}
		return CauseBaseURL, x.baseAdvice(failed, "the response at "+x.at(last)+" is no JSON")
	case definition.ReasonUnavailable:
		switch {
		case errors.As(err, &reset):
			return CauseOutage, fmt.Sprintf("Try again later, or tell whoever runs %s, because the server breaks requests off (HTTP/2 error code %d)", host, reset.Code)
		case last.status == 0:
			return CauseUnreachable, "Check the network and the base URL of the definition, because the test request gets no answer"
		case last.status >= 300 && last.status <= 399:
			return CauseBaseURL, x.baseAdvice(failed, x.at(last)+" leads in a circle")
		case last.status == http.StatusTooManyRequests:
			return CauseRateLimit, waitAdvice(host, last)
		}
		return CauseOutage, outageAdvice(host, last)
	case definition.ReasonStatus:
		return CauseDefinition, fmt.Sprintf("Check the test of the definition, because the API answers the test request with status %d", failed.StatusCode)
	}
	return CauseDefinition, "Check the members id and label of the test in the definition, because the response has nothing there"
}

// led returns where a redirect leads, and whether the place has another origin.
func (x *examination) led(e exchange) (to *url.URL, away bool) {
	if e.status < 300 || e.status > 399 {
		return nil, false
	}
	return another(e.req.URL, e.header.Get("Location"))
}

// ofRefusal returns what to do about a refused credential.
func (x *examination) ofRefusal(failed *definition.CheckError, last exchange) (Cause, string) {
	place := misplaced(last)
	if errors.Is(failed, connectorauth.ErrCredentialRejected) {
		return CauseCredential, "Connect the account again, because the API refuses even a token that was just renewed"
	}
	if place != "" {
		return CauseCredential, fmt.Sprintf("Connect the account again with a good value, or change where the definition puts the credential, because %s", place)
	}
	if len(failed.Inputs) > 0 {
		return CauseCredential, fmt.Sprintf("Connect the account again with a good value of %s, because the service refuses the present one", strings.Join(failed.Inputs, ", "))
	}
	return CauseCredential, "Connect the account again, because the service refuses the credential"
}

// at returns where a request went, for people.
func (x *examination) at(e exchange) string {
	if e.req == nil {
		return "the address of the test"
	}
	return e.address()
}

func (x *examination) baseAdvice(failed *definition.CheckError, why string) string {
	if len(failed.Inputs) > 0 {
		return fmt.Sprintf("Correct %s of the account or the base URL of the definition, because %s", strings.Join(failed.Inputs, ", "), why)
	}
	return "Correct the base URL or the test of the definition, because " + why
}

// wanted matches the scopes in a refusal (RFC 6750 section 3).
var wanted = lazy.Regexp(`(?i)\bscope="([^"]*)"`)

// lacking returns the missing scopes, or nothing.
func (x *examination) lacking(h http.Header) string {
	if found := wanted().FindStringSubmatch(h.Get("Www-Authenticate")); found != nil && found[1] != "" {
		return found[1]
	}
	return strings.Join(x.status.Missing, " ")
}
