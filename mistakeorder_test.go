package connectorauth_test

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

// A program that logs the error of a constructor twice logs the same text twice.
func TestMistakesAreListedInTheOrderOfTheFields(t *testing.T) {
	config := connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: "https://provider.example/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize"},
		FormerTokenURL: "http://provider.example/former", RevokeURL: "http://provider.example/revoke",
	}
	for range 30 {
		_, err := connectorauth.NewOAuth2(config)
		require.ErrorContains(t, err, "FormerTokenURL")
		require.Regexp(t, `(?s)FormerTokenURL: .*RevokeURL: `, err.Error())
	}
}
