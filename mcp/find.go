package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// find finds the authorization server of the MCP server. values are challenges of the server;
// nil: find asks for them.
func (a *Account) find(ctx context.Context, r record, values []string) (*found, error) {
	resp := &http.Response{Header: http.Header{"Www-Authenticate": values}}
	if values == nil {
		var err error
		if resp, err = a.config.Finder.Challenge(ctx, a.config.URL); err != nil {
			return nil, err
		}
	}
	resource, err := a.config.Finder.Resource(ctx, a.config.URL, resp)
	if a.config.Legacy && challenge.Param(resp.Header, "resource_metadata") == "" && missing(err) {
		resource, err = &discovery.Resource{Resource: a.config.URL, AuthorizationServers: []string{a.origin()}}, nil
	}
	if err != nil {
		return nil, err
	}
	f := &found{Resource: resource.Resource}
	if f.Issuer, err = a.choose(resource.AuthorizationServers); err != nil {
		return nil, err
	}
	if f.Scopes, err = a.scopes(resp.Header, resource); err != nil {
		return nil, err
	}
	if r.Present != nil && r.Present.Issuer == f.Issuer {
		f.Scopes, err = bound(union(r.Present.Scopes, f.Scopes))
	}
	return f, err
}

// choose chooses an authorization server.
func (a *Account) choose(issuers []string) (string, error) {
	switch only := a.config.Issuer; {
	case len(issuers) == 0:
		return "", errors.New("connectorauth: mcp: the metadata of the server name no authorization server")
	case only == "":
		return issuers[0], nil
	case slices.ContainsFunc(issuers, func(issuer string) bool { return strings.TrimSuffix(issuer, "/") == strings.TrimSuffix(only, "/") }):
		return only, nil
	default:
		return "", fmt.Errorf("connectorauth: mcp: the server does not name the authorization server %s of the config, which alone knows the client", only)
	}
}

// scopes returns the scopes that the server wants.
func (a *Account) scopes(h http.Header, resource *discovery.Resource) ([]string, error) {
	if own := a.config.OAuth2.Scopes; len(own) > 0 {
		return own, nil
	}
	wanted := strings.Fields(challenge.Param(h, "scope"))
	if len(wanted) == 0 {
		wanted = resource.ScopesSupported
	}
	if a.config.ScopeFilter != nil {
		wanted = a.config.ScopeFilter(slices.Clone(wanted))
	}
	return bound(wanted)
}

// bound refuses more scopes than the URL of a consent can have. A server that wants others
// with each refusal comes to an end.
func bound(scopes []string) ([]string, error) {
	size := 0
	for _, scope := range scopes {
		size += len(scope) + 1
	}
	if size > maxScopes {
		return nil, errors.New("connectorauth: mcp: the server wants more scopes than 8 KiB, with those that a consent has asked for; leave some out by ScopeFilter")
	}
	return scopes, nil
}

// begin completes what was found for a consent, with the metadata of the authorization server.
func (a *Account) begin(ctx context.Context, f *found) error {
	server, err := a.config.Finder.Server(ctx, f.Issuer)
	switch {
	case a.fallback(f) != nil && missing(err):
		return nil
	case err != nil:
		return err
	case !slices.Contains(server.CodeChallengeMethodsSupported, "S256"):
		return fmt.Errorf("connectorauth: mcp: the authorization server %s does not say that it takes code challenges by S256, and MCP clients must refuse such servers", f.Issuer)
	case slices.Contains(server.ScopesSupported, offlineAccess):
		f.Scopes = union(f.Scopes, []string{offlineAccess})
	}
	return nil
}

// offlineAccess is the scope of OpenID Connect for a refresh token.
const offlineAccess = "offline_access"

// fallback returns the endpoints of a server of the revision 2025-03-26 without metadata.
func (a *Account) fallback(f *found) *discovery.Server {
	at := a.origin()
	if !a.config.Legacy || f.Issuer != at {
		return nil
	}
	return &discovery.Server{
		Issuer: at, AuthorizationEndpoint: at + "/authorize", TokenEndpoint: at + "/token", RegistrationEndpoint: at + "/register",
	}
}

// origin returns the origin of the URL.
func (a *Account) origin() string {
	u, _ := url.Parse(a.config.URL) // New has read the URL
	return u.Scheme + "://" + u.Host
}

// fill returns the config of the connector, but for what the authorization server says.
func (a *Account) fill(f *found) connectorauth.OAuth2Config {
	config := a.config.OAuth2
	// A token of one authorization server goes to no other: each has an account of its own.
	// Without a consent, no record says which server a token is for, so the name does.
	if a.config.consents() {
		config.Account += "#" + pending.Identity(f.Issuer)
	} else {
		config.Account += "#" + pending.Identity(f.Issuer, f.Resource)
	}
	config.Scopes = f.Scopes
	if len(config.Resources) == 0 {
		config.Resources = []string{f.Resource}
	}
	if len(config.Hosts) == 0 {
		config.Hosts = []string{a.origin()}
	}
	return config
}

// at returns the account at an authorization server.
func (a *Account) at(f *found) (*discovery.Account, error) {
	return discovery.NewAccount(discovery.AccountConfig{
		Finder: a.config.Finder, Registrar: a.config.Registrar, Issuer: f.Issuer, OAuth2: a.fill(f), Fallback: a.fallback(f),
	})
}

// missing reports whether metadata are at none of their places.
func missing(err error) bool {
	failed := new(discovery.Error)
	return errors.As(err, &failed) && failed.Missing()
}

// union returns the scopes of a, and those of b that are not in a.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, scope := range b {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}
