package replicas

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// beginElsewhere is begin for all accounts, by a process whose clock is ahead. Every
// second account is in doubt: the response to its last renewal was lost.
func (s *stage) beginElsewhere(t *testing.T, p *authtest.Provider, memory *tokenstore.Memory, ahead time.Duration) {
	t.Helper()
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now.Add(ahead)))
		for i := range s.role.Accounts {
			check(t, s.begin(t.Context(), p, memory, new(connectorauth.Shared), direct(p, false), i))
		}
		time.Sleep(time.Minute)
		for i := 1; i < s.role.Accounts; i += 2 {
			c, err := s.role.connector(memory, new(connectorauth.Shared), direct(p, true), i)
			check(t, err)
			if _, err := c.Token(context.WithoutCancel(t.Context())); err == nil {
				t.Fatal("the response was not lost")
			}
		}
	})
	p.ExpireAccessTokens() // the provider's clock is right
}

// direct returns a way to the provider without a network. With lost, the responses
// are lost.
func direct(p *authtest.Provider, lost bool) http.RoundTripper {
	return fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		defer req.Body.Close()
		response := httptest.NewRecorder()
		p.Handler().ServeHTTP(response, req)
		if lost {
			return nil, errors.New("the connection broke")
		}
		return response.Result(), nil
	})
}
