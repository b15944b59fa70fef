package authtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const stepUpPath = "/api/stepup"

// StepUpURL returns an endpoint that requires an access token, as BearerURL does, of a
// consent with acr among its acr_values, in which the account owner signed in at most
// maxAge ago. Otherwise the response is insufficient_user_authentication (RFC 9470). An
// empty acr means any, and a negative maxAge any time.
func (p *Provider) StepUpURL(acr string, maxAge time.Duration) string {
	return p.URL + stepUpPath + "?" + url.Values{"acr": {acr}, "max_age": {strconv.Itoa(int(maxAge / time.Second))}}.Encode()
}

func (p *Provider) steppedUp(w http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	identity, refused := p.bearer(w, r)
	if refused != nil {
		return identity, refused
	}
	token, _ := p.bearerToken(r)
	query := r.URL.Query()
	acr := query.Get("acr")
	maxAge, _ := strconv.Atoi(query.Get("max_age"))
	enough := acr == "" || hasScopes(token.acr, acr)
	if enough && (maxAge < 0 || time.Since(token.authenticated) <= time.Duration(maxAge)*time.Second) {
		return identity, nil
	}
	code, description := "insufficient_user_authentication", "another authentication of the account owner is required"
	refused = bearerRefusal(http.StatusUnauthorized, code, description, "")
	if acr != "" {
		refused.challenge += fmt.Sprintf(", acr_values=%q", acr)
	}
	if maxAge >= 0 {
		refused.challenge += fmt.Sprintf(", max_age=\"%d\"", maxAge)
	}
	return Identity{}, refused
}

// consented returns the grant of a consent to the authorization request q.
func consented(q url.Values, user, client string) *grant {
	return &grant{
		kind: "authorization_code", user: user, client: client, scope: q.Get("scope"), resources: q["resource"],
		acr: q.Get("acr_values"), authenticated: time.Now(),
	}
}

// grantOf returns the grant that a token request belongs to, or nil. The caller holds p.mu.
func (p *Provider) grantOf(form url.Values) *grant {
	if code := p.oauth2.codes[form.Get("code")]; code != nil {
		return code.grant
	}
	if token := p.oauth2.refresh[form.Get("refresh_token")]; token != nil {
		return token.grant
	}
	return nil
}

// checkTarget checks the resource indicators of a request (RFC 8707 section 2) for g, which
// may be nil.
func (p *Provider) checkTarget(q url.Values, g *grant) *oauth2Error {
	if p.config.Resources == nil {
		return nil
	}
	for _, resource := range q["resource"] {
		if !slices.Contains(p.config.Resources, resource) || g != nil && !slices.Contains(g.resources, resource) {
			return &oauth2Error{http.StatusBadRequest, "invalid_target", "the resource is unknown, or the consent was for others (RFC 8707 section 2)"}
		}
	}
	return nil
}
