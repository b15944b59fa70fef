package connectorauth_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forgetful is a base that keeps nothing of a request.
type forgetful struct{}

func (forgetful) RoundTrip(*http.Request) (*http.Response, error) {
	return fakehttp.Respond(200, ""), nil
}

func TestReflectionReachesNoSecretBehindAConnector(t *testing.T) {
	c := newCanary(t)
	for _, b := range birds() {
		store, shared := new(tokenstore.Memory), new(connectorauth.Shared)
		seed(store)
		connector, _ := b.build(c, &fakehttp.Base{Answer: goodProvider}, store)
		hooked := connectorauth.WithHooks(connector, connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return nil }})
		foreign := connectorauth.WithHooks(struct{ connectorauth.Connector }{connector}, connectorauth.Hooks{})
		for _, connector := range []connectorauth.Connector{connector, hooked, foreign} {
			client := connectorauth.NewClient(connector, &http.Client{Transport: forgetful{}})
			for range 2 { // fresh, and with a token
				c.Reach(b.name, connector)
				c.Reach(b.name+" client", client)
				c.Reach(b.name+" transport", client.Transport)
				resp, err := client.Post(home, "application/json", strings.NewReader(`{}`))
				require.NoError(t, err, b.name)
				c.Reach(b.name+" response", resp)
			}
		}
		if o, ok := connector.(*connectorauth.OAuth2); ok {
			c.Reach(b.name+" TokenSource", o.TokenSource(t.Context()))
			status, err := o.Status(t.Context())
			require.NoError(t, err)
			c.Reach(b.name+" Status", status)
		}
		c.Reach(b.name+" store", store)
		c.Reach(b.name+" Shared", shared)
		runtime.KeepAlive([]connectorauth.Connector{connector, hooked, foreign}) // their end would change shared meanwhile
	}
}

func TestReflectionReachesNoSecretBehindAShared(t *testing.T) {
	c := newCanary(t)
	shared, store := new(connectorauth.Shared), new(tokenstore.Memory)
	began, goOn := make(chan struct{}), make(chan struct{})
	o := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: providerURL + "/token", Shared: shared, Store: store, Account: "account",
		Grant: connectorauth.PasswordCredentials{Username: "user", Password: password},
		HTTPClient: &http.Client{Transport: &fakehttp.Base{Answer: func(r *http.Request) (*http.Response, error) {
			close(began)
			<-goOn
			return goodProvider(r)
		}}},
	}))
	done := make(chan error, 1)
	go func() { done <- o.Renew(context.Background()) }()
	<-began
	c.Text("a Shared during a renewal", canary.Reached(shared)) // no assertion: it would race with the renewal
	close(goOn)
	require.NoError(t, <-done)
	require.NoError(t, shared.Shutdown(t.Context())) // nothing changes any more
	c.Reach("Shared", shared)
	c.Reach("store", store)
	runtime.KeepAlive(o) // the end of o would change shared meanwhile
}

func TestReflectionReachesNoSecretBehindAnError(t *testing.T) {
	for fault, answer := range providerFaults() {
		if fault == "panic" {
			continue // of the caller's goroutine, for some connectors
		}
		for _, b := range birds() {
			inBubble(t, fault+"/"+b.name, func(t *testing.T, c *canary.Canary) {
				store := new(tokenstore.Memory)
				connector, _ := b.build(c, &fakehttp.Base{Answer: answer}, store)
				client := connectorauth.NewClient(connector, &http.Client{Transport: talkative{}})
				_, err := client.Post(home, "application/json", strings.NewReader(`{}`))
				c.Reach("error", errors.Unwrap(err))
			})
		}
	}
}

// talkative is a base whose errors quote the request.
type talkative struct{}

func (talkative) RoundTrip(req *http.Request) (*http.Response, error) {
	return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: fmt.Errorf("cannot send to %s: %w", req.URL, errBroken)}
}

func TestDocumentedThatReflectionReadsASecret(t *testing.T) {
	assert.Contains(t, canary.Reached(connectorauth.Secret(secretKey)), secretKey, "a string has no other representation; if this fails, shorten the documentation of Secret")
}

func TestGobRefusesASecret(t *testing.T) {
	for name, v := range map[string]any{
		"Secret": connectorauth.Secret(secretKey), "empty": connectorauth.Secret(""),
		"config": connectorauth.APIKeyConfig{Key: secretKey}, "credential": connectorauth.CustomCredential{Value: secretKey},
	} {
		var out bytes.Buffer
		assert.ErrorContains(t, gob.NewEncoder(&out).Encode(v), "Secret", name)
		assert.NotContains(t, out.String(), secretKey, name)
	}
}

func TestTokenRequestPrintsNoCredential(t *testing.T) {
	c := newCanary(t)
	r := connectorauth.TokenRequest{
		Endpoint: providerURL, ClientSecret: clientSecret,
		Params: url.Values{"refresh_token": {refreshToken}}, Header: http.Header{"Authorization": {accessToken}},
	}
	c.Value("TokenRequest", r)
	c.Value("TokenRequest", &r)
	assert.Equal(t, "connectorauth.TokenRequest to "+providerURL, fmt.Sprint(r))
}
