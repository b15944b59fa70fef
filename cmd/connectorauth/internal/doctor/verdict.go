package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// A Cause is what is wrong, for programs.
type Cause string

// The causes, of which an earlier one explains the later ones.
const (
	CauseUnknown        Cause = "unknown_account"
	CauseDisconnected   Cause = "disconnected"
	CauseStoreKey       Cause = "store_key" // the key does not open what is stored
	CauseVersion        Cause = "version"   // the record is of a newer program
	CauseRecord         Cause = "record"    // of the token, is damaged
	CauseStore          Cause = "store"     // the store or the index does not work
	CauseLocked         Cause = "locked"    // another process holds the lock of the account
	CauseInput          Cause = "input"     // the definition wants another value
	CauseProxy          Cause = "proxy"     // something answers in place of a service
	CauseDNS            Cause = "dns"       // a name has no address
	CauseRefused        Cause = "refused"   // the address is in a network that accounts may not reach
	CauseClock          Cause = "clock"     // this machine's clock is wrong
	CauseExpired        Cause = "certificate_expired"
	CauseName           Cause = "certificate_name"
	CauseAuthority      Cause = "certificate_authority"
	CauseTLS            Cause = "tls"
	CauseCertificate    Cause = "client_certificate" // the server wants another one, or one at all
	CauseUnreachable    Cause = "unreachable"        // no connection, or no answer
	CauseNotConnected   Cause = "not_connected"
	CauseClient         Cause = "client" // the client ID or the client secret is wrong
	CauseRevoked        Cause = "revoked"
	CauseReauthRequired Cause = "reauth_required" // the account owner must authorize again
	CauseRegistration   Cause = "registration"    // the token is that of another client or token URL
	CauseRateLimit      Cause = "rate_limit"
	CauseOutage         Cause = "outage"   // of the service
	CauseMetadata       Cause = "metadata" // of the server, from which a consent learns the endpoints
	CauseTokenURL       Cause = "token_url"
	CauseBaseURL        Cause = "base_url"
	CauseCredential     Cause = "credential" // a key or a password is wrong
	CauseSignature      Cause = "signature"  // of OAuth1, is refused
	CauseScope          Cause = "scope"      // the credential lacks a right or a scope
	CauseIdentity       Cause = "identity"   // the credential is that of another account
	CauseDefinition     Cause = "definition"
	CauseIPv6           Cause = "ipv6"
	CauseTheirClock     Cause = "service_clock"
)

var order = []Cause{
	CauseUnknown, CauseDisconnected, CauseStoreKey, CauseVersion, CauseRecord, CauseStore, CauseLocked, CauseInput, CauseProxy, CauseDNS, CauseRefused, CauseClock,
	CauseExpired, CauseName, CauseAuthority, CauseTLS, CauseCertificate, CauseUnreachable, CauseNotConnected, CauseClient, CauseRevoked, CauseReauthRequired,
	CauseRegistration, CauseRateLimit, CauseOutage, CauseMetadata, CauseTokenURL, CauseBaseURL, CauseSignature, CauseCredential, CauseScope, CauseIdentity, CauseDefinition, CauseIPv6,
	CauseTheirClock,
}

// conclude completes the report: the verdict, and the exchanges. Secrets found late
// also go from earlier steps.
func (x *examination) conclude() {
	r := &x.report
	for i := range r.Steps {
		s := &r.Steps[i]
		s.Detail, s.advice, s.Target = x.mask.text(s.Detail, 1000), x.mask.text(s.advice, 1000), x.mask.text(s.Target, 500)
	}
	for _, v := range x.visits {
		if v != nil && v.req != nil {
			r.Exchanges = append(r.Exchanges, v.shown(x.mask))
		}
	}
	for _, e := range x.observer.exchanges(0) {
		r.Exchanges = append(r.Exchanges, e.shown(x.mask))
	}
	r.document = masked(r.document, x.mask)
	first := decisive(r.Steps, Fault)
	if first == nil {
		first = decisive(r.Steps, Warning)
	}
	switch {
	case first == nil && !slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Name == "test request" }):
		r.Outcome, r.Advice = Warning, "Run doctor again, because the examination was cut short."
	case first == nil && x.tested:
		r.Outcome, r.Advice = OK, "Nothing is to do, because the account works."
	case first == nil:
		r.Outcome, r.Advice = OK, "Add a test to the definition to be certain, because nothing is wrong as far as can be seen without one."
	case x.tested:
		r.Outcome, r.Cause, r.Advice = Warning, first.Cause, "The account works now, but "+sentence(strings.ToLower(first.advice[:1])+first.advice[1:])
	default:
		r.Outcome, r.Cause, r.Advice = first.Outcome, first.Cause, sentence(first.advice)
	}
}

// decisive returns the step with the outcome whose cause explains the others, or nil.
func decisive(steps []Step, outcome Outcome) (first *Step) {
	for i := range steps {
		s := &steps[i]
		if s.Outcome == outcome && s.Cause != "" && (first == nil || slices.Index(order, s.Cause) < slices.Index(order, first.Cause)) {
			first = s
		}
	}
	return first
}

// sentence makes a text a single sentence.
func sentence(s string) string {
	s = strings.NewReplacer(". ", "; ", "! ", "; ", "? ", "; ").Replace(strings.TrimRight(s, ". "))
	return fmt.Sprintf("%s.", s)
}
