package accounts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
)

// signed is a definition whose accounts consent by OAuth1.
const signed = `{"connectorauth": 1, "name": "acme", "methods": [
	{"name": "sign", "type": "OAuth1", "baseUrl": "SIGNURL", "requestTokenUrl": "REQUESTURL", "authorizeUrl": "CONSENTURL", "accessTokenUrl": "ACCESSURL"},
	{"name": "key", "type": "ApiKey", "baseUrl": "KEYURL", "key": "{apiKey}", "placement": {"name": "X-Api-Key"}, "inputs": [{"name": "apiKey", "secret": true}]}
]}`

func TestImportTakesTokensOfOAuth1(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.NewReplacer("SIGNURL", w.p.OAuth1URL, "REQUESTURL", w.p.RequestTokenURL, "CONSENTURL", w.p.AuthorizeURL, "ACCESSURL", w.p.AccessTokenURL).Replace(signed))
		token, secret := w.p.IssueOAuth1Token()
		rows := []accounts.Row{
			{Request: accounts.Request{ID: "a", Owner: "o1", Definition: "acme", Method: "sign"}, OAuth1Token: oauth1.NewToken(token, secret)},
			{Request: accounts.Request{ID: "empty", Owner: "o1", Definition: "acme", Method: "sign", Duplicate: true}, OAuth1Token: oauth1.NewToken("", secret)},
			{Request: accounts.Request{ID: "wrong", Owner: "o1", Definition: "acme", Method: "sign", Duplicate: true}, Token: &oauth2.Token{AccessToken: token}},
			{Request: accounts.Request{ID: "key", Owner: "o1", Definition: "acme", Method: "key", Values: values{"apiKey": "CANARY"}, Duplicate: true}, OAuth1Token: oauth1.NewToken(token, secret)},
		}
		want := []string{
			"", "connectorauth: AddToken: the token is empty",
			"accounts: Import: Token: the method sign has no token of OAuth2; leave the field empty, and give Values",
			"accounts: Import: OAuth1Token: the method key has no token of OAuth1; leave the field empty, and give Values",
		}
		r := w.process()
		var got []string
		for a, err := range r.Import(t.Context(), slices.Values(rows)) {
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			assert.Equal(t, accounts.StatusOK, a.Status)
			got = append(got, "")
		}
		assert.Equal(t, want, got)
		assert.Equal(t, 200, w.status(w.process(), "a"))
	})
}

func TestImportKeepsNamedExtraValues(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access, _ := w.p.IssueTokens("read")
		token := (&oauth2.Token{AccessToken: access}).WithExtra(map[string]any{"team": "7", "unnamed": "x"})
		rows := []accounts.Row{{Request: accounts.Request{ID: "a", Owner: "o1", Definition: "acme", Method: "oauth"}, Token: token, Extra: []string{"team"}}}
		r := w.process()
		for _, err := range r.Import(t.Context(), slices.Values(rows)) {
			require.NoError(t, err)
		}
		connected, err := r.Connected(t.Context(), "a")
		require.NoError(t, err)
		kept, err := connected.Credential().(*connectorauth.OAuth2).Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "7", kept.Extra("team"))
		assert.Nil(t, kept.Extra("unnamed"))
	})
}
