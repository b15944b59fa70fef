package authtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/authtest"
)

func TestCodeIsUsedOnceAndAReplayRevokesItsTokens(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	callback, err := p.Authorize(config.AuthCodeURL("s"))
	require.NoError(t, err)
	code := callback.Query().Get("code")
	token, err := config.Exchange(ctx, code)
	require.NoError(t, err)
	_, err = config.Exchange(ctx, code)
	assert.ErrorContains(t, err, "used before")
	_, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	assert.ErrorContains(t, err, "revoked")
}

func TestCodeOfARevokedGrant(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	callback, err := p.Authorize(config.AuthCodeURL("s"))
	require.NoError(t, err)
	p.RevokeGrants()
	_, err = config.Exchange(ctx, callback.Query().Get("code"))
	assert.ErrorContains(t, err, "revoked the grant")
}

func TestRevocationEndpoint(t *testing.T) {
	p, _, _ := start(t, authtest.Config{})
	revoke := func(form url.Values) int {
		req, err := http.NewRequest("POST", p.RevokeURL, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret))
		resp, _, _ := call(t, p.Client(), req)
		return resp.StatusCode
	}
	status := func(access string) int {
		resp, _, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), access))
		return resp.StatusCode
	}
	access, refresh := p.IssueTokens("")
	assert.Equal(t, 400, revoke(url.Values{}))
	assert.Equal(t, 200, revoke(url.Values{"token": {"unknown"}}))
	assert.Equal(t, 200, status(access))
	assert.Equal(t, 200, revoke(url.Values{"token": {access}}))
	assert.Equal(t, 401, status(access))
	assert.Zero(t, p.Stats().RevokedGrants)

	_, answer := postToken(t, p, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	access, refresh = answer["access_token"].(string), answer["refresh_token"].(string)
	assert.Equal(t, 200, revoke(url.Values{"token": {refresh}}))
	assert.Equal(t, 401, status(access))
	assert.Equal(t, 1, p.Stats().RevokedGrants)
}

func TestTokensDieOnDemand(t *testing.T) {
	p, _, _ := start(t, authtest.Config{})
	refreshed := func(refresh string) (map[string]any, string) {
		_, answer := postToken(t, p, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		next, _ := answer["refresh_token"].(string)
		return answer, next
	}
	access, refresh := p.IssueTokens("")
	for _, c := range []struct {
		die   func()
		words string
	}{{p.ExpireAccessTokens, "expired"}, {p.RevokeAccessTokens, "unknown or was revoked"}} {
		resp, _, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), access))
		assert.Equal(t, 200, resp.StatusCode)
		c.die()
		resp, _, body := call(t, p.Client(), withBearer(get(t, p.BearerURL), access))
		assert.Equal(t, 401, resp.StatusCode)
		assert.Contains(t, body, c.words)
		var answer map[string]any
		answer, refresh = refreshed(refresh)
		access = answer["access_token"].(string)
	}
	p.RevokeGrants()
	resp, _, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), access))
	assert.Equal(t, 401, resp.StatusCode)
	answer, _ := refreshed(refresh)
	assert.Equal(t, "invalid_grant", answer["error"])
	assert.Equal(t, 1, p.Stats().RevokedGrants)
}
