package connectorauth_test

import (
	"bytes"
	"net/http"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestNewConnectorSeesWhatTheStoreHas(t *testing.T) {
	store := new(tokenstore.Memory)
	connector := func() *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: "https://p.example/token", Store: store, Account: "alice",
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
		}))
	}
	first := connector()
	require.NoError(t, first.SetToken(t.Context(), &oauth2.Token{AccessToken: "one", Expiry: time.Now().Add(time.Hour)}))
	got, err := connector().Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "one", got.AccessToken)

	value, _, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	require.NoError(t, store.Save(t.Context(), "alice", bytes.Replace(value, []byte("one"), []byte("two"), 1)))
	got, err = connector().Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "two", got.AccessToken, "another program has replaced the token")

	require.NoError(t, store.Delete(t.Context(), "alice"))
	_, err = connector().Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	runtime.KeepAlive(first)
}

func TestConnectorsMadeAnewFinishAConsentOnce(t *testing.T) {
	sent := 0
	client := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		sent++
		return respond(200, `{"access_token":"a","refresh_token":"r"}`), nil
	})}
	connector := func() *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: "https://p.example/token", HTTPClient: client,
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
		}))
	}
	authURL, pending, err := connector().Begin(t.Context(), "https://app.example/callback")
	require.NoError(t, err)
	callback := url.Values{"state": {must(url.Parse(authURL)).Query().Get("state")}, "code": {"c"}}
	require.NoError(t, connector().Finish(t.Context(), pending, callback))
	require.ErrorContains(t, connector().Finish(t.Context(), pending, callback), "finished already")
	assert.Equal(t, 1, sent)
}
