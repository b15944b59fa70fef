package connectorauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/wire"
	"golang.org/x/oauth2"
)

// errNativePKCE is the error of a consent that nothing would protect.
var errNativePKCE = errors.New("connectorauth: redirectURL: a program without a web page needs PKCE, because other programs can get hold of its codes (RFC 8252 section 8.1); remove DisablePKCE")

// begin makes the authorization request (RFC 6749 section 4.1.1).
func (s *oauth2Scheme) begin(ctx context.Context, redirectURL string) (authURL string, text Secret, err error) {
	grant, ok := s.grant.(AuthorizationCode)
	if !ok {
		return "", "", errNoConsent
	}
	if native := pending.Native(redirectURL); native && grant.DisablePKCE {
		return "", "", errNativePKCE
	} else if !native {
		if err := pending.CheckRedirect(redirectURL); err != nil {
			return "", "", err
		}
	}
	u, err := url.Parse(origin.ASCIIURL(grant.AuthURL))
	if err != nil {
		return "", "", err
	}
	v := pending.Value{For: s.consentIdentity(grant), State: pending.RandomText(), Redirect: redirectURL, Lifetime: grant.ConsentLifetime}
	query := url.Values{}
	maps.Copy(query, grant.Params)
	set := func(standard, value string) {
		if name := check.Rename(standard, s.dialect.AuthNames); name != "" {
			query.Set(name, value)
		}
	}
	set("response_type", "code")
	set("client_id", s.clientID)
	set("redirect_uri", redirectURL)
	set("state", v.State)
	wanted, scope, err := s.wanted()
	if err != nil {
		return "", "", err
	}
	maps.Copy(query, wanted)
	if scope != "" {
		set("scope", scope)
	}
	if name := check.Rename("resource", s.dialect.AuthNames); name != "" && s.resources() != nil {
		query[name] = s.resources()
	}
	if !grant.DisablePKCE {
		v.Verifier = oauth2.GenerateVerifier()
		set("code_challenge", oauth2.S256ChallengeFromVerifier(v.Verifier))
		set("code_challenge_method", "S256")
	}
	if v.Key, err = s.newProofKey(); err != nil {
		return "", "", s.subject("").name(err)
	}
	bound, err := s.bind(v.Key)
	if err != nil {
		return "", "", s.subject("").name(err)
	}
	maps.Copy(query, bound)
	own := u.Query()
	maps.Copy(wanted, bound)
	if before := len(own); before > 0 {
		maps.DeleteFunc(own, func(name string, _ []string) bool { return wanted.Has(name) })
		if len(own) < before { // otherwise the query stays as the config has it
			u.RawQuery = own.Encode()
		}
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	if authURL, err = s.runAuthorize(ctx, u, slices.Collect(maps.Keys(bound))...); err != nil {
		return "", "", err
	}
	if grant.PushedAuthorizationRequestURL != "" {
		if authURL, err = s.push(ctx, grant.PushedAuthorizationRequestURL, authURL, own, v.Key); err != nil {
			return "", "", err
		}
	}
	return authURL, Secret(v.Encode()), nil
}

// push sends the authorization request of full to the provider (RFC 9126 section 2), and
// returns the URL for the browser (section 4). The parameters that own has, from the query
// of AuthURL, stay in the URL.
func (s *oauth2Scheme) push(ctx context.Context, to, full string, own url.Values, key string) (string, error) {
	u, err := url.Parse(full)
	if err != nil {
		return "", err
	}
	r := s.providerRequest(to, nil)
	stays := func(name string, _ []string) bool { return own.Has(name) }
	kept, pushed := u.Query(), u.Query()
	maps.DeleteFunc(kept, func(name string, values []string) bool { return !stays(name, values) })
	maps.DeleteFunc(pushed, stays)
	r.further = pushed
	var granted struct {
		URI string `json:"request_uri"`
	}
	err = s.callProvider(ctx, r, key, "pushed authorization request", func(resp *endpoint.Response) error {
		if json.Unmarshal(resp.Text(), &granted); granted.URI == "" || wire.HasControl(granted.URI) {
			return errors.New("the response has no request_uri")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	kept.Set("client_id", s.clientID)
	kept.Set("request_uri", granted.URI)
	u.RawQuery = spaced(kept.Encode())
	return u.String(), nil
}

// runAuthorize runs the hooks on the URL that Begin returns. The parameters called bound
// protect the consent, as others do.
func (s *oauth2Scheme) runAuthorize(ctx context.Context, before *url.URL, bound ...string) (string, error) {
	u := *before
	for _, h := range s.hooks {
		if h.BeforeAuthorize != nil {
			if err := runHook("the hook before the authorization", func(u *url.URL) error { return h.BeforeAuthorize(ctx, u) }, &u); err != nil {
				return "", err
			}
		}
	}
	was, is := before.Query(), u.Query()
	names := check.SentNames([]string{"state", "redirect_uri", "code_challenge", "code_challenge_method"}, s.dialect.AuthNames)
	for _, name := range append(names, bound...) {
		if !slices.Equal(was[name], is[name]) {
			return "", fmt.Errorf("connectorauth: a hook changed the parameter %s, which protects the consent", name)
		}
	}
	if !origin.Same(&u, before) || u.User != nil || u.Opaque != "" {
		return "", errors.New("connectorauth: a hook changed the origin of the authorization URL")
	}
	u.RawQuery = spaced(u.RawQuery)
	return u.String(), nil
}

// spaced returns a query with %20 for each space: some login pages read a plus sign
// as a plus sign. A plus sign is spelled %2B.
func spaced(query string) string { return strings.ReplaceAll(query, "+", "%20") }
