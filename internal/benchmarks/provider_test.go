package benchmarks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
)

// A provider is a token endpoint without a network.
type provider struct {
	shared   connectorauth.Shared
	requests atomic.Int64
}

func (p *provider) RoundTrip(req *http.Request) (*http.Response, error) {
	n := p.requests.Add(1)
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	answer := fmt.Sprintf(`{"access_token":"%s-%d","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-%d"}`, token, n, n)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(answer)), Request: req,
	}, nil
}

// counted runs f, and fails if f has not led to n token requests.
func (p *provider) counted(n int, f func() error) error {
	before := p.requests.Load()
	if err := f(); err != nil {
		return err
	}
	if made := p.requests.Load() - before; made != int64(n) {
		return fmt.Errorf("%d token requests, want %d", made, n)
	}
	return nil
}

// An account is one of the provider's.
type account struct {
	shared  *connectorauth.Shared
	name    string
	store   connectorauth.TokenStore
	expired bool // the account has a token, and the token has expired
}

// connector returns a connector of the account.
func (p *provider) connector(t testing.TB, a account) *connectorauth.OAuth2 {
	t.Helper()
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize"}, Hosts: []string{"api.example.com"},
		Account: a.name, Store: a.store, Shared: a.shared, HTTPClient: &http.Client{Transport: p},
	})
	if err == nil && a.expired {
		err = c.SetToken(context.Background(), &oauth2.Token{AccessToken: "old", RefreshToken: "refresh", Expiry: time.Now().Add(-time.Minute)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}
