package connectorauth_test

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
)

// A nil pointer in an interface would panic at the first request.
func TestConstructorsRefuseNilPointers(t *testing.T) {
	var store *tokenstore.Memory
	oauth1Config := connectorauth.OAuth1Config{
		ClientID: "client", ClientSecret: "secret", Account: "account",
		RequestTokenURL: "https://provider.example/request", AuthorizeURL: "https://provider.example/authorize", AccessTokenURL: "https://provider.example/access",
	}
	for name, test := range map[string]struct {
		construct func() error
		problem   string
	}{
		"the store of an OAuth2": {func() error {
			_, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: connectorauth.ClientCredentials{},
				Store: store, Account: "account",
			})
			return err
		}, "Store: is a nil *tokenstore.Memory; set a value, or leave Store empty"},
		"the store of an OAuth1": {func() error {
			config := oauth1Config
			config.Store = store
			_, err := connectorauth.NewOAuth1(config)
			return err
		}, "Store: is a nil *tokenstore.Memory"},
		"the store of a Custom": {func() error {
			_, err := connectorauth.NewCustom(connectorauth.CustomConfig{
				Places: make([]connectorauth.CustomPlace, 1), Obtain: obtaining(credential{Value: "value"}), Store: store, Account: "account",
			})
			return err
		}, "Store: is a nil *tokenstore.Memory"},
		"the signer of an OAuth1": {func() error {
			config := oauth1Config
			config.Signer = (*oauth1.HMAC256Signer)(nil)
			_, err := connectorauth.NewOAuth1(config)
			return err
		}, "Signer: is a nil *oauth1.HMAC256Signer"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, test.construct(), test.problem)
		})
	}
}
