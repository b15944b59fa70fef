package connectorauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestHookErrorOfAnotherKindNeitherRenewsNorReplays(t *testing.T) {
	for name, hook := range map[string]func(*connectorauth.Exchange) error{
		"error": func(*connectorauth.Exchange) error { return errBroken },
		"panic": func(*connectorauth.Exchange) error { panic(errBroken) },
		"reauth": func(*connectorauth.Exchange) error {
			return fmt.Errorf("the hook's own: %w", connectorauth.ErrReauthRequired)
		},
	} {
		tokens, api := tokenEndpoint(), &fakehttp.Base{}
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token",
			Grant: connectorauth.ClientCredentials{}, HTTPClient: &http.Client{Transport: tokens},
		}))
		_, err := connectorauth.NewClient(connectorauth.WithHooks(c, after(hook)), &http.Client{Transport: api}).Get(home)
		require.ErrorContains(t, err, "hook after the response", name)
		assert.Len(t, api.Requests(), 1, name)
		assert.Len(t, tokens.Requests(), 1, name)
	}
}

// renewable returns an OAuth2 connector whose token is not the provider's latest.
func renewable(t *testing.T, p *authtest.Provider) *connectorauth.OAuth2 {
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
	}))
	access, refresh := p.IssueTokens("")
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh}))
	return c
}

func TestHookMakesTheConnectorRenewAndReplay(t *testing.T) {
	p := authtest.NewProvider(t)
	c := renewable(t, p)
	stale := must(c.Token(t.Context())).AccessToken
	var sent []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, string(must(io.ReadAll(r.Body))))
		fmt.Fprint(w, strings.Contains(r.Header.Get("Authorization"), stale))
	}))
	defer api.Close()
	hooked := connectorauth.WithHooks(c, connectorauth.Hooks{
		BeforeRequest: func(e *connectorauth.Exchange) error {
			body, err := e.RequestBody(100)
			e.SetRequestBody(append(body, '!'))
			return err
		},
		AfterResponse: func(e *connectorauth.Exchange) error {
			if string(must(e.ResponseBody(100))) == "true" {
				return connectorauth.ErrCredentialRejected
			}
			return nil
		},
	})
	resp, err := connectorauth.NewClient(hooked, nil).Post(api.URL, "text/plain", strings.NewReader("body"))
	_, body := read(t, resp, err)
	assert.Equal(t, "false", body)
	assert.Equal(t, []string{"body!", "body!"}, sent)
	assert.Equal(t, 1, p.Stats().TokenRequests)

	// A body that cannot be sent again is not, but the next request has a new token.
	stale = must(c.Token(t.Context())).AccessToken
	_, err = connectorauth.NewClient(hooked, nil).Post(api.URL, "text/plain", io.MultiReader(strings.NewReader("once")))
	require.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
	assert.Len(t, sent, 3)
}

func TestRejectionIsMendedWhateverTheHookSaysOfIt(t *testing.T) {
	p := authtest.NewProvider(t)
	c := renewable(t, p)
	p.RevokeAccessTokens()
	hooked := connectorauth.WithHooks(c, after(func(e *connectorauth.Exchange) error {
		if e.Response.StatusCode >= 400 {
			return fmt.Errorf("status %d", e.Response.StatusCode)
		}
		return nil
	}))
	status, _ := get(t, hooked, nil, p.BearerURL)
	assert.Equal(t, http.StatusOK, status)
	p.RevokeGrants()
	_, err := connectorauth.NewClient(hooked, nil).Get(p.BearerURL)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
}
