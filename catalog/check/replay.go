package check

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
)

// world leads all requests to the server, and reaches nothing else.
type world struct {
	*replay.Server
	guard *egress.Transport
}

// Unwrap names the guard that package definition asks for where an input may lead to any
// host: no request of a world leaves the process, so the guard has nothing to do.
func (w *world) Unwrap() http.RoundTripper { return w.guard }

// replay leads an account through its life.
func (c *checker) replay(m *definition.Method, s *facts.Source) {
	a, values := newLife(c.d, m, s)
	a.elapse = a.server.Expire
	if err := a.run(c.d, values); err != nil {
		c.add("%s: replay: %v", m.Name, err)
	}
	for _, complaint := range a.server.Complaints() {
		c.add("%s: replay: %s", m.Name, complaint)
	}
}

// A life is that of one account at a server of the facts.
type life struct {
	server *replay.Server
	m      *definition.Method
	elapse func() // ends the present token
	client *http.Client
	c      *definition.Connected
}

// newLife returns an account with sample values, and what its owner types of them.
func newLife(d *definition.Definition, m *definition.Method, s *facts.Source) (*life, map[string]connectorauth.Secret) {
	values, all := samples(d, m.Name), map[string]string{}
	for name, value := range values {
		all[name] = string(value)
	}
	for _, capture := range captures(m) {
		all[capture.Name] = sample(definition.Input{Name: capture.Name, Limits: capture.Limits})
	}
	return &life{server: replay.New(s, m.Name, all), m: m}, values
}

func (a *life) run(d *definition.Definition, values map[string]connectorauth.Secret) error {
	guard, err := egress.New(egress.Config{})
	if err != nil {
		return err
	}
	defer guard.CloseIdleConnections()
	a.client = &http.Client{Transport: &world{a.server, guard}}
	connection := definition.Connection{
		Method: a.m.Name, Values: values, Client: clientOf(d, a.m.Name), HTTPClient: a.client, Shared: new(connectorauth.Shared),
	}
	if a.c, err = d.Connect(connection); err != nil {
		return err
	}
	ctx := context.Background()
	if err := a.agree(ctx); err != nil {
		return err
	}
	if err := a.call(ctx); err != nil {
		return err
	}
	if d.Test != nil {
		identity, err := a.c.Check(ctx, a.client)
		if a.server.Count("test") == 0 {
			return errors.New("the test request is another one than the sources know; change test.request, or x-sources.test")
		}
		if err != nil {
			return err
		}
		if d.Test.ID != "" && identity.ID != replay.Identity {
			return errors.New("the test finds another identity than the response has; change test.id, or x-sources.testId")
		}
	}
	if err := a.foreign(ctx); err != nil {
		return err
	}
	if err := a.renew(ctx); err != nil {
		return err
	}
	return a.revoke(ctx)
}

func has[V any](m map[string]V, name string) bool { _, ok := m[name]; return ok }

// agree leads through a consent.
func (a *life) agree(ctx context.Context) error {
	type asks interface {
		Begin(ctx context.Context, redirectURL string) (string, connectorauth.Secret, error)
		Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
	}
	consent, ok := a.c.Credential().(asks)
	if o, isOAuth2 := a.m.Scheme.(*definition.OAuth2); !ok || isOAuth2 && o.Grant.AuthorizationCode == nil {
		return nil
	}
	address, pending, err := consent.Begin(ctx, replay.Callback)
	if err != nil {
		return err
	}
	callback := a.server.Agree(address)
	if callback == nil {
		return errors.New("the account owner is led to another URL than the sources know; change the URL of the consent, or x-sources.methods." + a.m.Name + ".authorize")
	}
	return consent.Finish(ctx, pending, maps.Clone(callback))
}

// call makes a request to the API.
func (a *life) call(ctx context.Context) error {
	base, err := a.c.BaseURL(ctx, "")
	if err != nil {
		return err
	}
	before := a.server.Count("api")
	verb, body := http.MethodGet, ""
	if a.m.Type == connectorauth.AuthTypeAuthFields {
		verb, body = http.MethodPost, "{}"
	}
	req, err := http.NewRequestWithContext(ctx, verb, base+replay.CallPath, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := connectorauth.NewClient(a.c.Connector(), a.client).Do(req)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New("the API responds with " + resp.Status)
	}
	if a.server.Count("api") == before {
		return errors.New("the request went elsewhere than to the base URL of the sources; change baseUrl, or x-sources.base")
	}
	return nil
}

// foreign makes a request to a host that no source knows, which nothing may reach.
func (a *life) foreign(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://foreign.example/", nil)
	if err != nil {
		return err
	}
	resp, err := connectorauth.NewClient(a.c.Connector(), a.client).Do(req)
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, connectorauth.ErrHostNotAllowed) {
		return errors.New("a request to a foreign host is not refused")
	}
	return nil
}

// revoke ends the account where the service has an endpoint for revocation.
func (a *life) revoke(ctx context.Context) error {
	c, isOAuth2 := a.c.Credential().(*connectorauth.OAuth2)
	if !isOAuth2 || a.m.Scheme.(*definition.OAuth2).RevokeURL == "" {
		if a.server.Revokes() {
			return errors.New("nothing can be revoked; add revokeUrl, or take out x-sources.methods." + a.m.Name + ".revoke")
		}
		return nil
	}
	if err := c.Revoke(ctx); err != nil {
		return err
	}
	if a.server.Count("revoke") == 0 {
		return errors.New("nothing was revoked at the URL of the sources; change revokeUrl, or x-sources.methods." + a.m.Name + ".revoke")
	}
	return nil
}

// renew lets tokens expire, twice: the second renewal needs what the first one brought.
func (a *life) renew(ctx context.Context) error {
	o, isOAuth2 := a.m.Scheme.(*definition.OAuth2)
	if !isOAuth2 && a.m.Type != definition.TypeSession {
		return nil
	}
	isObtained := !isOAuth2 || o.Grant.AuthorizationCode == nil
	for range 2 {
		before := a.server.Count("token") + a.server.Count("refresh") + a.server.Count("login")
		a.elapse()
		err := a.call(ctx)
		switch {
		case !isObtained && !a.server.Refreshes():
			if !errors.Is(err, connectorauth.ErrReauthRequired) {
				return errors.New("without a refresh token, an expired token must ask for a new consent")
			}
			return nil
		case err != nil:
			return err
		case a.server.Count("token")+a.server.Count("refresh")+a.server.Count("login") != before+1:
			return errors.New("an expired token must cost one token request")
		}
	}
	return nil
}
